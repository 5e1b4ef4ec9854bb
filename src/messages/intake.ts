import { recordEvents } from '../events/record.ts';
import { failpoint } from '../failpoint.ts';
import { HIGH } from '../queue/delivery.ts';
import { count } from '../statistics/count.ts';
import { dayOf } from '../statistics/statistic.ts';
import { Batcher } from '../storage/batcher.ts';
import type { Db, Tx } from '../storage/db.ts';
import { call, procedure } from '../storage/procedure.ts';
import { findSuppressions } from '../suppressions/suppress.ts';
import { blockedReason } from '../suppressions/suppression.ts';
import type { Accepted, Draft } from './accept.ts';
import type { Backlog } from './backlog.ts';
import { type HandOver, hold, type Lease, letGo } from './hand-over.ts';
import {
  insertAttachments,
  insertIdempotencyKeys,
  insertMessages,
  messagesByIds,
  type NewMessage,
  rowOf,
} from './store.ts';

/** One message of a batch that was not accepted. */
export interface Refusal {
  error: { code: string; message: string; field?: string };
}

/** Of a batch, what was refused before anything was stored, each at its place; null where a message is accepted. */
export type Refusals = readonly (Refusal | null)[];

/** One call that was checked: what is to be stored, and the form of the answer. Plain data. */
export interface Intent {
  workspaceId: string;
  drafts: readonly Draft[];
  /** Absent for a call with one message. */
  batch?: Refusals | undefined;
  now: number;
  /** Stored with the messages, or neither. */
  key?: { key: string; bodyHash: string } | undefined;
}

/** Calls of one group, as the procedure takes them. */
interface Group {
  intents: readonly Intent[];
  /** The group failed before, and has one call. */
  again: boolean;
}

/** What the calls of a group cannot know of themselves. */
interface Stored {
  /** Places of calls of which nothing was stored: another call had their key. */
  taken: ReadonlySet<number>;
  /** Messages whose recipient is blocked. */
  blocked: ReadonlySet<string>;
}

/** What a call cannot know of itself; its answer is made of it where it waits. Plain data. */
export interface Taken {
  /** Nothing of it was stored: another call had its key. */
  isRepeat: boolean;
  /** Those of its messages whose recipient is blocked. */
  blocked: readonly string[];
}

/** Where messages come in. The promise resolves after the commit: what was answered is on disk. */
export interface Intake {
  take(intent: Intent): Promise<Taken>;
}

/** The key was stored by another call meanwhile; of this one nothing was. */
export const TAKEN = Symbol('taken');

/** Stores what a call brings. @returns what it is answered, or `TAKEN` */
export async function store(intake: Intake, intent: Intent): Promise<unknown> {
  const { isRepeat, blocked } = await intake.take(intent);
  return isRepeat ? TAKEN : answerTo(intent, blocked);
}

/** Groups that may be on their way: while one is flushed, the next is gathered and stored. */
const GROUPS_UNDER_WAY = 2;

export interface IntakeParts {
  /** Lets calls in, and is told what came in; absent where another process sends, as is `handOver`. */
  backlog?: Backlog | undefined;
  handOver?: HandOver | undefined;
  /** Told that something waits in a lane. */
  nudge?: () => void;
}

/**
 * Calls of one turn of the event loop share a transaction, and its statements. What can leave at once is handed over with
 * it.
 */
export class GroupedIntake implements Intake {
  readonly #db: Db;
  readonly #parts: IntakeParts;
  readonly #batcher: Batcher<Intent, Taken>;

  constructor(db: Db, parts: IntakeParts = {}) {
    this.#db = db;
    this.#parts = parts;
    this.#batcher = new Batcher((intents, again) => this.#store(intents, again), {
      maxUnderWay: GROUPS_UNDER_WAY,
    });
  }

  async take(intent: Intent): Promise<Taken> {
    await this.#room(intent);
    return this.#batcher.add(intent);
  }

  /** Waits while more comes in than leaves; what is urgent, or not meant to leave now, does not. */
  #room({ drafts, now }: Intent): Promise<void> | undefined {
    const [first] = this.#parts.backlog ? sendableNow(drafts, now) : [];
    return first && first.priority !== HIGH ? this.#parts.backlog?.room(first.workspace_id) : undefined;
  }

  async #store(intents: readonly Intent[], again: boolean): Promise<Taken[]> {
    const ready = intents.flatMap(({ drafts, now }) => sendableNow(drafts, now));
    const reservation = this.#parts.handOver?.reserve(ready);
    // What failed may be stored all the same, with a lease that this reservation is not for: then the lane is its place.
    if (!again) for (const [at, row] of ready.entries()) holdIf(row, reservation?.leases[at]);
    let stored: NewMessage[] = [];
    try {
      const { taken, blocked } = await call(this.#db, storeGroup, { intents, again });
      failpoint('accept-committed');
      const rows = rowsOf(intents.filter((_, at) => !taken.has(at)));
      for (const row of rows) if (blocked.has(row.id)) row.state = 'blocked';
      stored = rows.filter((row) => row.state !== 'blocked');
      return intents.map((intent, at) => ({
        isRepeat: taken.has(at),
        blocked: blocked.size === 0 ? [] : blockedOf(rowsOf([intent])),
      }));
    } catch (error) {
      for (const row of ready) letGo(row);
      throw error;
    } finally {
      const kept = new Set(stored);
      const left = ready.filter((row) => kept.has(row));
      this.#tell(stored, left);
      reservation?.end(left.map(rowOf));
    }
  }

  /** @param ready those of the stored messages that can leave now */
  #tell(stored: readonly NewMessage[], ready: readonly NewMessage[]): void {
    const { backlog, nudge } = this.#parts;
    for (const [workspaceId, own] of Map.groupBy(ready, (row) => row.workspace_id))
      backlog?.arrived(workspaceId, own.length);
    if (stored.some((row) => row.lease_owner === null)) nudge?.();
  }
}

function holdIf(row: NewMessage, lease: Lease | undefined): void {
  if (lease) hold(row, lease);
}

function rowsOf(intents: readonly Intent[]): NewMessage[] {
  return intents.flatMap(({ drafts }) => drafts.flatMap((draft) => draft.rows));
}

const storeGroup = procedure('intake', async (tx, { intents, again }: Group): Promise<Stored> => {
  return (again ? await storedBefore(tx, intents[0]!) : undefined) ?? storeAll(tx, intents);
});

/**
 * The call that failed may have been committed all the same, its answer lost. An id is drawn once: where it stands, it
 * is the call's own. @returns undefined where nothing does; a call with a key is known by that
 */
async function storedBefore(tx: Tx, intent: Intent): Promise<Stored | undefined> {
  const { workspaceId, key } = intent;
  const rows = rowsOf([intent]);
  if (key || rows.length === 0) return undefined;
  const stored = await messagesByIds(
    tx,
    workspaceId,
    rows.map((row) => row.id),
  );
  if (stored.size === 0) return undefined;
  return { taken: new Set(), blocked: new Set(blockedOf([...stored.values()])) };
}

async function storeAll(tx: Tx, intents: readonly Intent[]): Promise<Stored> {
  await markBlocked(tx, intents);
  const taken = await storeKeys(tx, intents);
  const stored = intents.filter((_, at) => !taken.has(at));
  const drafts = stored.flatMap((intent) => intent.drafts);
  const rows = drafts.flatMap((draft) => draft.rows);
  await insertMessages(tx, rows);
  for (const draft of drafts)
    if (draft.attachments.length > 0) await insertAttachments(tx, draft.rows[0]!.id, draft.attachments);
  await recordEvents(tx, rows.map(eventOf));
  await count(tx, rows.filter((row) => row.state === 'blocked').map(tallyOf));
  failpoint('accept-uncommitted');
  return { taken, blocked: new Set(blockedOf(rows)) };
}

function blockedOf(rows: readonly { id: string; state: string }[]): string[] {
  return rows.filter((row) => row.state === 'blocked').map(({ id }) => id);
}

/** What a call is answered. Of a batch each message at its place, the refused ones too. */
function answerTo(
  { drafts, batch }: Intent,
  blocked: readonly string[],
): Accepted | { results: (Accepted | Refusal)[] } {
  const left = drafts.map((draft) => accepted(draft, blocked));
  return batch ? { results: batch.map((refusal) => refusal ?? left.shift()!) } : left[0]!;
}

/** What could leave at once. */
export function sendableNow(drafts: readonly Draft[], now: number): NewMessage[] {
  const rows = drafts.flatMap((draft) => draft.rows);
  // By the time that was asked for: a call is checked a moment after it was begun, and due a moment later.
  return rows.filter((row) => row.state === 'queued' && row.live === 1 && (row.send_at ?? now) <= now);
}

/** What goes to a blocked address is recorded as such, and never sent. */
async function markBlocked(tx: Tx, intents: readonly Intent[]): Promise<void> {
  const rows = rowsOf(intents);
  const suppressionOf = await findSuppressions(tx, rows, intents[0]!.now);
  for (const row of rows) {
    const suppression = suppressionOf(row);
    if (!suppression) continue;
    letGo(row);
    Object.assign(row, {
      state: 'blocked',
      code: 'suppressed',
      reason: blockedReason(suppression),
      final_at: row.created_at,
      ...(row.sensitive === 1 ? { content: null } : {}),
    });
  }
}

/** @returns places of the calls whose messages are not to be stored: of calls with the same key all but the first */
async function storeKeys(tx: Tx, intents: readonly Intent[]): Promise<Set<number>> {
  const place = ({ workspaceId, key }: Intent) => `${workspaceId} ${key!.key}`;
  const firsts = new Map<string, number>();
  for (const [at, intent] of intents.entries())
    if (intent.key && !firsts.has(place(intent))) firsts.set(place(intent), at);
  if (firsts.size === 0) return new Set();
  const won = await insertIdempotencyKeys(
    tx,
    [...firsts.values()].map((at) => {
      const { workspaceId, key, now } = intents[at]!;
      const response = JSON.stringify(answerTo(intents[at]!, blockedOf(rowsOf([intents[at]!]))));
      return { workspaceId, key: key!.key, bodyHash: key!.bodyHash, response, createdAt: now };
    }),
  );
  const isTaken = (intent: Intent, at: number) =>
    intent.key !== undefined && !(firsts.get(place(intent)) === at && won.has(place(intent)));
  return new Set([...intents.keys()].filter((at) => isTaken(intents[at]!, at)));
}

function accepted({ rows, warnings }: Draft, blocked: readonly string[]): Accepted {
  const [first, ...others] = rows;
  return {
    id: first!.id,
    status: blocked.includes(first!.id) ? 'blocked' : first!.send_at === null ? 'queued' : 'scheduled',
    ...(others.length > 0 ? { siblings: others.map((row) => row.id) } : {}),
    warnings,
  };
}

function eventOf(row: NewMessage) {
  const type = row.state === 'blocked' ? ('message.blocked' as const) : ('message.accepted' as const);
  return { workspaceId: row.workspace_id, type, messageId: row.id, at: row.created_at };
}

function tallyOf(row: NewMessage) {
  return { workspaceId: row.workspace_id, day: dayOf(row.created_at), serverId: '', word: 'blocked' };
}
