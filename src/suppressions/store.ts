import type { Selectable } from 'kysely';
import type { Tx } from '../storage/db.ts';
import type { Schema } from '../storage/schema.ts';
import type { Suppression } from './suppression.ts';

/** Keys per statement, below the parameter limit of both engines. */
const BATCH = 500;

/** The first reason stays: a second bounce tells nothing new. */
export async function insertSuppressions(tx: Tx, suppressions: readonly Suppression[]): Promise<void> {
  for (const one of suppressions) {
    await tx
      .insertInto('suppressions')
      .values({
        id: one.id,
        workspace_id: one.workspaceId,
        email: one.email,
        email_key: one.emailKey,
        reason: one.reason,
        code: one.code,
        reply: one.reply,
        message_id: one.messageId,
        created_at: one.createdAt,
      })
      .onConflict((conflict) => conflict.columns(['workspace_id', 'email_key']).doNothing())
      .execute();
  }
}

export async function suppressionsFor(
  tx: Tx,
  workspaceId: string,
  emailKeys: readonly string[],
): Promise<Map<string, Suppression>> {
  const found = new Map<string, Suppression>();
  for (let at = 0; at < emailKeys.length; at += BATCH) {
    const rows = await tx
      .selectFrom('suppressions')
      .selectAll()
      .where('workspace_id', '=', workspaceId)
      .where('email_key', 'in', emailKeys.slice(at, at + BATCH))
      .execute();
    for (const row of rows) found.set(row.email_key, suppressionOf(row));
  }
  return found;
}

function suppressionOf(row: Selectable<Schema['suppressions']>): Suppression {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    email: row.email,
    emailKey: row.email_key,
    reason: row.reason,
    code: row.code,
    reply: row.reply,
    messageId: row.message_id,
    createdAt: row.created_at,
  };
}
