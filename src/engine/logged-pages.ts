import { basename, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { errorText } from '../errors.ts';
import { failpoint, tuned } from '../failpoint.ts';
import type { Log } from '../log.ts';
import { claimKey, LEASE_MS } from '../queue/delivery.ts';
import { AppendLog, MAX_FLUSHES, remove } from '../storage/append-log.ts';
import type { Db } from '../storage/db.ts';
import type { Patience } from '../storage/patience.ts';
import { deleteSetting } from '../storage/settings.ts';
import { LogAge } from './log-age.ts';
import { type LogPosition, newLogName, putPosition } from './log-position.ts';
import { type Batch, type Page, type Pages, record, StoredPages, toText, type Written } from './page.ts';

/** Pages are worked in together: after so many outcomes, or so long after the first. */
const BATCH_TURNS = 200;
const WORK_IN_AFTER_MS = 50;
/** A database that takes nothing is tried again this often. */
const AGAIN_MS = 1_000;
/** Of a lease, so much is left at least when a page goes to the log. */
const LEFT = 1 / 2;

export interface LoggedPagesParts {
  db: Db;
  clock: Clock;
  log: Log;
  /** The data folder. */
  folder: string;
  /** With a quick disk, where nothing else waits in this thread. */
  patience?: Patience;
  /** Where others look how late the database is. */
  age?: LogAge;
  /** Told of the messages whose turns are in the database. */
  onStored: (ids: readonly string[]) => void;
}

/**
 * Pages of a worker that is alone on its database. What is ordinary goes to a log of its own first: messages that a
 * server accepted, and markers of messages whose leases last. On the disk there is as good as stored, and takes a tenth
 * of the time; the database learns it a moment later, many pages at once. What others act on, such as a refusal, a retry
 * or a lease that ends, is stored in the database, after all that the log holds.
 * (docs/decisions/0013-journal-log.md)
 */
export class LoggedPages implements Pages {
  /** While one page is flushed the connections of the others are at the wire. */
  readonly maxUnderWay = MAX_FLUSHES;
  readonly #parts: LoggedPagesParts;
  readonly #stored: StoredPages;
  readonly #file: AppendLog;
  readonly #age: LogAge;
  /** In the log, and not in the database. */
  readonly #pending: { text: string; now: number; ids: readonly string[] }[] = [];
  /** The first of these, which are being worked in, or are to be tried again: the other half takes what comes. */
  #batch: Batch | undefined;
  /** Outcomes that came after them. */
  #turns = 0;
  /** Claims that were marked here and have not ended: none is marked twice. */
  readonly #marked = new Set<string>();
  #workedIn = 0;
  #working: Promise<void> | undefined;
  #storing: Promise<unknown> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosing = false;

  /** @returns undefined where the folder takes no such file: then all is to be stored in the database at once */
  static async open(parts: LoggedPagesParts): Promise<LoggedPages | undefined> {
    try {
      const file = await AppendLog.create(join(parts.folder, newLogName()), parts.patience);
      await parts.db.write((tx) => putPosition(tx, positionOf(file)));
      return new LoggedPages(parts, file);
    } catch (error) {
      parts.log.error(
        { error: errorText(error) },
        'the log of the worker could not be made: sending is slower',
      );
      return undefined;
    }
  }

  private constructor(parts: LoggedPagesParts, file: AppendLog) {
    this.#parts = parts;
    this.#stored = new StoredPages(parts.db, parts.onStored);
    this.#file = file;
    this.#age = parts.age ?? new LogAge();
  }

  get commits(): number {
    return this.#stored.commits + this.#workedIn;
  }

  /** A page that waits for one that is being stored is not written where that one is not: it may be its outcome. */
  async write(page: Page): Promise<Written> {
    while (this.#storing) await this.#storing;
    const written = (this.#isOrdinary(page) ? this.#append(page) : undefined) ?? this.#store(page);
    for (const { row } of page.turns) this.#marked.delete(claimKey(row));
    return written;
  }

  /** Resolves when the database is not late. @throws when it takes nothing */
  async ready(): Promise<void> {
    while (this.#age.isLate(this.#parts.clock.now())) await (this.#working ?? this.#workIn());
  }

  /** What could not be worked in stays in the log, for the next start. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#caughtUp().catch(() => {}); // the log has it, and says so
    await this.#file.close();
    if (this.#pending.length > 0) return;
    const { db, log } = this.#parts;
    try {
      await db.write((tx) => deleteSetting(tx, 'journal_log'));
      await remove(this.#file.path);
    } catch (error) {
      log.error(
        { error: errorText(error) },
        'the log of the worker could not be removed; the next start will',
      );
    }
  }

  /** Until its page is in the database no lease may end: there the message looks as if nobody had sent it. */
  #isOrdinary({ turns, marks, renewals, now }: Page): boolean {
    const lasts = (end: number) => end >= now + LEFT * tuned('lease', LEASE_MS);
    return (
      renewals.length === 0 &&
      marks.every(({ until }) => lasts(until)) &&
      turns.every(
        ({ row, verdict }) =>
          lasts(row.due_at) &&
          verdict.kind === 'attempted' &&
          verdict.server !== null &&
          verdict.outcome.class === 'accepted',
      )
    );
  }

  /** @returns undefined when the log does not take it */
  #append(page: Page): Promise<Written> | undefined {
    const marks = page.marks.filter((one) => !this.#marked.has(claimKey(one)));
    if (marks.length > 0) failpoint('mark-uncommitted');
    const text = toText({ ...page, marks });
    const flushed = this.#file.append(text);
    if (!flushed) return undefined;
    for (const one of marks) this.#marked.add(claimKey(one));
    this.#pending.push({ text, now: page.now, ids: page.turns.map(({ row }) => row.id) });
    if (this.#pending.length === 1) this.#age.oldest = page.now;
    this.#turns += page.turns.length;
    this.#schedule();
    return flushed.then(
      () => ({
        settled: new Set(page.turns.map(({ row }) => claimKey(row))),
        marked: new Map(marks.map((one) => [claimKey(one), one.until])),
        renewed: new Set(),
      }),
      (error) => {
        this.#parts.log.error(
          { error: errorText(error) },
          'the log of the worker takes nothing more; all goes to the database from now on',
        );
        throw error;
      },
    );
  }

  /** In the database, after what is in the log, and before what comes there. */
  #store(page: Page): Promise<Written> {
    const written = this.#caughtUp().then(() => this.#stored.write(page));
    const over = () => {
      this.#storing = undefined;
    };
    this.#storing = written;
    void written.then(over, over);
    return written;
  }

  #schedule(): void {
    if (this.#working || this.#pending.length === 0) return;
    const begin = () => void this.#workIn().catch(() => {}); // it is tried again, or who closes it is told
    if (this.#batch) this.#timer ??= setTimeout(begin, tuned('return', AGAIN_MS));
    else if (this.#turns >= BATCH_TURNS) begin();
    else this.#timer ??= setTimeout(begin, WORK_IN_AFTER_MS);
  }

  /** Resolves when nothing is in the log that is not in the database. @throws when the database takes nothing */
  async #caughtUp(): Promise<void> {
    while (this.#pending.length > 0) await (this.#working ?? this.#workIn());
  }

  /** Begins to work in what the log holds, or tries the same again. @throws when the database takes nothing */
  #workIn(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#batch ??= this.#nextBatch();
    this.#working = this.#record(this.#batch).finally(() => {
      this.#working = undefined;
      if (!this.#isClosing) this.#schedule();
    });
    return this.#working;
  }

  /** All that is in the log; what is added from now on goes into its other half. */
  #nextBatch(): Batch {
    this.#file.turnOver();
    this.#turns = 0;
    return { texts: this.#pending.map(({ text }) => text), position: positionOf(this.#file) };
  }

  async #record(batch: Batch): Promise<void> {
    const { db, log, onStored } = this.#parts;
    try {
      await record(db, batch, log);
    } catch (error) {
      log.error({ error: errorText(error) }, 'the database takes nothing; trying again');
      throw error;
    }
    this.#batch = undefined;
    this.#workedIn++;
    const recorded = this.#pending.splice(0, batch.texts.length);
    this.#age.oldest = this.#pending[0]?.now;
    onStored(recorded.flatMap(({ ids }) => ids));
  }
}

/** Where the log is after what it holds now, as the database remembers it. */
function positionOf(file: AppendLog): LogPosition {
  return { name: basename(file.path), last: file.last };
}
