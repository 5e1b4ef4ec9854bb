import type { Clock } from '../clock.ts';
import { newId } from '../ids.ts';
import type { Db } from '../storage/db.ts';
import { issueKey } from './keys.ts';
import { insertWorkspace } from './store.ts';

/** Another tenant of the same installation, for tests of what must stay apart. */
export async function secondWorkspace(
  db: Db,
  clock: Clock,
): Promise<{ workspaceId: string; apiKey: string }> {
  const now = clock.now();
  const workspaceId = newId('wsp', now);
  const { key } = await db.write(async (tx) => {
    await insertWorkspace(tx, {
      id: workspaceId,
      name: 'Second',
      routing: 'random',
      defaultFrom: 'second@example.net',
      createdAt: now,
    });
    return issueKey(tx, workspaceId, 'Default', now);
  });
  return { workspaceId, apiKey: key };
}
