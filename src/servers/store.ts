import type { Selectable } from 'kysely';
import type { Db, Tx } from '../storage/db.ts';
import { forUpdate } from '../storage/lease.ts';
import type { ServersTable } from '../storage/schema.ts';
import { statement } from '../storage/statement.ts';
import type { ServerLimits } from './limits.ts';
import type { Usage } from './quota.ts';
import type { Bucket, LearnedRate } from './rate.ts';
import type { Health, Server } from './server.ts';

export async function insertServer(tx: Tx, server: Server): Promise<void> {
  await tx
    .insertInto('servers')
    .values({
      id: server.id,
      workspace_id: server.workspaceId,
      created_at: server.createdAt,
      ...columns(server),
      ...healthColumns(server.health),
    })
    .execute();
}

/** Health is written only where it was found out anew: the worker may have changed it meanwhile. */
export async function updateServer(tx: Tx, server: Server, health?: Health): Promise<boolean> {
  const done = await tx
    .updateTable('servers')
    .set({ ...columns(server), ...(health ? healthColumns(health) : {}) })
    .where('workspace_id', '=', server.workspaceId)
    .where('id', '=', server.id)
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

function columns(server: Server) {
  return {
    type: server.type,
    name: server.name,
    region: server.region,
    host: server.host,
    port: server.port,
    security: server.security,
    username: server.username,
    password_sealed: server.passwordSealed,
    helo_name: server.heloName,
    allowed_from: JSON.stringify(server.allowedFrom),
    limits: JSON.stringify(server.limits),
    max_connections: server.maxConnections,
    weight: server.weight,
    cost_per_thousand: server.costPerThousand,
    reserve: server.reserve,
    tls_ca: server.tlsCa,
    tls_fingerprint: server.tlsFingerprint,
    tls_server_name: server.tlsServerName,
    allow_private: server.allowPrivate ? 1 : 0,
    capabilities: JSON.stringify(server.capabilities),
    validated_at: server.validatedAt,
    updated_at: server.updatedAt,
  };
}

function healthColumns(health: Health) {
  return {
    failures: health.failures,
    waiting_until: health.waitingUntil,
    waiting_code: health.code,
    waiting_reason: health.reason,
  };
}

export async function serversOf(db: Db | { read: Tx }, workspaceId: string): Promise<Server[]> {
  const rows = await db.read
    .selectFrom('servers')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .orderBy('id')
    .execute();
  return rows.map(serverOf);
}

export async function serverById(db: Db, workspaceId: string, id: string): Promise<Server | undefined> {
  const row = await db.read
    .selectFrom('servers')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row && serverOf(row);
}

const everyServer = statement<Selectable<ServersTable>>('select * from servers order by id');

/** Every server of the installation, for the worker's view of who is well. */
export async function allServers(db: Db): Promise<Server[]> {
  return (await everyServer(db.read, [])).map(serverOf);
}

export async function countServers(tx: Tx, workspaceId: string): Promise<number> {
  const row = await tx
    .selectFrom('servers')
    .select((count) => count.fn.countAll<number>().as('servers'))
    .where('workspace_id', '=', workspaceId)
    .executeTakeFirstOrThrow();
  return Number(row.servers);
}

/** Templates that preferred it are cleared by the schema. */
export async function deleteServer(tx: Tx, workspaceId: string, id: string): Promise<boolean> {
  const done = await tx
    .deleteFrom('servers')
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
  return done.numDeletedRows > 0n;
}

/** Locked when it is read in order to be changed. */
const HEALTH = 'select failures, waiting_until, waiting_code, waiting_reason from servers where id = ?';
const readHealth = statement<HealthRow>(HEALTH);
const lockHealth = statement<HealthRow>({ sqlite: HEALTH, postgres: `${HEALTH} for update` });
type HealthRow = Pick<
  Selectable<ServersTable>,
  'failures' | 'waiting_until' | 'waiting_code' | 'waiting_reason'
>;

export async function healthOf(tx: Tx, id: string, locked?: 'locked'): Promise<Health | undefined> {
  const [row] = await (locked ? lockHealth : readHealth)(tx, [id]);
  return (
    row && {
      failures: row.failures,
      waitingUntil: row.waiting_until,
      code: row.waiting_code,
      reason: row.waiting_reason,
    }
  );
}

export async function updateHealth(tx: Tx, id: string, health: Health): Promise<void> {
  await tx.updateTable('servers').set(healthColumns(health)).where('id', '=', id).execute();
}

/** What decides how fast a server may be given messages. */
export interface Pace {
  type: string;
  limits: ServerLimits;
  learned: LearnedRate;
  /** Null before the first token was taken. */
  bucket: Bucket | null;
}

/** Read in order to be changed: other workers wait for the end of the transaction. */
export async function paceOf(tx: Tx, id: string): Promise<Pace | undefined> {
  const row = await tx
    .selectFrom('servers')
    .select(['type', 'limits', 'rate', 'rate_changed_at', 'tokens', 'tokens_at'])
    .where('id', '=', id)
    .modifyEnd(forUpdate(tx))
    .executeTakeFirst();
  return (
    row && {
      type: row.type,
      limits: JSON.parse(row.limits),
      learned: { rate: row.rate, changedAt: row.rate_changed_at },
      bucket:
        row.tokens === null || row.tokens_at === null ? null : { tokens: row.tokens, at: row.tokens_at },
    }
  );
}

export async function updatePace(
  tx: Tx,
  id: string,
  { learned, bucket }: { learned?: LearnedRate; bucket: Bucket },
): Promise<void> {
  await tx
    .updateTable('servers')
    .set({
      tokens: bucket.tokens,
      tokens_at: bucket.at,
      ...(learned ? { rate: learned.rate, rate_changed_at: learned.changedAt } : {}),
    })
    .where('id', '=', id)
    .execute();
}

export async function usageOf(tx: Tx, serverId: string): Promise<Usage[]> {
  const rows = await tx.selectFrom('server_usage').selectAll().where('server_id', '=', serverId).execute();
  return rows.map((row) => ({ span: row.span, startsAt: row.starts_at, used: row.used }));
}

/** Adds to a piece of a span, and forgets the pieces of that span which began before `oldest`. */
export async function countUsage(tx: Tx, serverId: string, usage: Usage, oldest: number): Promise<void> {
  await tx
    .insertInto('server_usage')
    .values({ server_id: serverId, span: usage.span, starts_at: usage.startsAt, used: usage.used })
    .onConflict((conflict) =>
      conflict
        .columns(['server_id', 'span', 'starts_at'])
        .doUpdateSet((row) => ({ used: row('server_usage.used', '+', usage.used) })),
    )
    .execute();
  await tx
    .deleteFrom('server_usage')
    .where('server_id', '=', serverId)
    .where('span', '=', usage.span)
    .where('starts_at', '<', oldest)
    .execute();
}

function serverOf(row: Selectable<ServersTable>): Server {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    type: row.type,
    name: row.name,
    region: row.region,
    host: row.host,
    port: row.port,
    security: row.security,
    username: row.username,
    passwordSealed: row.password_sealed,
    heloName: row.helo_name,
    allowedFrom: JSON.parse(row.allowed_from),
    limits: JSON.parse(row.limits),
    maxConnections: row.max_connections,
    weight: row.weight,
    costPerThousand: row.cost_per_thousand,
    reserve: row.reserve,
    tlsCa: row.tls_ca,
    tlsFingerprint: row.tls_fingerprint,
    tlsServerName: row.tls_server_name,
    allowPrivate: row.allow_private === 1,
    capabilities: JSON.parse(row.capabilities),
    validatedAt: row.validated_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    health: {
      failures: row.failures,
      waitingUntil: row.waiting_until,
      code: row.waiting_code,
      reason: row.waiting_reason,
    },
    learned: { rate: row.rate, changedAt: row.rate_changed_at },
  };
}
