import { type Selectable, sql } from 'kysely';
import type { Db, Tx } from '../storage/db.ts';
import { skipLocked } from '../storage/lease.ts';
import type { MessagesTable } from '../storage/schema.ts';
import { isFinal, MARKED } from './delivery.ts';

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

/** Takes due rows of one lane, oldest first. A row whose lease ran out is due again like any other. */
export async function claimRows(tx: Tx, claim: Claim): Promise<MessageRow[]> {
  const { rows } = await sql<MessageRow>`
    update messages set lease_owner = ${claim.owner}, fence = fence + 1, due_at = ${claim.until}
    where id in (
      select id from messages
      where state = 'queued' and lane = ${claim.lane} and priority = ${claim.priority} and due_at <= ${claim.now}
      order by due_at, id limit ${claim.limit} ${skipLocked(tx)})
    returning *`.execute(tx);
  return rows;
}

/** Lanes that hold queued rows, by hopping through the queue's index instead of reading it. */
export async function queuedLanes(db: Db): Promise<string[]> {
  const { rows } = await sql<{ lane: string | null }>`
    with recursive hop (lane) as (
      select min(lane) from messages where state = 'queued'
      union all
      select (select min(lane) from messages where state = 'queued' and lane > hop.lane) from hop where hop.lane is not null)
    select lane from hop where lane is not null`.execute(db.read);
  return rows.map((row) => row.lane!);
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
    .where('state', '=', 'queued')
    .where('due_at', '>', now)
    .returning('id')
    .execute();
  return new Set(rows.map((row) => row.id));
}

/**
 * Commits the marker that stands before every final dot. False when the lease is no longer held: then the dot must
 * not leave. (docs/delivery-states.md, rules P3 and P5)
 */
export async function markDotRow(
  tx: Tx,
  hold: Hold,
  server: { id: string; name: string },
  now: number,
): Promise<boolean> {
  const done = await tx
    .updateTable('messages')
    .set({ dot_at: now, lane: MARKED, server_id: server.id, server_name: server.name })
    .where('id', '=', hold.id)
    .where('fence', '=', hold.fence)
    .where('lease_owner', '=', hold.owner)
    .where('state', '=', 'queued')
    .where('dot_at', 'is', null)
    .where('due_at', '>', now)
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

export type Change = Partial<
  Pick<
    MessageRow,
    | 'state'
    | 'lane'
    | 'due_at'
    | 'expires_at'
    | 'pinned_server_id'
    | 'dot_at'
    | 'attempts'
    | 'deferred_since'
    | 'final_at'
    | 'server_id'
    | 'server_name'
    | 'route'
    | 'code'
    | 'reason'
    | 'server_message_id'
    | 'body_hash'
    | 'possible_duplicate'
  >
>;

/** What a sensitive template made is forgotten by the very change that ends its message. */
const REMEMBERED = sql<string | null>`case when sensitive = 1 then null else content end`;

function unheld(change: Change) {
  const ends = change.state !== undefined && isFinal(change.state);
  return { ...change, lease_owner: null, ...(ends ? { content: REMEMBERED } : {}) };
}

/** Gives a held row its next state and lets go of it. False when the lease was lost: then nothing is written. */
export async function releaseRow(tx: Tx, hold: Hold, change: Change): Promise<boolean> {
  const done = await tx
    .updateTable('messages')
    .set(unheld(change))
    .where('id', '=', hold.id)
    .where('fence', '=', hold.fence)
    .where('lease_owner', '=', hold.owner)
    .where('state', '=', 'queued')
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
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

export async function moveLane(tx: Tx, lane: string, to: string, limit: number): Promise<number> {
  const done = await tx
    .updateTable('messages')
    .set({ lane: to })
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

export interface NewAttempt {
  messageId: string;
  fence: number;
  workspaceId: string;
  at: number;
  serverId: string | null;
  serverName: string | null;
  stage: string;
  outcome: string;
  code: string;
  reply: string | null;
  reason: string;
  durationMs: number;
}

export async function insertAttempt(tx: Tx, attempt: NewAttempt): Promise<void> {
  await tx
    .insertInto('attempts')
    .values({
      message_id: attempt.messageId,
      fence: attempt.fence,
      workspace_id: attempt.workspaceId,
      at: attempt.at,
      server_id: attempt.serverId,
      server_name: attempt.serverName,
      stage: attempt.stage,
      outcome: attempt.outcome,
      code: attempt.code,
      reply: attempt.reply,
      reason: attempt.reason,
      duration_ms: attempt.durationMs,
    })
    .execute();
}

export async function attemptsOf(db: Db, messageId: string): Promise<NewAttempt[]> {
  const rows = await db.read
    .selectFrom('attempts')
    .selectAll()
    .where('message_id', '=', messageId)
    .orderBy('fence')
    .execute();
  return rows.map((row) => ({
    messageId: row.message_id,
    fence: row.fence,
    workspaceId: row.workspace_id,
    at: row.at,
    serverId: row.server_id,
    serverName: row.server_name,
    stage: row.stage,
    outcome: row.outcome,
    code: row.code,
    reply: row.reply,
    reason: row.reason,
    durationMs: row.duration_ms,
  }));
}
