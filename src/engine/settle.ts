import { contactBounced } from '../audience/upsert.ts';
import type { EventType } from '../events/event.ts';
import { recordEvents } from '../events/record.ts';
import { SANDBOX, UNROUTED } from '../queue/delivery.ts';
import { type Change, type MessageRow, recordAttempt, release } from '../queue/queue.ts';
import { nextTry } from '../queue/retry.ts';
import { blamesServer } from '../servers/health.ts';
import { recordHealth } from '../servers/health-record.ts';
import type { Db, Tx } from '../storage/db.ts';
import { suppress } from '../suppressions/suppress.ts';
import type { Outcome } from '../transport/outcome.ts';
import type { Verdict } from './verdict.ts';

/** After an uncertain end, evidence gets this long to arrive before the one repeat that a template may ask for. */
const RESEND_AFTER_MS = 60_000;

/**
 * Writes down how a turn ended: the next state, the attempt, the event, the suppression, the server's health, all in
 * one transaction guarded by the lease. @returns false when the lease was lost, and then nothing is written
 */
export function settle(
  db: Db,
  row: MessageRow,
  owner: string,
  verdict: Verdict,
  now: number,
  random: number,
): Promise<boolean> {
  return db.write((tx) => settleWithin(tx, row, owner, verdict, now, random));
}

async function settleWithin(
  tx: Tx,
  row: MessageRow,
  owner: string,
  verdict: Verdict,
  now: number,
  random: number,
): Promise<boolean> {
  if (verdict.kind === 'lost') return false;
  const change = changeFor(row, verdict, now, random);
  if (!(await release(tx, { id: row.id, fence: row.fence, owner }, change))) return false;
  if (verdict.kind === 'attempted') await recordOutcome(tx, row, verdict, now);
  if (verdict.kind === 'rescued') await recordLostAttempt(tx, row, verdict.reason, now);
  const event = eventFor(change, verdict);
  if (event)
    await recordEvents(tx, [
      { workspaceId: row.workspace_id, type: event, messageId: row.id, at: now, detail: detailOf(verdict) },
    ]);
  return true;
}

function changeFor(
  row: MessageRow,
  verdict: Exclude<Verdict, { kind: 'lost' }>,
  now: number,
  random: number,
): Change {
  switch (verdict.kind) {
    case 'ended':
      return { state: verdict.state, code: verdict.code, reason: verdict.reason, final_at: now };
    case 'waits': {
      const turn = row.send_at ?? row.created_at;
      return {
        lane: verdict.lane,
        due_at: turn,
        route: JSON.stringify(verdict.route),
        code: verdict.code,
        reason: verdict.reason,
      };
    }
    case 'returned':
      // Nothing was sent: also a marker that stands is no reason to doubt it.
      return { due_at: verdict.at, dot_at: null, lane: row.live === 1 ? UNROUTED : SANDBOX };
    case 'rescued':
      return { ...uncertain(row, verdict.reason, now), attempts: row.attempts + 1 };
    case 'attempted':
      return afterAttempt(row, verdict, now, random);
  }
}

function afterAttempt(
  row: MessageRow,
  verdict: Extract<Verdict, { kind: 'attempted' }>,
  now: number,
  random: number,
): Change {
  const { outcome, server, route } = verdict;
  const common: Change = {
    attempts: row.attempts + 1,
    dot_at: null,
    code: outcome.code,
    reason: outcome.message,
    route: JSON.stringify(route),
    server_id: server?.id ?? null,
    server_name: server?.name ?? null,
    body_hash: row.body_hash ?? verdict.bodyHash,
  };
  switch (outcome.class) {
    case 'accepted':
      return {
        ...common,
        state: server ? 'sent' : 'captured',
        final_at: now,
        server_message_id: outcome.serverMessageId ?? null,
      };
    case 'recipient_permanent':
      return { ...common, state: 'bounced', final_at: now };
    case 'message_permanent':
      if (outcome.failover && route.ifFirstFails !== null && row.pinned_server_id === null)
        return { ...common, lane: UNROUTED, due_at: now };
      return { ...common, state: 'failed', final_at: now };
    case 'uncertain':
      return { ...common, ...uncertain(row, outcome.message, now) };
    case 'recipient_temporary':
    case 'server_deferral':
    case 'server_attention':
    case 'network':
    case 'local':
      return { ...common, ...again(row, outcome, server !== null, now, random) };
  }
}

/** The server's fault: the server waits and the message keeps its turn. Otherwise the message waits by its age. */
function again(row: MessageRow, outcome: Outcome, live: boolean, now: number, random: number): Change {
  const lane = live ? UNROUTED : SANDBOX;
  if (blamesServer(outcome)) return { lane, due_at: now };
  const due_at = nextTry({
    now,
    since: row.deferred_since,
    expiresAt: row.expires_at,
    code: outcome.code,
    random,
  });
  return { lane, due_at, deferred_since: row.deferred_since ?? now };
}

/** Never sent again on our own, unless the template says once; never turned into sent or failed by time. */
function uncertain(row: MessageRow, reason: string, now: number): Change {
  if (row.on_uncertain === 'assume_sent')
    return { state: 'sent', code: 'unconfirmed', reason, final_at: now };
  if (row.on_uncertain === 'resend_once' && row.possible_duplicate === 0) {
    return {
      state: 'queued',
      lane: UNROUTED,
      due_at: now + RESEND_AFTER_MS,
      dot_at: null,
      possible_duplicate: 1,
      code: 'uncertain',
      reason,
    };
  }
  return { state: 'uncertain', code: 'uncertain', reason };
}

async function recordOutcome(
  tx: Tx,
  row: MessageRow,
  verdict: Extract<Verdict, { kind: 'attempted' }>,
  now: number,
): Promise<void> {
  const { outcome, server, durationMs } = verdict;
  await recordAttempt(tx, {
    messageId: row.id,
    fence: row.fence,
    workspaceId: row.workspace_id,
    at: now,
    serverId: server?.id ?? null,
    serverName: server?.name ?? null,
    stage: outcome.stage,
    outcome: outcome.class,
    code: outcome.code,
    reply: outcome.reply ?? null,
    reason: outcome.message,
    durationMs: Math.round(durationMs),
  });
  if (server) await recordHealth(tx, server.id, outcome, now);
  if (outcome.suppress && outcome.class === 'recipient_permanent' && server)
    await block(tx, row, outcome, now);
}

async function block(tx: Tx, row: MessageRow, outcome: Outcome, now: number): Promise<void> {
  await suppress(tx, {
    workspaceId: row.workspace_id,
    email: row.rcpt,
    emailKey: row.rcpt_key,
    reason: 'bounce',
    code: outcome.code,
    reply: outcome.reply ?? null,
    messageId: row.id,
    createdAt: now,
  });
  await contactBounced(tx, row.workspace_id, row.rcpt_key, now);
}

async function recordLostAttempt(tx: Tx, row: MessageRow, reason: string, now: number): Promise<void> {
  await recordAttempt(tx, {
    messageId: row.id,
    fence: row.fence,
    workspaceId: row.workspace_id,
    at: row.dot_at ?? now,
    serverId: row.server_id,
    serverName: row.server_name,
    stage: 'dot',
    outcome: 'uncertain',
    code: 'uncertain',
    reply: null,
    reason,
    durationMs: 0,
  });
}

const EVENTS: Partial<Record<string, EventType>> = {
  sent: 'message.sent',
  captured: 'message.captured',
  bounced: 'message.bounced',
  failed: 'message.failed',
  uncertain: 'message.uncertain',
  blocked: 'message.blocked',
  expired: 'message.expired',
};

function eventFor(change: Change, verdict: Verdict): EventType | undefined {
  if (change.state !== undefined && change.state !== 'queued') return EVENTS[change.state];
  return verdict.kind === 'attempted' ? 'message.deferred' : undefined;
}

function detailOf(verdict: Verdict): Record<string, unknown> {
  if (verdict.kind === 'attempted')
    return { server: verdict.server?.name ?? null, code: verdict.outcome.code };
  return 'code' in verdict ? { code: verdict.code } : {};
}
