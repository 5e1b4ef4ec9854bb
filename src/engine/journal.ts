import type { Clock } from '../clock.ts';
import { claimKey } from '../queue/delivery.ts';
import { leaseEnd, type Mark } from '../queue/queue.ts';
import { Batcher } from '../storage/batcher.ts';
import { Company } from './company.ts';
import { Meter } from './meter.ts';
import { type Turn, turnRow } from './next-state.ts';
import type { Page, Pages } from './page.ts';
import { Unstored } from './unstored.ts';

type Entry = { mark: Mark } | { turn: Turn } | { renew: readonly Claim[] };

/** Names one claim of a message. */
type Claim = { id: string; fence: number };

/** Whether it was written; of a marker also when its lease ends. */
type Stored = { isStored: boolean; until?: number | undefined };

/**
 * The one place where a worker writes down what it does at the wire: a marker before each final dot, an outcome after
 * it. Both pass in the order in which they happened, on pages that are shared over all connections and follow one
 * another; on one, outcomes stand before markers. So the outcome of one message on a connection is on the disk before
 * the marker of the next there, or with it: a crash leaves at most one message per connection uncertain.
 * An outcome that could not be stored keeps that order: no marker is written until it is (`Unstored`).
 */
export class Journal {
  readonly #pages: Pages;
  readonly #clock: Clock;
  readonly #owner: string;
  readonly #meter = new Meter();
  readonly #unstored: Unstored;
  readonly #company = new Company();
  readonly #batcher: Batcher<Entry, Stored>;
  /** The ends of leases that were renewed, by their claims. */
  readonly #renewed = new Map<string, number>();

  constructor(pages: Pages, clock: Clock, owner: string) {
    this.#pages = pages;
    this.#unstored = new Unstored(() => pages.commits);
    this.#clock = clock;
    this.#owner = owner;
    this.#batcher = new Batcher((entries, again) => this.#write(entries, again), {
      maxUnderWay: pages.maxUnderWay,
      gather: (underWay) => this.#company.gather(underWay, pages.maxUnderWay),
      soon: (begin) => this.#company.soon(begin, pages.maxUnderWay),
    });
  }

  /**
   * Stores that the final dot of a message is about to leave.
   * @returns false when its lease is lost: then the dot must not leave. Rejects when it could not be stored, or was
   * stored so late that the lease is over: the same
   */
  async mark(
    row: Claim & { due_at: number },
    server: { id: string; name: string },
    bodyHash: string,
  ): Promise<boolean> {
    const hold = { id: row.id, fence: row.fence, owner: this.#owner };
    const { isStored, until } = await this.#batcher.add({
      mark: { ...hold, serverId: server.id, serverName: server.name, bodyHash, until: this.#leaseEnd(row) },
    });
    // A process may stand still between the commit and its answer for so long that somebody else has decided.
    if (until !== undefined && until <= this.#clock.now())
      throw new Error('The lease ended while the marker was being stored.');
    return isStored;
  }

  /**
   * Stores how a turn ended. @returns false when the lease was lost, and then nothing is written. Rejects when it could
   * not be stored: then no marker is, until the same turn was stored or is given up
   */
  async settle(turn: Turn): Promise<boolean> {
    this.#company.back(claimKey(turn.row));
    const { isStored } = await this.#batcher.add({ turn });
    this.#renewed.delete(claimKey(turn.row));
    return isStored;
  }

  /** Nobody tries any more to store how a turn ended. */
  giveUp(turn: Turn): void {
    this.#unstored.remove(turn);
    this.#renewed.delete(claimKey(turn.row));
  }

  /** Nothing is written any more. */
  close(): Promise<void> {
    return this.#pages.close();
  }

  /**
   * Prolongs the leases of messages. It goes the same way as all else that is written of them: two transactions of one
   * worker on the same rows would wait for each other crosswise.
   */
  async renew(claims: readonly Claim[]): Promise<void> {
    await this.#batcher.add({ renew: claims });
  }

  #leaseEnd(row: Claim & { due_at: number }): number {
    return this.#renewed.get(claimKey(row)) ?? row.due_at;
  }

  async #write(entries: readonly Entry[], again: boolean): Promise<Stored[]> {
    const turns = entries.flatMap((entry) => ('turn' in entry ? [entry.turn] : []));
    const marks = entries.flatMap((entry) => ('mark' in entry ? [entry.mark] : []));
    if (marks.length > 0 && this.#unstored.holdsUpMarkers(turns))
      throw new Error('An outcome is not stored yet, so the marker may not be.');
    const began = this.#clock.monotonic();
    const page = this.#page(entries, turns, marks);
    const { settled, marked, renewed } = await this.#pages.write(page).catch((error) => {
      // Of a group that failed each entry is tried again alone, in the same order.
      if (entries.length === 1) for (const turn of turns) this.#unstored.add(turn);
      throw error;
    });
    for (const entry of entries) if ('renew' in entry) this.#prolonged(entry.renew, renewed, page.now);
    this.#company.wrote(this.#clock.monotonic() - began);
    this.#company.left(marked.keys());
    this.#unstored.stored(turns);
    for (const { verdict } of turns)
      if (verdict.kind === 'attempted' && verdict.server && verdict.outcome.class === 'accepted')
        this.#meter.add(verdict.server.id, this.#clock.now());
    // The group that failed may have been committed all the same, its answer lost. A marker found then is our own,
    // but who asked for it shall not send: without an answer the safe end is to let the message go untouched.
    if (again && marks.length > 0 && marked.size === 0)
      throw new Error('The marker could not be stored at the first try.');
    return entries.map((entry) => {
      if ('renew' in entry) return { isStored: true };
      if ('turn' in entry) return { isStored: settled.has(claimKey(entry.turn.row)) };
      const until = marked.get(claimKey(entry.mark));
      return { isStored: until !== undefined, until };
    });
  }

  #prolonged(claims: readonly Claim[], held: ReadonlySet<string>, now: number): void {
    // A message that this worker lost and claimed again is not held by the claim that it lost.
    for (const key of claims.map(claimKey)) if (held.has(key)) this.#renewed.set(key, leaseEnd(now));
  }

  #page(entries: readonly Entry[], turns: readonly Turn[], marks: readonly Mark[]): Page {
    const now = this.#clock.now();
    const servers = new Set(
      turns.flatMap(({ verdict }) => (verdict.kind === 'attempted' && verdict.server?.id) || []),
    );
    return {
      owner: this.#owner,
      now,
      turns: turns.map((turn) => ({
        ...turn,
        row: { ...turnRow(turn.row), due_at: this.#leaseEnd(turn.row) },
      })),
      marks,
      renewals: entries.flatMap((entry) => ('renew' in entry ? entry.renew.map(({ id }) => id) : [])),
      observed: new Map([...servers].map((id) => [id, this.#meter.perSecond(id, now)])),
    };
  }
}
