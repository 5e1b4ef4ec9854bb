import { notFound } from '../errors.ts';
import { audit } from '../events/record.ts';
import { newId, sha256 } from '../ids.ts';
import type { Db, Tx } from '../storage/db.ts';
import { newApiKey } from './api-key.ts';
import { insertKey, liveKeys, revokeKey, type StoredKey } from './store.ts';

/** Makes a key in the given transaction. The key itself is returned once and stored only as a hash. */
export async function issueKey(
  tx: Tx,
  workspaceId: string,
  name: string,
  now: number,
): Promise<{ key: string; stored: StoredKey }> {
  const key = newApiKey();
  const stored: StoredKey = {
    id: newId('key', now),
    workspaceId,
    name,
    ending: key.slice(-4),
    scope: 'admin',
    createdAt: now,
    expiresAt: null,
    revokedAt: null,
  };
  await insertKey(tx, { ...stored, hash: sha256(key) });
  return { key, stored };
}

/** A new key in place of an old one; the old one stops working with this commit. */
export async function regenerateKey(
  db: Db,
  workspaceId: string,
  id: string,
  actor: string,
  now: number,
): Promise<{ key: string; stored: StoredKey }> {
  const old = (await liveKeys(db, workspaceId)).find((key) => key.id === id);
  return db.write(async (tx) => {
    if (!old || !(await revokeKey(tx, workspaceId, id, now))) throw unknownKey();
    const made = await issueKey(tx, workspaceId, old.name, now);
    await audit(
      tx,
      { id: actor, workspaceId },
      'api_key.regenerated',
      id,
      { replacedBy: made.stored.id },
      now,
    );
    return made;
  });
}

export async function removeKey(
  db: Db,
  workspaceId: string,
  id: string,
  actor: string,
  now: number,
): Promise<void> {
  await db.write(async (tx) => {
    if (!(await revokeKey(tx, workspaceId, id, now))) throw unknownKey();
    await audit(tx, { id: actor, workspaceId }, 'api_key.revoked', id, {}, now);
  });
}

function unknownKey() {
  return notFound('api_key', 'There is no API key with this id.');
}
