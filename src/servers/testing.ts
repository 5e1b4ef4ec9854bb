import type { Db } from '../storage/db.ts';
import { WELL } from './health.ts';
import { NEVER_SLOWED } from './rate.ts';
import type { RouteChoice } from './route.ts';
import type { Server } from './server.ts';
import { insertServer } from './store.ts';

const CREATED = Date.parse('2026-11-23T12:00:00Z');

/** The choice of the only server. */
export const ROUTE: RouteChoice = {
  chosen: 'srv_1',
  mode: 'random',
  candidates: [],
  ifFirstFails: null,
  reason: null,
};

/** A connected server, changed where the test says so. */
export function makeServer(changed: Partial<Server> & Pick<Server, 'id'>): Server {
  return {
    workspaceId: 'wsp_test',
    type: 'generic',
    name: changed.id,
    region: null,
    host: 'smtp.example.com',
    port: 587,
    security: 'starttls',
    username: null,
    passwordSealed: null,
    heloName: null,
    allowedFrom: [],
    limits: {},
    maxConnections: 5,
    weight: 1,
    costPerThousand: null,
    reserve: null,
    tlsCa: null,
    tlsFingerprint: null,
    tlsServerName: null,
    allowPrivate: false,
    capabilities: {},
    validatedAt: CREATED,
    createdAt: CREATED,
    updatedAt: CREATED,
    health: WELL,
    learned: NEVER_SLOWED,
    ...changed,
  };
}

/** Stores a server without the session that saving one opens. */
export async function storeServer(db: Db, changed: Partial<Server> & Pick<Server, 'id'>): Promise<Server> {
  const server = makeServer(changed);
  await db.write((tx) => insertServer(tx, server));
  return server;
}
