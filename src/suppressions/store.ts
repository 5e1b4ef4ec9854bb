import { type Insertable, type Selectable, sql } from 'kysely';
import type { Db, Tx } from '../storage/db.ts';
import type { Schema } from '../storage/schema.ts';
import { forRows } from '../storage/statement.ts';
import type { Suppression, SuppressionReason, SuppressionSource } from './suppression.ts';

/** The first reason stays, unless the new block lasts longer. @returns false when it stayed */
export async function insertSuppression(tx: Tx, suppression: Suppression): Promise<boolean> {
  const { workspace_id, email_key, ...changed } = rowOf(suppression);
  const done = await tx
    .insertInto('suppressions')
    .values({ workspace_id, email_key, ...changed })
    .onConflict((conflict) =>
      conflict
        .columns(['workspace_id', 'email_key'])
        .doUpdateSet(changed)
        .where(
          sql<boolean>`suppressions.expires_at is not null and (excluded.expires_at is null or excluded.expires_at > suppressions.expires_at)`,
        ),
    )
    .executeTakeFirst();
  return (done.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** Whom a workspace may write to or not, as a message names them. */
export interface Recipient {
  workspace_id: string;
  rcpt_key: string;
}

const suppressionsAmong = forRows<keyof Recipient, Selectable<Schema['suppressions']>>(
  { workspace_id: 'text', rcpt_key: 'text' },
  ({ v, beside }) => `select suppressions.* from suppressions${beside}
    where suppressions.workspace_id = ${v.workspace_id} and suppressions.email_key = ${v.rcpt_key}`,
);

export async function suppressionsFor(tx: Tx, recipients: readonly Recipient[]): Promise<Suppression[]> {
  const rows = await suppressionsAmong(
    tx,
    recipients.map(({ workspace_id, rcpt_key }) => ({ workspace_id, rcpt_key })),
  );
  return rows.map(suppressionOf);
}

export async function suppressionByKey(
  tx: Tx,
  workspaceId: string,
  emailKey: string,
): Promise<Suppression | undefined> {
  return (await suppressionsFor(tx, [{ workspace_id: workspaceId, rcpt_key: emailKey }]))[0];
}

export async function deleteSuppression(
  tx: Tx,
  workspaceId: string,
  emailKey: string,
): Promise<Suppression | undefined> {
  const row = await tx
    .deleteFrom('suppressions')
    .where('workspace_id', '=', workspaceId)
    .where('email_key', '=', emailKey)
    .returningAll()
    .executeTakeFirst();
  return row && suppressionOf(row);
}

export interface SuppressionFilter {
  /** Part of the address. */
  q?: string | undefined;
  reason?: SuppressionReason | undefined;
  /** Only blocks older than this id. */
  before?: string | undefined;
}

/** Newest first. */
export async function listRows(
  db: Db,
  workspaceId: string,
  { q, reason, before }: SuppressionFilter,
  limit: number,
): Promise<Suppression[]> {
  let query = db.read
    .selectFrom('suppressions')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .orderBy('id', 'desc')
    .limit(limit);
  if (before !== undefined) query = query.where('id', '<', before);
  if (reason !== undefined) query = query.where('reason', '=', reason);
  if (q !== undefined) {
    const text = `%${q.replace(/[\\%_]/g, (char) => `\\${char}`)}%`;
    query = query.where(sql<boolean>`lower(email) like lower(${text}) escape '\\'`);
  }
  return (await query.execute()).map(suppressionOf);
}

function rowOf(suppression: Suppression): Insertable<Schema['suppressions']> {
  return {
    id: suppression.id,
    workspace_id: suppression.workspaceId,
    email: suppression.email,
    email_key: suppression.emailKey,
    reason: suppression.reason,
    source: suppression.source,
    code: suppression.code,
    reply: suppression.reply,
    message_id: suppression.messageId,
    server_id: suppression.serverId,
    server_name: suppression.serverName,
    created_at: suppression.createdAt,
    expires_at: suppression.expiresAt,
  };
}

function suppressionOf(row: Selectable<Schema['suppressions']>): Suppression {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    email: row.email,
    emailKey: row.email_key,
    reason: row.reason,
    source: row.source as SuppressionSource,
    code: row.code,
    reply: row.reply,
    messageId: row.message_id,
    serverId: row.server_id,
    serverName: row.server_name,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
