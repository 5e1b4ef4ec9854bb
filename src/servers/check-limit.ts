import { AppError } from '../errors.ts';

/** A checked host answers "open", "closed" or "silent": without a limit, that is a port scanner. */
const CHECKS_PER_MINUTE = 60;
const WINDOW_MS = 60_000;

/** Counts checks per caller in a sliding minute. */
export class CheckLimit {
  readonly #taken = new Map<string, number[]>();

  /** @throws AppError too_many_checks (429) */
  take(caller: string, now: number): void {
    const recent = (this.#taken.get(caller) ?? []).filter((at) => at > now - WINDOW_MS);
    if (recent.length >= CHECKS_PER_MINUTE) {
      const retryAfterSeconds = Math.ceil((recent[0]! + WINDOW_MS - now) / 1000);
      throw new AppError(
        'too_many_checks',
        `At most ${CHECKS_PER_MINUTE} servers can be checked in a minute. Try again in ${retryAfterSeconds} seconds.`,
        {
          status: 429,
          detail: { retryAfterSeconds },
        },
      );
    }
    recent.push(now);
    this.#taken.set(caller, recent);
  }
}
