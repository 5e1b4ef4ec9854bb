import type { Clock } from '../clock.ts';
import { errorText } from '../errors.ts';
import { failpoint, tuned } from '../failpoint.ts';
import type { Log } from '../log.ts';
import { claimKey } from '../queue/delivery.ts';
import type { MessageRow } from '../queue/queue.ts';
import type { Briefing } from './briefing.ts';
import { type DeliverParts, deliver } from './deliver.ts';
import { dueOf } from './hand.ts';
import type { Journal } from './journal.ts';
import type { Turn } from './next-state.ts';
import type { Permits } from './permits.ts';
import type { Verdict } from './verdict.ts';

/** An outcome that could not be stored is tried again this often, and for this long: the lease is renewed meanwhile. */
const STORE_AGAIN_MS = 1_000;
const STORE_FOR_MS = 300_000;

export interface TurnsParts {
  clock: Clock;
  log: Log;
  journal: Journal;
  permits: Permits;
  deliver: DeliverParts;
  /** Told how a turn ended that was settled. */
  onVerdict: (row: MessageRow, verdict: Verdict, briefing: Briefing | undefined) => void;
  /** Told when a turn is over. */
  onOver: () => void;
}

/** The messages a worker holds, from their claims to their settling; one turn of each at a time. */
export class Turns {
  readonly #parts: TurnsParts;
  readonly #held = new Map<string, { row: MessageRow; work: Promise<void> }>();
  readonly #fromHand = new Set<string>();
  #stopping = false;

  constructor(parts: TurnsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#held.size;
  }

  /** How many of them were handed over. */
  get handed(): number {
    return this.#fromHand.size;
  }

  rows(): MessageRow[] {
    return [...this.#held.values()].map(({ row }) => row);
  }

  /** From now on a session that is closed is closed by us. */
  stop(): void {
    this.#stopping = true;
  }

  async over(): Promise<void> {
    await Promise.all([...this.#held.values()].map(({ work }) => work));
  }

  /** Begins turns of messages that were handed over. */
  takeHanded(rows: readonly MessageRow[], briefing: Briefing | undefined): void {
    for (const row of rows) this.#fromHand.add(row.id);
    this.take(rows, briefing);
  }

  /** Begins turns. Without a briefing the messages are given back. */
  take(rows: readonly MessageRow[], briefing: Briefing | undefined): void {
    for (const row of rows) this.#begin(row, briefing);
  }

  /**
   * Gives back messages whose turn had not begun, to the place they came to by their time. What cannot be stored is
   * left: the leases end by themselves.
   */
  giveBack(rows: readonly MessageRow[]): Promise<void> {
    const turns = rows.map(
      (row): Turn => ({
        row,
        verdict: { kind: 'returned', at: dueOf(row) },
        at: this.#parts.clock.now(),
        random: 0,
      }),
    );
    const given = turns.map(async (turn) => {
      try {
        await this.#parts.journal.settle(turn);
      } catch (error) {
        this.#parts.journal.giveUp(turn);
        this.#parts.log.error(
          { message: turn.row.id, error: errorText(error) },
          'a message was not given back',
        );
      }
    });
    return Promise.all(given).then(() => {});
  }

  #begin(row: MessageRow, briefing: Briefing | undefined): void {
    // Claimed again while its turn before goes on here, be it that its outcome is stored and not yet answered, or that
    // this process stood still past its lease: one turn ends before the next begins.
    const before = this.#held.get(row.id)?.work ?? Promise.resolve();
    const work: Promise<void> = before
      .then(() => this.#work(row, briefing))
      .catch((error) => {
        // A bug of ours: the lease ends by itself and the message is tried again, or found uncertain.
        const stack = error instanceof Error ? error.stack : undefined;
        this.#parts.log.error(
          { message: row.id, error: errorText(error), stack },
          'a delivery failed unexpectedly',
        );
      })
      .finally(() => {
        if (this.#held.get(row.id)?.work === work) {
          this.#held.delete(row.id);
          this.#fromHand.delete(row.id);
        }
        this.#parts.permits.release(claimKey(row));
        this.#parts.onOver();
      });
    this.#held.set(row.id, { row, work });
  }

  async #work(row: MessageRow, briefing: Briefing | undefined): Promise<void> {
    failpoint('claimed');
    const verdict = this.#excuse(await deliver(this.#parts.deliver, row, briefing));
    const at = this.#parts.clock.now();
    const isSettled = await this.#settle({ row, verdict, at, random: Math.random() });
    if (isSettled) failpoint('settled');
    else this.#parts.log.warn({ message: row.id }, 'the lease of a message was lost; its new holder decides');
    this.#parts.onVerdict(row, verdict, briefing);
  }

  /** A session we closed ourselves while stopping is nobody's failure. */
  #excuse(verdict: Verdict): Verdict {
    const closed =
      this.#stopping &&
      verdict.kind === 'attempted' &&
      verdict.server !== null &&
      verdict.outcome.class === 'network';
    return closed ? { kind: 'returned', at: this.#parts.clock.now() } : verdict;
  }

  /** What is known is not given up for a database that is away for a moment. */
  async #settle(turn: Turn): Promise<boolean> {
    const { clock, journal, log } = this.#parts;
    const until = clock.monotonic() + STORE_FOR_MS;
    for (;;) {
      try {
        return await journal.settle(turn);
      } catch (error) {
        if (clock.monotonic() > until) {
          journal.giveUp(turn);
          throw error;
        }
        log.error(
          { message: turn.row.id, error: errorText(error) },
          'an outcome could not be stored; trying again',
        );
      }
      await new Promise((resolve) => setTimeout(resolve, tuned('return', STORE_AGAIN_MS)));
    }
  }
}
