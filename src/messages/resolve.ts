import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { audit, recordEvents } from '../events/record.ts';
import { closeIfOver } from '../notices/notify.ts';
import { unroutedLane } from '../queue/delivery.ts';
import { type Change, changeIdle, type MessageRow } from '../queue/queue.ts';
import { count } from '../statistics/count.ts';
import { dayOf } from '../statistics/statistic.ts';
import type { Db, Tx } from '../storage/db.ts';
import { findRow, noMessage } from './history.ts';
import { lifetimeOf, type Message } from './message.ts';
import { countByState, messagesByIds } from './store.ts';

/** Ids in one call of POST /v1/messages/resolve. */
export const MAX_RESOLVED = 500;

/** What became of one of them. */
export type Resolved = { id: string; message: Message } | { id: string; error: AppError };

interface Who {
  id: string;
  workspaceId: string;
}

type Decision = 'sent' | 'resend';

/**
 * Decides an uncertain message: it counts as sent, or goes out once more, marked as a possible second copy.
 * @throws AppError message_not_found (404), not_uncertain (409)
 */
export async function resolveMessage(
  db: Db,
  clock: Clock,
  actor: Who,
  id: string,
  as: Decision,
): Promise<MessageRow> {
  const [one] = await resolveMessages(db, clock, actor, [id], as);
  if (one && 'error' in one) throw one.error;
  return findRow(db, actor.workspaceId, id);
}

/** Decides many in one transaction, each on its own: what cannot be decided is said in its place. */
export async function resolveMessages(
  db: Db,
  clock: Clock,
  actor: Who,
  ids: readonly string[],
  as: Decision,
): Promise<Resolved[]> {
  const now = clock.now();
  return db.write(async (tx) => {
    const before = await messagesByIds(tx, actor.workspaceId, ids);
    const refused = new Map<string, AppError>();
    for (const id of new Set(ids)) {
      const error = await decide(tx, actor, before.get(id), id, as, now);
      if (error) refused.set(id, error);
    }
    if (as === 'sent')
      await countSent(
        tx,
        [...before.values()].filter(({ id }) => !refused.has(id)),
        now,
      );
    await closeNoticeWithLast(tx, actor.workspaceId, now);
    const after = await messagesByIds(tx, actor.workspaceId, ids);
    return ids.map((id) => {
      const error = refused.get(id);
      return error ? { id, error } : { id, message: after.get(id)! };
    });
  });
}

/** The notice of uncertain messages is over when none is left; the last statement of a transaction. */
export async function closeNoticeWithLast(tx: Tx, workspaceId: string, now: number): Promise<void> {
  const group = { workspaceId, kind: 'message_uncertain', subject: '' } as const;
  await closeIfOver(tx, group, now, async () => (await countByState(tx, workspaceId, 'uncertain')) === 0);
}

/** @returns why it could not be decided */
async function decide(
  tx: Tx,
  actor: Who,
  message: Message | undefined,
  id: string,
  as: Decision,
  now: number,
): Promise<AppError | undefined> {
  if (!message) return noMessage(id);
  if (message.state !== 'uncertain')
    return conflict(`This message is ${message.state}; only an uncertain one needs a decision.`);
  if (!(await changeIdle(tx, actor.workspaceId, id, 'uncertain', now, changeFor(message, as, now))))
    return conflict('Somebody decided this message meanwhile.');
  const { workspaceId } = actor;
  if (as === 'sent')
    await recordEvents(tx, [
      { workspaceId, type: 'message.sent', messageId: id, at: now, detail: { resolvedBy: actor.id } },
    ]);
  await audit(tx, actor, 'message.resolved', id, { as }, now);
  return undefined;
}

/** Before the notice, as everybody does: then two transactions never wait crosswise. */
function countSent(tx: Tx, messages: readonly Message[], now: number): Promise<void> {
  return count(
    tx,
    messages.map(({ workspaceId, serverId }) => ({
      workspaceId,
      day: dayOf(now),
      serverId: serverId ?? '',
      word: 'sent',
    })),
  );
}

function changeFor(message: Message, as: Decision, now: number): Change {
  if (as === 'sent')
    return { state: 'sent', code: 'resolved_sent', reason: 'Marked as sent by a person.', final_at: now };
  return {
    state: 'queued',
    lane: unroutedLane(message.workspaceId),
    due_at: now,
    expires_at: now + lifetimeOf(message),
    dot_at: null,
    possible_duplicate: 1,
  };
}

function conflict(message: string): AppError {
  return new AppError('not_uncertain', message, { status: 409 });
}
