import type { Clock } from '../clock.ts';
import { audit } from '../events/record.ts';
import { waitingMessages } from '../queue/queue.ts';
import { findServer, unknownServer } from '../servers/save.ts';
import { modeOf, removeServer } from '../servers/servers.ts';
import type { Db } from '../storage/db.ts';
import { moveTemplates } from '../templates/templates.ts';

export interface Retired {
  clearedTemplates: string[];
  movedTo: string | null;
  waiting: number;
  mode: 'sandbox' | 'live';
}

/**
 * Deletes a server in one transaction: its templates fall back to random choice or move to `moveTo`; what was queued
 * stays queued; history keeps the server's name. Without any server left the workspace is in sandbox again, and what
 * was meant for real delivery waits.
 */
export async function retireServer(
  db: Db,
  clock: Clock,
  actor: { id: string; workspaceId: string },
  id: string,
  moveTo: string | null,
): Promise<Retired> {
  const server = await findServer(db, actor.workspaceId, id);
  if (moveTo !== null) {
    if (moveTo === id) throw unknownServer(moveTo, 'moveTo');
    await findServer(db, actor.workspaceId, moveTo);
  }
  return db.write(async (tx) => {
    const clearedTemplates = await moveTemplates(tx, actor.workspaceId, id, moveTo);
    const waitingForIt = await waitingMessages(tx, actor.workspaceId, id);
    if (!(await removeServer(tx, actor.workspaceId, id))) throw unknownServer(id);
    const mode = await modeOf(tx, actor.workspaceId);
    const waiting = mode === 'sandbox' ? await waitingMessages(tx, actor.workspaceId) : waitingForIt;
    await audit(
      tx,
      actor,
      'server.deleted',
      id,
      { name: server.name, movedTo: moveTo, clearedTemplates },
      clock.now(),
    );
    return { clearedTemplates, movedTo: moveTo, waiting, mode };
  });
}
