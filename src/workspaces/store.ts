import type { Db, Tx } from '../storage/db.ts';
import type { Role, Workspace } from './workspace.ts';

export interface NewUser {
  id: string;
  email: string;
  emailKey: string;
  passwordHash: string;
  now: number;
}

export async function anyUser(tx: Tx): Promise<boolean> {
  return (await tx.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined;
}

export async function insertWorkspace(tx: Tx, workspace: Workspace): Promise<void> {
  await tx
    .insertInto('workspaces')
    .values({
      id: workspace.id,
      name: workspace.name,
      routing: workspace.routing,
      default_from: workspace.defaultFrom,
      created_at: workspace.createdAt,
    })
    .execute();
}

export async function insertOwner(tx: Tx, workspaceId: string, user: NewUser): Promise<void> {
  await tx
    .insertInto('users')
    .values({
      id: user.id,
      email: user.email,
      email_key: user.emailKey,
      password_hash: user.passwordHash,
      created_at: user.now,
    })
    .execute();
  await tx
    .insertInto('members')
    .values({ workspace_id: workspaceId, user_id: user.id, role: 'owner', created_at: user.now })
    .execute();
}

export async function workspaceById(db: Db, id: string): Promise<Workspace | undefined> {
  const row = await db.read.selectFrom('workspaces').selectAll().where('id', '=', id).executeTakeFirst();
  return (
    row && {
      id: row.id,
      name: row.name,
      routing: row.routing,
      defaultFrom: row.default_from,
      createdAt: row.created_at,
    }
  );
}

export async function updateWorkspace(
  tx: Tx,
  id: string,
  change: Partial<Pick<Workspace, 'name' | 'routing' | 'defaultFrom'>>,
): Promise<void> {
  const columns = {
    ...(change.name === undefined ? {} : { name: change.name }),
    ...(change.routing === undefined ? {} : { routing: change.routing }),
    ...(change.defaultFrom === undefined ? {} : { default_from: change.defaultFrom }),
  };
  if (Object.keys(columns).length === 0) return;
  await tx.updateTable('workspaces').set(columns).where('id', '=', id).execute();
}

export interface StoredUser {
  id: string;
  email: string;
  passwordHash: string;
  workspaceId: string;
  role: Role;
}

export async function userByEmail(db: Db, emailKey: string): Promise<StoredUser | undefined> {
  const row = await db.read
    .selectFrom('users')
    .innerJoin('members', 'members.user_id', 'users.id')
    .select(['users.id', 'users.email', 'users.password_hash', 'members.workspace_id', 'members.role'])
    .where('users.email_key', '=', emailKey)
    .orderBy('members.created_at')
    .executeTakeFirst();
  return (
    row && {
      id: row.id,
      email: row.email,
      passwordHash: row.password_hash,
      workspaceId: row.workspace_id,
      role: row.role,
    }
  );
}

export async function ownerAddresses(db: Db, workspaceId: string): Promise<string[]> {
  const rows = await db.read
    .selectFrom('users')
    .innerJoin('members', 'members.user_id', 'users.id')
    .select('users.email')
    .where('members.workspace_id', '=', workspaceId)
    .where('members.role', '=', 'owner')
    .orderBy('members.created_at')
    .execute();
  return rows.map((row) => row.email);
}

export interface StoredSession {
  userId: string;
  email: string;
  workspaceId: string;
  role: Role;
  seenAt: number;
  expiresAt: number;
}

export async function insertSession(
  tx: Tx,
  tokenHash: string,
  user: StoredUser,
  now: number,
  expiresAt: number,
): Promise<void> {
  await tx
    .insertInto('sessions')
    .values({
      token_hash: tokenHash,
      user_id: user.id,
      workspace_id: user.workspaceId,
      created_at: now,
      seen_at: now,
      expires_at: expiresAt,
    })
    .execute();
}

export async function sessionByToken(db: Db, tokenHash: string): Promise<StoredSession | undefined> {
  const row = await db.read
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .innerJoin('members', (join) =>
      join
        .onRef('members.user_id', '=', 'sessions.user_id')
        .onRef('members.workspace_id', '=', 'sessions.workspace_id'),
    )
    .select([
      'users.id',
      'users.email',
      'sessions.workspace_id',
      'members.role',
      'sessions.seen_at',
      'sessions.expires_at',
    ])
    .where('sessions.token_hash', '=', tokenHash)
    .executeTakeFirst();
  return (
    row && {
      userId: row.id,
      email: row.email,
      workspaceId: row.workspace_id,
      role: row.role,
      seenAt: row.seen_at,
      expiresAt: row.expires_at,
    }
  );
}

export async function touchSession(tx: Tx, tokenHash: string, now: number): Promise<void> {
  await tx.updateTable('sessions').set({ seen_at: now }).where('token_hash', '=', tokenHash).execute();
}

export async function deleteSession(tx: Tx, tokenHash: string): Promise<void> {
  await tx.deleteFrom('sessions').where('token_hash', '=', tokenHash).execute();
}

export interface StoredKey {
  id: string;
  workspaceId: string;
  name: string;
  ending: string;
  scope: 'admin' | 'send';
  createdAt: number;
  expiresAt: number | null;
  revokedAt: number | null;
}

export async function insertKey(tx: Tx, key: StoredKey & { hash: string }): Promise<void> {
  await tx
    .insertInto('api_keys')
    .values({
      id: key.id,
      workspace_id: key.workspaceId,
      name: key.name,
      key_hash: key.hash,
      ending: key.ending,
      scope: key.scope,
      created_at: key.createdAt,
      expires_at: key.expiresAt,
      revoked_at: null,
    })
    .execute();
}

/** A revoked key stays, so that its callers can be told why they are refused. */
export async function revokeKey(tx: Tx, workspaceId: string, id: string, now: number): Promise<boolean> {
  const done = await tx
    .updateTable('api_keys')
    .set({ revoked_at: now })
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

const keyColumns = [
  'id',
  'workspace_id',
  'name',
  'ending',
  'scope',
  'created_at',
  'expires_at',
  'revoked_at',
] as const;

export async function keyByHash(db: Db, hash: string): Promise<StoredKey | undefined> {
  const row = await db.read
    .selectFrom('api_keys')
    .select(keyColumns)
    .where('key_hash', '=', hash)
    .executeTakeFirst();
  return row && keyOf(row);
}

export async function liveKeys(db: Db, workspaceId: string): Promise<StoredKey[]> {
  const rows = await db.read
    .selectFrom('api_keys')
    .select(keyColumns)
    .where('workspace_id', '=', workspaceId)
    .where('revoked_at', 'is', null)
    .orderBy('id')
    .execute();
  return rows.map(keyOf);
}

function keyOf(row: {
  id: string;
  workspace_id: string;
  name: string;
  ending: string;
  scope: 'admin' | 'send';
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}): StoredKey {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    name: row.name,
    ending: row.ending,
    scope: row.scope,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}

export async function userById(db: Db, id: string): Promise<{ id: string; email: string } | undefined> {
  return db.read.selectFrom('users').select(['id', 'email']).where('id', '=', id).executeTakeFirst();
}
