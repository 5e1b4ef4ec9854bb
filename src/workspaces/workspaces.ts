import { parseMailbox } from '../address.ts';
import { AppError } from '../errors.ts';
import { audit } from '../events/record.ts';
import type { Db } from '../storage/db.ts';
import { workspaceName } from './setup.ts';
import {
  liveKeys,
  ownerAddresses,
  type StoredKey,
  updateWorkspace,
  userById,
  workspaceById,
} from './store.ts';
import type { Workspace } from './workspace.ts';

export async function findWorkspace(db: Db, id: string): Promise<Workspace> {
  const workspace = await workspaceById(db, id);
  if (!workspace)
    throw new AppError('workspace_not_found', 'This workspace does not exist any more.', { status: 404 });
  return workspace;
}

export async function changeWorkspace(
  db: Db,
  actor: { id: string; workspaceId: string },
  change: {
    name?: string | undefined;
    routing?: Workspace['routing'] | undefined;
    defaultFrom?: string | null | undefined;
  },
  now: number,
): Promise<Workspace> {
  const name = change.name === undefined ? undefined : workspaceName(change.name);
  if (change.defaultFrom)
    parseMailbox(change.defaultFrom, 'defaultFrom', { severalCode: 'one_from', allowLocalDomains: true });
  await db.write(async (tx) => {
    await updateWorkspace(tx, actor.workspaceId, {
      ...(name === undefined ? {} : { name }),
      ...(change.routing === undefined ? {} : { routing: change.routing }),
      ...(change.defaultFrom === undefined ? {} : { defaultFrom: change.defaultFrom || null }),
    });
    await audit(tx, actor, 'workspace.changed', actor.workspaceId, { fields: Object.keys(change) }, now);
  });
  return findWorkspace(db, actor.workspaceId);
}

export function listKeys(db: Db, workspaceId: string): Promise<StoredKey[]> {
  return liveKeys(db, workspaceId);
}

/** Who is told what needs a person. */
export function ownersOf(db: Db, workspaceId: string): Promise<string[]> {
  return ownerAddresses(db, workspaceId);
}

export function userOf(db: Db, id: string): Promise<{ id: string; email: string } | undefined> {
  return userById(db, id);
}
