import { AppError } from '../errors.ts';

/** Wrong passwords that are let through before waiting begins, per account and per caller. */
const FREE_TRIES = 10;
const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** Tries are forgotten after this long without one. */
const FORGET_MS = 60 * 60_000;
const MAX_TRACKED = 10_000;

interface Tries {
  wrong: number;
  last: number;
}

/** Growing waits after wrong passwords; never a permanent lock, since that would let anyone lock anyone out. */
export class LoginLimit {
  readonly #tries = new Map<string, Tries>();

  /** @throws AppError too_many_tries (429) with the seconds to wait. */
  check(keys: readonly string[], now: number): void {
    for (const key of keys) {
      const tries = this.#tries.get(key);
      if (!tries || tries.wrong < FREE_TRIES) continue;
      const wait = Math.min(FIRST_WAIT_MS * 2 ** (tries.wrong - FREE_TRIES), LONGEST_WAIT_MS);
      const left = tries.last + wait - now;
      if (left > 0) {
        const retryAfterSeconds = Math.ceil(left / 1000);
        throw new AppError(
          'too_many_tries',
          `Too many wrong passwords. Try again in ${retryAfterSeconds} seconds.`,
          {
            status: 429,
            detail: { retryAfterSeconds },
          },
        );
      }
    }
  }

  /** A try has begun; it counts as wrong until `succeeded`. */
  tried(keys: readonly string[], now: number): void {
    if (this.#tries.size > MAX_TRACKED) this.#forget(now);
    for (const key of keys) {
      const tries = this.#tries.get(key);
      const stale = !tries || now - tries.last > FORGET_MS;
      this.#tries.set(key, { wrong: stale ? 1 : tries.wrong + 1, last: now });
    }
  }

  succeeded(keys: readonly string[]): void {
    for (const key of keys) this.#tries.delete(key);
  }

  #forget(now: number): void {
    for (const [key, tries] of this.#tries) if (now - tries.last > FORGET_MS) this.#tries.delete(key);
    if (this.#tries.size > MAX_TRACKED) this.#tries.clear();
  }
}
