import { tuned } from '../failpoint.ts';
import { startLane } from '../queue/delivery.ts';
import type { Change, MessageRow } from '../queue/queue.ts';
import { nextTry } from '../queue/retry.ts';
import { blamesServer } from '../servers/health.ts';
import type { Outcome } from '../transport/outcome.ts';
import type { Verdict } from './verdict.ts';

/** After an uncertain end, evidence gets this long to arrive before the one repeat that a template may ask for. */
const RESEND_AFTER_MS = 60_000;

/** What is needed of a row to write down how its turn ended: not its content, which may be large. */
export type TurnRow = Pick<
  MessageRow,
  | 'id'
  | 'workspace_id'
  | 'fence'
  | 'priority'
  | 'live'
  | 'sensitive'
  | 'rcpt'
  | 'rcpt_key'
  | 'created_at'
  | 'send_at'
  | 'expires_at'
  | 'deferred_since'
  | 'dot_at'
  | 'attempts'
  | 'due_at'
  | 'pinned_server_id'
  | 'on_uncertain'
  | 'possible_duplicate'
  | 'server_id'
  | 'server_name'
  | 'body_hash'
  | 'reason'
>;

/** The same without what is not needed. */
export function turnRow(row: TurnRow): TurnRow {
  return {
    id: row.id,
    workspace_id: row.workspace_id,
    fence: row.fence,
    priority: row.priority,
    live: row.live,
    sensitive: row.sensitive,
    rcpt: row.rcpt,
    rcpt_key: row.rcpt_key,
    created_at: row.created_at,
    send_at: row.send_at,
    expires_at: row.expires_at,
    deferred_since: row.deferred_since,
    dot_at: row.dot_at,
    attempts: row.attempts,
    due_at: row.due_at,
    pinned_server_id: row.pinned_server_id,
    on_uncertain: row.on_uncertain,
    possible_duplicate: row.possible_duplicate,
    server_id: row.server_id,
    server_name: row.server_name,
    body_hash: row.body_hash,
    reason: row.reason,
  };
}

/** One turn of a message: the row as it was claimed, and how the turn ended. */
export interface Turn {
  row: TurnRow;
  verdict: Verdict;
  /** When it ended, ms. */
  at: number;
  /** From 0 to 1, for the jitter of its next try. */
  random: number;
}

/** What becomes of a message after its turn. The transitions of docs/delivery-states.md. */
export function nextState({ row, verdict, at: now, random }: Turn): Change {
  switch (verdict.kind) {
    case 'ended':
      return { state: verdict.state, code: verdict.code, reason: verdict.reason, final_at: now };
    case 'waits':
      return {
        lane: verdict.lane,
        due_at: row.send_at ?? row.created_at,
        route: JSON.stringify(verdict.route),
        code: verdict.code,
        reason: verdict.reason,
      };
    case 'returned':
      // Nothing was sent: also a marker that stands is no reason to doubt it.
      return { due_at: verdict.at, dot_at: null, lane: laneToStart(row) };
    case 'rescued':
      return { ...uncertain(row, verdict.reason, now), attempts: row.attempts + 1 };
    case 'attempted':
      return afterAttempt(row, verdict, now, random);
    case 'lost':
      return {};
  }
}

function afterAttempt(
  row: TurnRow,
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
        return { ...common, lane: laneToStart(row), due_at: now };
      return { ...common, state: 'failed', final_at: now };
    case 'uncertain':
      return { ...common, ...uncertain(row, outcome.message, now) };
    case 'recipient_temporary':
    case 'server_deferral':
    case 'server_attention':
    case 'network':
    case 'local':
      return { ...common, lane: laneToStart(row), ...again(row, outcome, now, random) };
  }
}

/** The server's fault: the server waits and the message keeps its turn. Otherwise the message waits by its age. */
function again(row: TurnRow, outcome: Outcome, now: number, random: number): Change {
  if (blamesServer(outcome)) return { due_at: now };
  const due_at = nextTry({
    now,
    since: row.deferred_since,
    expiresAt: row.expires_at,
    code: outcome.code,
    random,
  });
  return { due_at, deferred_since: row.deferred_since ?? now };
}

/** Never sent again on our own, unless the template says once; never turned into sent or failed by time. */
function uncertain(row: TurnRow, reason: string, now: number): Change {
  if (row.on_uncertain === 'assume_sent')
    return { state: 'sent', code: 'unconfirmed', reason, final_at: now };
  if (row.on_uncertain === 'resend_once' && row.possible_duplicate === 0) {
    return {
      state: 'queued',
      lane: laneToStart(row),
      due_at: now + tuned('resend', RESEND_AFTER_MS),
      dot_at: null,
      possible_duplicate: 1,
      code: 'uncertain',
      reason,
    };
  }
  return { state: 'uncertain', code: 'uncertain', reason };
}

function laneToStart(row: TurnRow): string {
  return startLane({ live: row.live === 1, workspaceId: row.workspace_id });
}
