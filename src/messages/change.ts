import { type Clock, iso } from '../clock.ts';
import { AppError } from '../errors.ts';
import { audit, recordEvents } from '../events/record.ts';
import { newId } from '../ids.ts';
import { startLane, unroutedLane } from '../queue/delivery.ts';
import { changeIdle, type MessageRow } from '../queue/queue.ts';
import { listServers } from '../servers/servers.ts';
import { count } from '../statistics/count.ts';
import { dayOf } from '../statistics/statistic.ts';
import type { Db } from '../storage/db.ts';
import { findSuppressions } from '../suppressions/suppress.ts';
import { blockedReason, type Suppression } from '../suppressions/suppression.ts';
import type { Vault } from '../vault.ts';
import { findRow } from './history.ts';
import { lifetimeOf } from './message.ts';
import { insertMessages } from './store.ts';

interface Who {
  id: string;
  workspaceId: string;
}

/** Takes back a message that has not gone out. @throws AppError already_sent, already_final, uncertain_cannot_cancel, sending_now (409) */
export async function cancelMessage(db: Db, clock: Clock, actor: Who, id: string): Promise<MessageRow> {
  const now = clock.now();
  const row = await findRow(db, actor.workspaceId, id);
  refuseCancel(row);
  await db.write(async (tx) => {
    const done = await changeIdle(tx, actor.workspaceId, id, 'queued', now, {
      state: 'cancelled',
      code: 'cancelled',
      reason: 'Cancelled before it was sent.',
      final_at: now,
    });
    if (!done) throw conflict('sending_now', 'This message is being sent right now. Look again in a moment.');
    // Its turn may have ended without an answer since it was looked at, and its template sends it once more.
    const { possible_duplicate } = await findRow({ read: tx }, actor.workspaceId, id);
    if (possible_duplicate === 1) throw mayHaveGone();
    await recordEvents(tx, [
      { workspaceId: actor.workspaceId, type: 'message.cancelled', messageId: id, at: now },
    ]);
    await audit(tx, actor, 'message.cancelled', id, {}, now);
    await count(tx, [
      { workspaceId: actor.workspaceId, day: dayOf(now), serverId: row.server_id ?? '', word: 'cancelled' },
    ]);
  });
  return findRow(db, actor.workspaceId, id);
}

function refuseCancel(row: MessageRow): void {
  if (row.state === 'uncertain' || (row.state === 'queued' && row.possible_duplicate === 1))
    throw mayHaveGone();
  if (row.state === 'sent')
    throw conflict(
      'already_sent',
      `${row.server_name ?? 'A server'} accepted this message${row.final_at === null ? '' : ` at ${iso(row.final_at)}`}. It cannot be taken back.`,
    );
  if (row.state !== 'queued')
    throw conflict('already_final', `This message is ${row.state} already: there is nothing to cancel.`);
}

function mayHaveGone(): AppError {
  return conflict(
    'uncertain_cannot_cancel',
    'This message may have gone out already, so it cannot be taken back. Mark it as sent, or send it again.',
  );
}

/** Sends the same content again as a new message; the old one keeps its history. */
export async function resendMessage(
  db: Db,
  clock: Clock,
  vault: Vault,
  actor: Who,
  id: string,
): Promise<MessageRow> {
  const now = clock.now();
  const row = await findRow(db, actor.workspaceId, id);
  if (row.state === 'queued' && row.code === 'server_deleted') return freeFromServer(db, actor, row, now);
  if (['queued', 'uncertain'].includes(row.state))
    throw conflict(
      'not_final',
      'This message is not finished yet. An uncertain one is decided with /resolve.',
    );
  if (row.sensitive === 1)
    throw conflict(
      'content_forgotten',
      'The content of this message was forgotten. Send it anew with its variables.',
    );
  const live = (await listServers(db, actor.workspaceId)).length > 0;
  const newRowId = newId('msg', now);
  await db.write(async (tx) => {
    const blocked = (await findSuppressions(tx, [row], now))(row);
    if (blocked) throw stillBlocked(blocked);
    await insertMessages(tx, [copyOf(row, newRowId, vault, live, now)]);
    await recordEvents(tx, [
      {
        workspaceId: actor.workspaceId,
        type: 'message.accepted',
        messageId: newRowId,
        at: now,
        detail: { resendOf: id },
      },
    ]);
    await audit(tx, actor, 'message.resent', id, { as: newRowId }, now);
  });
  return findRow(db, actor.workspaceId, newRowId);
}

/** The server a message named is gone: it may now take any other, as the same message. */
async function freeFromServer(db: Db, actor: Who, row: MessageRow, now: number): Promise<MessageRow> {
  const lane = unroutedLane(actor.workspaceId);
  const change = { pinned_server_id: null, lane, due_at: now, code: null, reason: null };
  await db.write(async (tx) => {
    if (!(await changeIdle(tx, actor.workspaceId, row.id, 'queued', now, change)))
      throw conflict('sending_now', 'This message is being sent right now. Look again in a moment.');
    await audit(tx, actor, 'message.rerouted', row.id, {}, now);
  });
  return findRow(db, actor.workspaceId, row.id);
}

function copyOf(row: MessageRow, id: string, vault: Vault, live: boolean, now: number) {
  const {
    dot_at,
    attempts,
    deferred_since,
    server_id,
    server_name,
    route,
    server_message_id,
    body_hash,
    possible_duplicate,
    ...kept
  } = row;
  const domain = row.message_id_header.slice(row.message_id_header.lastIndexOf('@') + 1);
  return {
    ...kept,
    id,
    state: 'queued',
    live: live ? 1 : 0,
    lane: startLane({ live, workspaceId: row.workspace_id }),
    due_at: now,
    lease_owner: null,
    fence: 0,
    expires_at:
      now + lifetimeOf({ expiresAt: row.expires_at, sendAt: row.send_at, createdAt: row.created_at }),
    created_at: now,
    send_at: null,
    final_at: null,
    code: null,
    reason: null,
    message_id_header: `${id}.${vault.sign(id, 8)}@${domain}`,
    content: null,
  };
}

function stillBlocked(blocked: Suppression): AppError {
  return new AppError(
    'suppressed',
    `${blockedReason(blocked)} Lift the block first: DELETE /v1/suppressions/${encodeURIComponent(blocked.email)}, or Blocked addresses in the app.`,
    { status: 409, field: 'rcpt', detail: { email: blocked.email, reason: blocked.reason } },
  );
}

function conflict(code: string, message: string): AppError {
  return new AppError(code, message, { status: 409 });
}
