import type { Clock } from '../clock.ts';
import { audit, recordEvents } from '../events/record.ts';
import { changeIdle } from '../queue/queue.ts';
import { count } from '../statistics/count.ts';
import { dayOf } from '../statistics/statistic.ts';
import type { Db } from '../storage/db.ts';
import { rowForEvidence } from './audit-store.ts';
import { closeNoticeWithLast } from './resolve.ts';

/** Where a message was found that we did not know to have arrived. */
export interface Evidence {
  source: string;
  file: string;
  queueId: string | null;
}

/**
 * A message that may have gone out was found at its server, so it counts as sent. Never the other way: that it is not
 * found proves nothing. @returns false when somebody decided it meanwhile, or is at work on it
 */
export async function resolveByEvidence(
  db: Db,
  clock: Clock,
  operator: string,
  id: string,
  { source, file, queueId }: Evidence,
): Promise<boolean> {
  const now = clock.now();
  return db.write(async (tx) => {
    const row = await rowForEvidence(tx, id);
    if (!row || !['uncertain', 'queued'].includes(row.state)) return false;
    const { workspace_id: workspaceId } = row;
    const done = await changeIdle(tx, workspaceId, id, row.state, now, {
      state: 'sent',
      code: 'found_in_log',
      reason: `Found in ${file}: the server has it${queueId === null ? '' : ` as ${queueId}`}.`,
      final_at: now,
      ...(row.server_message_id === null && queueId !== null ? { server_message_id: queueId } : {}),
    });
    if (!done) return false;
    const evidence = { source, file, queueId };
    await recordEvents(tx, [
      { workspaceId, type: 'message.sent', messageId: id, at: now, detail: { evidence } },
    ]);
    await audit(tx, { id: operator, workspaceId }, 'message.resolved', id, { as: 'sent', evidence }, now);
    await count(tx, [{ workspaceId, day: dayOf(now), serverId: row.server_id ?? '', word: 'sent' }]);
    if (row.state === 'uncertain') await closeNoticeWithLast(tx, workspaceId, now);
    return true;
  });
}
