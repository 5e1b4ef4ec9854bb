import type { Db, Tx } from '../storage/db.ts';
import type { Server } from './server.ts';
import { allServers, countServers, deleteServer, serversOf } from './store.ts';

/** Sandbox or live is not stored: a workspace is live while a server is connected. */
export async function modeOf(tx: Tx, workspaceId: string): Promise<'sandbox' | 'live'> {
  return (await countServers(tx, workspaceId)) > 0 ? 'live' : 'sandbox';
}

export function listServers(db: Db, workspaceId: string): Promise<Server[]> {
  return serversOf(db, workspaceId);
}

export function listAllServers(db: Db): Promise<Server[]> {
  return allServers(db);
}

/** Part of retiring a server (engine/retire.ts), in its transaction. */
export function removeServer(tx: Tx, workspaceId: string, id: string): Promise<boolean> {
  return deleteServer(tx, workspaceId, id);
}
