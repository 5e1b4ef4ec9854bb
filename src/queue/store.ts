import { type Selectable, sql } from 'kysely';
import { isWithout } from '../failpoint.ts';
import type { Db, Tx } from '../storage/db.ts';
import { skipLocked } from '../storage/lease.ts';
import type { MessagesTable } from '../storage/schema.ts';
import { type ColumnType, changing, forRows, spelled, statement } from '../storage/statement.ts';
import { BULK, claimKey, HIGH, isFinal, MARKED, NORMAL, UNROUTED } from './delivery.ts';

export type MessageRow = Selectable<MessagesTable>;

/** What a holder needs to show for every write: the row, the claim's number and its own name. */
export interface Hold {
  id: string;
  fence: number;
  owner: string;
}

export interface Claim {
  lane: string;
  priority: number;
  owner: string;
  now: number;
  /** The lease's end, which is also when the row becomes due again if nobody settles it. */
  until: number;
  limit: number;
}

const claimDue = statement<MessageRow>(
  spelled(
    { sqlite: '', postgres: 'for update skip locked' },
    (locking) => `update messages set lease_owner = ?, fence = fence + 1, due_at = ?
    where id in (
      select id from messages
      where state = 'queued' and lane = ? and priority = ? and due_at <= ?
      order by due_at, id limit coalesce(?, 0) ${locking})
    returning *`,
  ),
);

/** Takes due rows of one lane, oldest first. A row whose lease ran out is due again like any other. */
export function claimRows(tx: Tx, claim: Claim): Promise<MessageRow[]> {
  return claimDue(tx, [claim.owner, claim.until, claim.lane, claim.priority, claim.now, claim.limit]);
}

export interface DueLane {
  lane: string;
  /** When the first of its urgent and of its other rows is due; null where there is none. */
  urgentAt: number | null;
  othersAt: number | null;
}

const firstDue = (priority: number) =>
  `(select min(due_at) from messages where state = 'queued' and lane = hop.lane and priority = ${priority})`;

/** Hops through the queue's index from lane to lane instead of reading it. */
const firstOfLanes = statement<{
  lane: string;
  urgent: number | null;
  normal: number | null;
  bulk: number | null;
}>(`
  with recursive hop (lane) as (
    select min(lane) from messages where state = 'queued'
    union all
    select (select min(lane) from messages where state = 'queued' and lane > hop.lane) from hop where hop.lane is not null)
  select lane, ${firstDue(HIGH)} as urgent, ${firstDue(NORMAL)} as normal, ${firstDue(BULK)} as bulk
  from hop where lane is not null`);

/** Lanes with a row that is due. */
export async function dueLanes(db: Db, now: number): Promise<DueLane[]> {
  const rows = await firstOfLanes(db.read, []);
  return rows
    .map(({ lane, urgent, normal, bulk }) => ({ lane, urgentAt: urgent, othersAt: earlier(normal, bulk) }))
    .filter(({ urgentAt, othersAt }) => isDue(urgentAt, now) || isDue(othersAt, now));
}

function earlier(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}

function isDue(at: number | null, now: number): boolean {
  return at !== null && at <= now;
}

export async function renewRows(
  tx: Tx,
  owner: string,
  ids: readonly string[],
  now: number,
  until: number,
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await tx
    .updateTable('messages')
    .set({ due_at: until })
    .where('id', 'in', ids)
    .where('lease_owner', '=', owner)
    .where(sql<boolean>`${sql.raw(IS_QUEUED)}`)
    .where('due_at', '>', now)
    .returning(['id', 'fence'])
    .execute();
  return new Set(rows.map(claimKey));
}

/** A marker to be written: who holds the row, and to which server the final dot will go. */
export interface Mark extends Hold {
  serverId: string;
  serverName: string;
  /** The digest of the letter, another for any other bytes; that of the first attempt stays. */
  bodyHash: string;
  /** The end of the lease, as its holder knows it. */
  until: number;
}

const HOLD_COLUMNS = { held: 'text', claim: 'bigint', holder: 'text' } as const;
type HoldValues = Record<keyof typeof HOLD_COLUMNS, string>;
/**
 * That a row is queued, said so that it is looked at after the row was found. Said plainly, PostgreSQL would read all
 * that is queued by its partial index in place of a primary key, for as long as it believes that there is little of it.
 */
const IS_QUEUED = "messages.state || '' = 'queued'";
/** Whoever writes must still have the claim: a stale holder changes nothing (rules P2 and P5). */
const stillHeld = ({ held, claim, holder }: HoldValues) =>
  `messages.id = ${held} and messages.fence = ${claim} and messages.lease_owner = ${holder} and ${IS_QUEUED}`;
const unchecked = ({ held }: HoldValues) => `messages.id = ${held}`; // without rule P5, as the crash tests try it

/** A claim that was marked, and the end of its lease. */
type Marked = Pick<Hold, 'id' | 'fence'> & { until: number };

const MARK_COLUMNS = {
  ...HOLD_COLUMNS,
  to_server: 'text',
  to_name: 'text',
  hash: 'text',
  marked_at: 'bigint',
} as const;
type MarkValues = Record<keyof typeof MARK_COLUMNS, string>;
const markWhere = (condition: (v: MarkValues) => string) =>
  forRows<keyof typeof MARK_COLUMNS, Marked>(
    MARK_COLUMNS,
    ({
      v,
      from,
    }) => `update messages set dot_at = ${v.marked_at}, lane = '${MARKED}', server_id = ${v.to_server},
      server_name = ${v.to_name}, body_hash = coalesce(messages.body_hash, ${v.hash})
    ${from}
    where ${condition(v)}
    returning messages.id as id, messages.fence as fence, messages.due_at as until`,
  );
const markHeld = markWhere(
  (v) => `${stillHeld(v)} and messages.dot_at is null and messages.due_at > ${v.marked_at}`,
);

/**
 * Writes the markers that stand before every final dot. A row whose lease is no longer held gets none: then the dot
 * must not leave. (docs/delivery-states.md, rules P3 and P5) @returns the claims that were marked, with the ends of
 * their leases
 */
export async function markRows(tx: Tx, marks: readonly Mark[], now: number): Promise<Map<string, number>> {
  const values = marks.map((one) => markValues(one, now));
  if (isWithout('P5')) {
    await markWhere(unchecked)(tx, values);
    return new Map(marks.map((one) => [claimKey(one), Number.POSITIVE_INFINITY]));
  }
  const rows = await markHeld(tx, values);
  return new Map(rows.map((one) => [claimKey(one), one.until]));
}

function holdValues({ id, fence, owner }: Hold) {
  return { held: id, claim: fence, holder: owner };
}

function markValues(mark: Mark, now: number) {
  const { serverId: to_server, serverName: to_name, bodyHash: hash } = mark;
  return { ...holdValues(mark), to_server, to_name, hash, marked_at: now };
}

/** What the end of a turn may change of a row. */
const CHANGEABLE = {
  state: 'text',
  lane: 'text',
  due_at: 'bigint',
  expires_at: 'bigint',
  pinned_server_id: 'text',
  dot_at: 'bigint',
  attempts: 'bigint',
  deferred_since: 'bigint',
  final_at: 'bigint',
  server_id: 'text',
  server_name: 'text',
  route: 'text',
  code: 'text',
  reason: 'text',
  server_message_id: 'text',
  body_hash: 'text',
  possible_duplicate: 'bigint',
} as const;

type Changeable = keyof typeof CHANGEABLE;
export type Change = Partial<Pick<MessageRow, Changeable>>;

/** A held row as it was claimed, and what its turn changes of it. */
export interface Release {
  row: Pick<MessageRow, 'id' | 'fence' | 'sensitive'>;
  owner: string;
  change: Change;
}

/** As `isForgotten`, of rows that nobody has read. */
const REMEMBERED = sql<string | null>`case when sensitive = 1 then null else content end`;

function ends(state: string | undefined): boolean {
  return state !== undefined && isFinal(state);
}

function unheld(change: Change) {
  return { ...change, lease_owner: null, ...(ends(change.state) ? { content: REMEMBERED } : {}) };
}

type ReleaseStatement = ReturnType<typeof changing<string, ReturnType<typeof releaseValues>>>;

/** One statement for each set of columns that a turn may change: there are as many as kinds of ends. */
const releaseStatements = new Map<string, ReleaseStatement>();

/** Nobody but its holder could change a row since it was claimed: what is not named stays as it was read. */
function releaseStatement(changed: readonly string[], isForgotten: boolean): ReleaseStatement {
  const condition = isWithout('P5') ? unchecked : stillHeld;
  const name = [isForgotten, condition.name, ...changed].join();
  const known = releaseStatements.get(name);
  if (known) return known;
  const types = changed.map((column) => [column, CHANGEABLE[column as Changeable]] as const);
  const made: ReleaseStatement = changing(
    { ...HOLD_COLUMNS, ...Object.fromEntries(types) } as Record<string, ColumnType>,
    { held: 'messages.id', claim: 'messages.fence' },
    ({ v, from }) => `update messages set ${changed.map((column) => `${column} = ${v[column]}, `).join('')}
      ${isForgotten ? 'content = null, ' : ''}lease_owner = null
    ${from}
    where ${condition(v as HoldValues)}`,
  );
  releaseStatements.set(name, made);
  return made;
}

/** Gives held rows their next states and lets go of them. A row whose lease was lost is not touched. @returns the claims that were released */
export async function releaseRows(tx: Tx, releases: readonly Release[]): Promise<Set<string>> {
  const alike = Map.groupBy(releases, (one) => `${isForgotten(one)} ${Object.keys(one.change).join()}`);
  const released = new Set<string>();
  for (const group of alike.values()) {
    const [first] = group as [Release];
    const release = releaseStatement(Object.keys(first.change), isForgotten(first));
    for (const { held, claim } of await release(tx, group.map(releaseValues)))
      released.add(claimKey({ id: held, fence: claim }));
  }
  return isWithout('P5') ? new Set(releases.map(({ row }) => claimKey(row))) : released;
}

/** What a sensitive template made is forgotten by the very change that ends its message. */
function isForgotten({ row, change }: Release): boolean {
  return row.sensitive === 1 && ends(change.state);
}

function releaseValues({ row, owner, change }: Release) {
  return { held: row.id, claim: row.fence, holder: owner, ...change };
}

/** Changes a row that nobody holds, from one stored state. */
export async function changeUnheld(
  tx: Tx,
  workspaceId: string,
  id: string,
  from: string,
  now: number,
  change: Change,
): Promise<boolean> {
  const done = await tx
    .updateTable('messages')
    .set(unheld(change))
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .where('state', '=', from)
    .where((row) =>
      row.or([
        row('lease_owner', 'is', null),
        row.and([row('due_at', '<=', now), row('dot_at', 'is', null)]),
      ]),
    )
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

export async function countLane(db: Db, lane: string): Promise<number> {
  const row = await db.read
    .selectFrom('messages')
    .select((count) => count.fn.countAll<number>().as('rows'))
    .where('state', '=', 'queued')
    .where('lane', '=', lane)
    .executeTakeFirstOrThrow();
  return Number(row.rows);
}

/** Back to the lane of those whose server is not chosen. */
export async function unrouteLane(tx: Tx, lane: string, limit: number): Promise<number> {
  const done = await tx
    .updateTable('messages')
    .set({ lane: sql`${UNROUTED} || workspace_id` })
    .where('id', 'in', (rows) =>
      rows
        .selectFrom('messages')
        .select('id')
        .where('state', '=', 'queued')
        .where('lane', '=', lane)
        .limit(limit)
        .modifyEnd(skipLocked(tx)),
    )
    .executeTakeFirst();
  return Number(done.numUpdatedRows);
}

/** Unheld rows past their time; held ones, and those that may have gone out, are judged by their holder. */
export async function expireRows(tx: Tx, now: number, limit: number): Promise<MessageRow[]> {
  return tx
    .updateTable('messages')
    .set(unheld({ state: 'expired', final_at: now }))
    .where('id', 'in', (rows) =>
      rows
        .selectFrom('messages')
        .select('id')
        .where('state', '=', 'queued')
        .where('expires_at', '<=', now)
        .where('dot_at', 'is', null)
        .where('possible_duplicate', '=', 0)
        .where((row) => row.or([row('lease_owner', 'is', null), row('due_at', '<=', now)]))
        .limit(limit)
        .modifyEnd(skipLocked(tx)),
    )
    .returningAll()
    .execute();
}

/** Ends the leases of a worker that is known to be gone. Rows with a marker stay marked: they become uncertain when claimed. */
export async function freeLeases(tx: Tx, now: number): Promise<number> {
  const done = await tx
    .updateTable('messages')
    .set({ due_at: now })
    .where('state', '=', 'queued')
    .where('lease_owner', 'is not', null)
    .executeTakeFirst();
  return Number(done.numUpdatedRows);
}

export async function countWaiting(tx: Tx, workspaceId: string, lane: string | undefined): Promise<number> {
  const row = await tx
    .selectFrom('messages')
    .select((count) => count.fn.countAll<number>().as('waiting'))
    .where('state', '=', 'queued')
    .where('workspace_id', '=', workspaceId)
    .where('live', '=', 1)
    .$if(lane !== undefined, (query) =>
      query.where((row) => row.or([row('lane', '=', lane!), row('pinned_server_id', '=', lane!)])),
    )
    .executeTakeFirstOrThrow();
  return Number(row.waiting);
}
