import { type AppError, notFound } from '../errors.ts';
import type { RecordedEvent } from '../events/event.ts';
import { messageEvents } from '../events/record.ts';
import { listAttempts, type MessageRow, type NewAttempt } from '../queue/queue.ts';
import type { Db } from '../storage/db.ts';
import { ContentGone, storedContent } from './letter.ts';
import type { Message } from './message.ts';
import { attachmentNames, countByState, listRows, type MessageFilter, messageOf, rowById } from './store.ts';

export type { MessageFilter } from './store.ts';

export interface Page {
  data: Message[];
  nextCursor: string | null;
}

/** A page of the history, newest first. */
export async function listMessages(
  db: Db,
  workspaceId: string,
  filter: MessageFilter,
  now: number,
  limit: number,
): Promise<Page> {
  const rows = await listRows(db, workspaceId, filter, now, limit + 1);
  const data = rows.slice(0, limit);
  return { data, nextCursor: rows.length > limit ? data.at(-1)!.id : null };
}

export interface MessageRecord {
  message: Message;
  attempts: NewAttempt[];
  events: RecordedEvent[];
  variables: Record<string, unknown> | null;
  attachments: { filename: string; contentType: string; size: number }[];
}

/** Everything that is known of one message. @throws AppError message_not_found (404) */
export async function messageRecord(db: Db, workspaceId: string, id: string): Promise<MessageRecord> {
  const row = await findRow(db, workspaceId, id);
  return {
    message: messageOf(row),
    attempts: await listAttempts(db, id),
    events: await messageEvents(db, id),
    variables: await variablesOf(db, row),
    attachments: await attachmentNames(db, row.content_of),
  };
}

export async function findRow(db: Pick<Db, 'read'>, workspaceId: string, id: string): Promise<MessageRow> {
  const row = await rowById(db, workspaceId, id);
  if (!row) throw noMessage(id);
  return row;
}

export function noMessage(id: string): AppError {
  return notFound('message', `There is no message ${id.slice(0, 40)} in this workspace.`);
}

export function countUncertain(db: Db, workspaceId: string): Promise<number> {
  return countByState(db.read, workspaceId, 'uncertain');
}

async function variablesOf(db: Db, row: MessageRow): Promise<Record<string, unknown> | null> {
  try {
    return (await storedContent(db, row)).variables;
  } catch (error) {
    if (error instanceof ContentGone) return null;
    throw error;
  }
}
