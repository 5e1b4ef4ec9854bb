import type { Selectable } from 'kysely';
import type { Tx } from '../storage/db.ts';
import { forUpdate } from '../storage/lease.ts';
import type { Schema } from '../storage/schema.ts';
import type { Contact } from './contact.ts';

const BATCH = 500;

export async function contactByKey(
  tx: Tx,
  workspaceId: string,
  emailKey: string,
): Promise<Contact | undefined> {
  const row = await tx
    .selectFrom('contacts')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('email_key', '=', emailKey)
    .executeTakeFirst();
  return row && contactOf(row);
}

export async function contactsByKeys(
  tx: Tx,
  workspaceId: string,
  emailKeys: readonly string[],
): Promise<Map<string, Contact>> {
  const found = new Map<string, Contact>();
  for (let at = 0; at < emailKeys.length; at += BATCH) {
    const rows = await tx
      .selectFrom('contacts')
      .selectAll()
      .where('workspace_id', '=', workspaceId)
      .where('email_key', 'in', emailKeys.slice(at, at + BATCH))
      .execute();
    for (const row of rows) found.set(row.email_key, contactOf(row));
  }
  return found;
}

/** Adds the contact if its address is unknown. @returns the stored one, which nobody else changes meanwhile, and whether it is new */
export async function insertOrLock(tx: Tx, contact: Contact): Promise<{ contact: Contact; isNew: boolean }> {
  const done = await tx
    .insertInto('contacts')
    .values({
      id: contact.id,
      workspace_id: contact.workspaceId,
      email: contact.email,
      email_key: contact.emailKey,
      attributes: JSON.stringify(contact.attributes),
      bounced_at: contact.bouncedAt,
      unsubscribed_at: contact.unsubscribedAt,
      created_at: contact.createdAt,
      updated_at: contact.updatedAt,
    })
    .onConflict((conflict) => conflict.columns(['workspace_id', 'email_key']).doNothing())
    .executeTakeFirst();
  if ((done.numInsertedOrUpdatedRows ?? 0n) > 0n) return { contact, isNew: true };
  const row = await tx
    .selectFrom('contacts')
    .selectAll()
    .where('workspace_id', '=', contact.workspaceId)
    .where('email_key', '=', contact.emailKey)
    .modifyEnd(forUpdate(tx))
    .executeTakeFirstOrThrow();
  return { contact: contactOf(row), isNew: false };
}

export async function updateContact(tx: Tx, contact: Contact): Promise<void> {
  await tx
    .updateTable('contacts')
    .set({
      email: contact.email,
      attributes: JSON.stringify(contact.attributes),
      updated_at: contact.updatedAt,
    })
    .where('id', '=', contact.id)
    .execute();
}

export async function markBounced(tx: Tx, workspaceId: string, emailKey: string, now: number): Promise<void> {
  await tx
    .updateTable('contacts')
    .set({ bounced_at: now, updated_at: now })
    .where('workspace_id', '=', workspaceId)
    .where('email_key', '=', emailKey)
    .where('bounced_at', 'is', null)
    .execute();
}

/** @returns whether the flag was set */
export function clearBounced(tx: Tx, workspaceId: string, emailKey: string, now: number): Promise<boolean> {
  return clear(tx, workspaceId, emailKey, 'bounced_at', now);
}

/** @returns whether the flag was set */
export function clearUnsubscribed(
  tx: Tx,
  workspaceId: string,
  emailKey: string,
  now: number,
): Promise<boolean> {
  return clear(tx, workspaceId, emailKey, 'unsubscribed_at', now);
}

async function clear(
  tx: Tx,
  workspaceId: string,
  emailKey: string,
  flag: 'bounced_at' | 'unsubscribed_at',
  now: number,
): Promise<boolean> {
  const done = await tx
    .updateTable('contacts')
    .set({ [flag]: null, updated_at: now })
    .where('workspace_id', '=', workspaceId)
    .where('email_key', '=', emailKey)
    .where(flag, 'is not', null)
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

export async function deleteContact(tx: Tx, workspaceId: string, emailKey: string): Promise<boolean> {
  const done = await tx
    .deleteFrom('contacts')
    .where('workspace_id', '=', workspaceId)
    .where('email_key', '=', emailKey)
    .executeTakeFirst();
  return done.numDeletedRows > 0n;
}

function contactOf(row: Selectable<Schema['contacts']>): Contact {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    email: row.email,
    emailKey: row.email_key,
    attributes: JSON.parse(row.attributes),
    bouncedAt: row.bounced_at,
    unsubscribedAt: row.unsubscribed_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
