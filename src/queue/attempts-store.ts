import type { Db, Tx } from '../storage/db.ts';
import { insertOf } from '../storage/insert.ts';
import { recordset, spelled, statement } from '../storage/statement.ts';

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

const insertAttemptRows = insertOf('attempts', {
  message_id: 'text',
  fence: 'bigint',
  workspace_id: 'text',
  at: 'bigint',
  server_id: 'text',
  server_name: 'text',
  stage: 'text',
  outcome: 'text',
  code: 'text',
  reply: 'text',
  reason: 'text',
  duration_ms: 'bigint',
});

export function insertAttempts(tx: Tx, attempts: readonly NewAttempt[]): Promise<void> {
  return insertAttemptRows(tx, attempts.map(attemptColumns));
}

function attemptColumns(attempt: NewAttempt) {
  return {
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
  };
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

export interface Recipient {
  workspaceId: string;
  rcptKey: string;
}

/** How an attempt at a server ended, seen from the recipient. */
export interface RecipientAttempt extends Recipient {
  messageId: string;
  at: number;
  outcome: string;
  code: string;
}

/** The first of a recipient's latest messages is found once for each; the index messages_rcpt holds them in order. */
const latestAttempts = statement<RecipientAttempt>(
  spelled(
    recordset({ workspace: 'text', recipient: 'text' }),
    (recipients) => `with latest as materialized (
      select v.workspace, v.recipient, coalesce(
        (select id from messages where workspace_id = v.workspace and rcpt_key = v.recipient
          order by id desc limit 1 offset ?), '') as first
      from ${recipients})
    select messages.workspace_id as "workspaceId", messages.rcpt_key as "rcptKey",
      attempts.message_id as "messageId", attempts.at as at, attempts.outcome as outcome, attempts.code as code
    from latest
    join messages on messages.workspace_id = latest.workspace and messages.rcpt_key = latest.recipient
      and messages.id >= latest.first
    join attempts on attempts.message_id = messages.id
    where attempts.at > ? and attempts.server_id is not null
    order by attempts.at, attempts.message_id, attempts.fence`,
  ),
);

/** Attempts at servers since a time, of each recipient's latest messages; the sandbox is none. */
export function attemptsAt(
  tx: Tx,
  recipients: readonly Recipient[],
  since: number,
  messages: number,
): Promise<RecipientAttempt[]> {
  const values = recipients.map((one) => ({ workspace: one.workspaceId, recipient: one.rcptKey }));
  return latestAttempts(tx, [messages - 1, JSON.stringify(values), since]);
}
