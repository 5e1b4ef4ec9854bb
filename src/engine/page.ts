import { errorText } from '../errors.ts';
import type { Log } from '../log.ts';
import { claimKey } from '../queue/delivery.ts';
import { type Mark, mark, renew } from '../queue/queue.ts';
import type { Db, Tx } from '../storage/db.ts';
import { call, procedure } from '../storage/procedure.ts';
import { type LogPosition, putPosition } from './log-position.ts';
import type { Turn } from './next-state.ts';
import { type Observed, settle, tell } from './settle.ts';

/** What a worker writes down at once: outcomes before markers. Plain data. */
export interface Page {
  owner: string;
  /** ms */
  now: number;
  turns: readonly Turn[];
  marks: readonly Mark[];
  /** Ids of messages whose leases are prolonged. */
  renewals: readonly string[];
  observed: Observed;
}

/** What became of a page, by claims. */
export interface Written {
  settled: ReadonlySet<string>;
  /** With the ends of their leases. */
  marked: ReadonlyMap<string, number>;
  renewed: ReadonlySet<string>;
}

/** Where a worker's pages are written. A promise resolves when the page is on the disk. */
export interface Pages {
  /** How many may be written at the same time: each is on the disk after those before it, or with them. */
  readonly maxUnderWay: number;
  /** How often the database has taken something of them. */
  readonly commits: number;
  write(page: Page): Promise<Written>;
  /** The last page was written. */
  close(): Promise<void>;
}

/** Each page is a transaction. */
export class StoredPages implements Pages {
  readonly maxUnderWay = 1;
  commits = 0;
  readonly #db: Db;
  readonly #onStored: (ids: readonly string[]) => void;

  /** @param onStored told of the messages whose turns are in the database */
  constructor(db: Db, onStored: (ids: readonly string[]) => void) {
    this.#db = db;
    this.#onStored = onStored;
  }

  async write(page: Page): Promise<Written> {
    const written = await call(this.#db, storePage, page);
    this.commits++;
    this.#onStored(page.turns.map(({ row }) => row.id));
    return written;
  }

  async close(): Promise<void> {}
}

/** A page in a transaction of its own; last what all workers share. */
const storePage = procedure('journal', async (tx, page: Page): Promise<Written> => {
  const { owner, now, turns, marks, renewals, observed } = page;
  const settled = await settle(tx, turns, owner, observed);
  const marked = await mark(tx, marks, now);
  const renewed = await renew(tx, owner, renewals, now);
  await tell(tx, settled);
  return { settled: new Set(settled.map(({ row }) => claimKey(row))), marked, renewed };
});

/**
 * Of a page in the log: only what is written there (engine/logged-pages.ts). After an update the new version works in
 * what the one before left: a change of these types must still read it.
 */
type LoggedPage = Pick<Page, 'owner' | 'now' | 'turns' | 'marks'>;

export function toText({ owner, now, turns, marks }: Page): string {
  return JSON.stringify({ owner, now, turns, marks } satisfies LoggedPage);
}

/** Pages out of the log of a worker, oldest first. */
export interface Batch {
  texts: readonly string[];
  /** From here on the log is not in the database yet; undefined where that is not known. */
  position: LogPosition | undefined;
}

/**
 * Works pages of the log into the database, as if each had been stored when it was written. A marker whose outcome is
 * among them is not stored: nobody has to know of it any more.
 */
const workIn = procedure('work in', async (tx, { texts, position }: Batch): Promise<void> => {
  const pages = texts.map((text) => JSON.parse(text) as LoggedPage);
  if (position !== undefined) await putPosition(tx, position);
  for (const [owner, own] of Map.groupBy(pages, (page) => page.owner)) await workInOf(tx, owner, own);
});

async function workInOf(tx: Tx, owner: string, pages: readonly LoggedPage[]): Promise<void> {
  const turns = pages.flatMap((page) => page.turns);
  const ended = new Set(turns.map(({ row }) => claimKey(row)));
  const settled = await settle(tx, turns, owner, new Map());
  for (const { marks, now } of pages)
    await mark(
      tx,
      marks.filter((one) => !ended.has(claimKey(one))),
      now,
    );
  await tell(tx, settled);
}

/**
 * The same, whatever is among them: an entry that the database refuses for its own sake is left out, so that it does not
 * stand before all others for ever. @throws when the database takes nothing; then all of it is to be tried again
 */
export async function record(db: Db, batch: Batch, log: Log): Promise<void> {
  try {
    await call(db, workIn, batch);
  } catch (error) {
    if (isAway(error)) throw error;
    await recordEach(db, batch, log);
  }
}

async function recordEach(db: Db, { texts, position }: Batch, log: Log): Promise<void> {
  const leftOut: { message: string; error: string }[] = [];
  for (const { id, text } of texts.flatMap(entriesOf)) {
    const error = await refusalOf(db, { texts: [text], position: undefined });
    if (error !== undefined) leftOut.push({ message: id, error: errorText(error) });
  }
  await call(db, workIn, { texts: [], position });
  for (const one of leftOut) log.error(one, 'the database refused what a worker wrote down');
}

/** Why an entry alone is refused, twice: once may be anybody's fault. @throws when the database takes nothing */
async function refusalOf(db: Db, batch: Batch, isAgain = false): Promise<unknown> {
  try {
    await call(db, workIn, batch);
    return undefined;
  } catch (error) {
    if (isAway(error)) throw error;
    return isAgain ? error : refusalOf(db, batch, true);
  }
}

/** What SQLite says of the statement and its values; whatever else it says is said of the database. */
const OF_WHAT_IS_WRITTEN = /^SQLITE_(CONSTRAINT|ERROR|MISMATCH|RANGE|TOOBIG)/;

function isAway(error: unknown): boolean {
  const code = String((error as { code?: unknown }).code ?? '');
  return code.startsWith('SQLITE_') && !OF_WHAT_IS_WRITTEN.test(code);
}

/** Each outcome and each marker of a page as a page of its own, in order. */
function entriesOf(text: string): { id: string; text: string }[] {
  const page = JSON.parse(text) as LoggedPage;
  const alone = (id: string, entry: Partial<LoggedPage>) => ({
    id,
    text: JSON.stringify({ ...page, turns: [], marks: [], ...entry }),
  });
  return [
    ...page.turns.map((turn) => alone(turn.row.id, { turns: [turn] })),
    ...page.marks.map((one) => alone(one.id, { marks: [one] })),
  ];
}
