import { newId } from '../ids.ts';
import type { Db, Tx } from '../storage/db.ts';
import type { NewEvent, RecordedEvent } from './event.ts';
import { eventsOfMessage, insertAudit, insertEvents } from './store.ts';

/** Appends events in the caller's transaction: news travels upwards as rows, never as calls. @returns their ids */
export async function recordEvents(tx: Tx, events: readonly NewEvent[]): Promise<string[]> {
  const numbered = events.map((event) => ({ ...event, id: newId('evt', event.at) }));
  await insertEvents(tx, numbered);
  return numbered.map((event) => event.id);
}

export function messageEvents(db: Db, messageId: string): Promise<RecordedEvent[]> {
  return eventsOfMessage(db, messageId);
}

/** Writes down who did what, in the transaction that does it. `detail` never holds a secret. */
export function audit(
  tx: Tx,
  actor: { id: string; workspaceId: string },
  action: string,
  target: string,
  detail: Record<string, unknown>,
  now: number,
): Promise<void> {
  return insertAudit(tx, {
    id: newId('evt', now),
    workspaceId: actor.workspaceId,
    actor: actor.id,
    action,
    target,
    detail,
    now,
  });
}
