import type { Db, Tx } from '../storage/db.ts';
import { insertOf } from '../storage/insert.ts';
import type { EventType, NewEvent, RecordedEvent } from './event.ts';

const insertEventRows = insertOf('events', {
  id: 'text',
  workspace_id: 'text',
  type: 'text',
  message_id: 'text',
  contact_id: 'text',
  at: 'bigint',
  detail: 'text',
});

export function insertEvents(tx: Tx, events: readonly (NewEvent & { id: string })[]): Promise<void> {
  return insertEventRows(
    tx,
    events.map((event) => ({
      id: event.id,
      workspace_id: event.workspaceId,
      type: event.type,
      message_id: event.messageId ?? null,
      contact_id: event.contactId ?? null,
      at: event.at,
      detail: JSON.stringify(event.detail ?? {}),
    })),
  );
}

export async function eventsOfMessage(db: Db, messageId: string): Promise<RecordedEvent[]> {
  const rows = await db.read
    .selectFrom('events')
    .select(['id', 'type', 'at', 'detail'])
    .where('message_id', '=', messageId)
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    type: row.type as EventType,
    at: row.at,
    detail: JSON.parse(row.detail),
  }));
}

export interface AuditEntry {
  id: string;
  workspaceId: string;
  actor: string;
  action: string;
  target: string;
  detail: Record<string, unknown>;
  now: number;
}

export async function insertAudit(tx: Tx, entry: AuditEntry): Promise<void> {
  await tx
    .insertInto('audit_log')
    .values({
      id: entry.id,
      workspace_id: entry.workspaceId,
      actor: entry.actor,
      action: entry.action,
      target: entry.target,
      detail: JSON.stringify(entry.detail),
      created_at: entry.now,
    })
    .execute();
}
