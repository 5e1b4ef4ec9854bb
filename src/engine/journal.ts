import type { Clock } from '../clock.ts';
import { claimKey } from '../queue/delivery.ts';
import { type Mark, mark, renew } from '../queue/queue.ts';
import { Batcher } from '../storage/batcher.ts';
import type { Db } from '../storage/db.ts';
import { call, procedure } from '../storage/procedure.ts';
import { followPage } from '../storage/settings.ts';
import { Company } from './company.ts';
import { Meter } from './meter.ts';
import { type Turn, turnRow } from './next-state.ts';
import { type Observed, settle, tell } from './settle.ts';
import { Unstored } from './unstored.ts';

type Entry = { mark: Mark } | { turn: Turn } | { renew: readonly string[] };
/**
 * Pages that may be on their way where a thread writes them (storage/writer-thread.ts): while one is written, the
 * connections of the other are at the wire. They are written in order, and one whose predecessor was not stored is not
 * stored either. On PostgreSQL, where two transactions run beside each other, it is one.
 */
const PAGES_UNDER_WAY = 2;

/** Whether it was written; of a marker also when its lease ends. */
type Stored = { isStored: boolean; until?: number | undefined };

/**
 * The one place where a worker writes down what it does at the wire: a marker before each final dot, an outcome after
 * it. Both pass in the order in which they happened, in transactions that are shared over all connections and follow
 * one another; within one, outcomes are written before markers. So the outcome of one message on a connection commits
 * before the marker of the next there, or with it: a crash leaves at most one message per connection uncertain.
 * An outcome that could not be stored keeps that order: no marker is written until it is (`Unstored`).
 */
export class Journal {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #owner: string;
  readonly #meter = new Meter();
  readonly #unstored = new Unstored();
  readonly #company = new Company();
  readonly #batcher: Batcher<Entry, Stored>;
  readonly #mayOverlap: boolean;
  #pages = 0;
  /** The page that is on its way, the later one of two. */
  #underWay: number | undefined;

  constructor(db: Db, clock: Clock, owner: string) {
    this.#db = db;
    this.#clock = clock;
    this.#owner = owner;
    this.#mayOverlap = db.call !== undefined;
    const maxUnderWay = this.#mayOverlap ? PAGES_UNDER_WAY : 1;
    this.#batcher = new Batcher((entries, again) => this.#write(entries, again), {
      maxUnderWay,
      gather: (underWay) => this.#company.gather(underWay + 1 < maxUnderWay),
    });
  }

  /**
   * Stores that the final dot of a message is about to leave.
   * @returns false when its lease is lost: then the dot must not leave. Rejects when it could not be stored, or was
   * stored so late that the lease is over: the same
   */
  async mark(
    { id, fence }: { id: string; fence: number },
    server: { id: string; name: string },
    bodyHash: string,
  ): Promise<boolean> {
    const owner = this.#owner;
    const { isStored, until } = await this.#batcher.add({
      mark: { id, fence, owner, serverId: server.id, serverName: server.name, bodyHash },
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
    return (await this.#batcher.add({ turn })).isStored;
  }

  /** Nobody tries any more to store how a turn ended. */
  giveUp(turn: Turn): void {
    this.#unstored.remove(turn);
  }

  /**
   * Prolongs the leases of messages. It goes the same way as all else that is written of them: two transactions of one
   * worker on the same rows would wait for each other crosswise.
   */
  async renew(ids: readonly string[]): Promise<void> {
    await this.#batcher.add({ renew: ids });
  }

  async #write(entries: readonly Entry[], again: boolean): Promise<Stored[]> {
    const turns = entries.flatMap((entry) => ('turn' in entry ? [entry.turn] : []));
    const marks = entries.flatMap((entry) => ('mark' in entry ? [entry.mark] : []));
    if (marks.length > 0 && this.#unstored.holdsUpMarkers(turns))
      throw new Error('An outcome is not stored yet, so the marker may not be.');
    const began = this.#clock.monotonic();
    const { settled, marked } = await this.#writePage(this.#page(entries, turns, marks)).catch((error) => {
      // Of a group that failed each entry is tried again alone, in the same order.
      if (entries.length === 1) for (const turn of turns) this.#unstored.add(turn);
      throw error;
    });
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

  async #writePage(page: Page) {
    if (!this.#mayOverlap) return call(this.#db, writePage, page);
    const number = ++this.#pages;
    const follows = this.#underWay;
    this.#underWay = number;
    try {
      return await call(this.#db, writePage, { ...page, chain: { number, follows } });
    } finally {
      if (this.#underWay === number) this.#underWay = undefined;
    }
  }

  #page(entries: readonly Entry[], turns: readonly Turn[], marks: readonly Mark[]): Page {
    const now = this.#clock.now();
    const servers = new Set(
      turns.flatMap(({ verdict }) => (verdict.kind === 'attempted' && verdict.server?.id) || []),
    );
    return {
      owner: this.#owner,
      now,
      turns: turns.map(({ row, verdict, random }) => ({ row: turnRow(row), verdict, random })),
      marks,
      renewals: entries.flatMap((entry) => ('renew' in entry ? [entry.renew] : [])),
      observed: new Map([...servers].map((id) => [id, this.#meter.perSecond(id, now)])),
    };
  }
}

/** What one transaction of the journal writes: outcomes before markers, and last what all workers share. */
interface Page {
  owner: string;
  now: number;
  turns: readonly Turn[];
  marks: readonly Mark[];
  renewals: readonly (readonly string[])[];
  observed: Observed;
  /** Where two may be on their way: its number, and that of the one before it, if it may not be stored yet. */
  chain?: { number: number; follows: number | undefined };
}

const writePage = procedure('journal', async (tx, page: Page) => {
  const { owner, now, turns, marks, renewals, observed, chain } = page;
  if (chain && !(await followPage(tx, owner, chain.number, chain.follows)))
    throw new Error('The page of the journal before it was not stored.');
  const settled = await settle(tx, turns, owner, now, observed);
  const marked = await mark(tx, marks, now);
  for (const ids of renewals) await renew(tx, owner, ids, now);
  await tell(tx, settled, now);
  return { settled: new Set(settled.map(({ row }) => claimKey(row))), marked };
});
