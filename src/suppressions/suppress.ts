import { type Address, parseAddress } from '../address.ts';
import type { Clock } from '../clock.ts';
import { AppError, notFound } from '../errors.ts';
import { audit, recordEvents } from '../events/record.ts';
import { newId } from '../ids.ts';
import type { Db, Tx } from '../storage/db.ts';
import {
  deleteSuppression,
  insertSuppression,
  listRows,
  type Recipient,
  type SuppressionFilter,
  suppressionByKey,
  suppressionsFor,
} from './store.ts';
import { blockedReason, isActive, type Suppression } from './suppression.ts';

export type { SuppressionFilter } from './store.ts';

interface Who {
  id: string;
  workspaceId: string;
}

/** What whoever learned it knows; a refusal in a session, for good, unless said otherwise. */
type Given = Omit<Suppression, 'id' | 'source' | 'serverId' | 'serverName' | 'expiresAt'> &
  Partial<Pick<Suppression, 'source' | 'serverId' | 'serverName' | 'expiresAt'>>;

/**
 * Blocks an address in the transaction that learned it is bad. A block that stands as long keeps its first reason.
 * @returns false when nothing changed
 */
export function suppress(tx: Tx, given: Given): Promise<boolean> {
  return insertSuppression(tx, {
    source: 'smtp',
    serverId: null,
    serverName: null,
    expiresAt: null,
    ...given,
    id: newId('sup', given.createdAt),
  });
}

/** Which of these recipients their workspaces do not write to at this time. @returns the block of each of them, if any */
export async function findSuppressions(
  tx: Tx,
  recipients: readonly Recipient[],
  now: number,
): Promise<(recipient: Recipient) => Suppression | undefined> {
  const found = new Map<string, Suppression>();
  for (const one of await suppressionsFor(tx, recipients))
    if (isActive(one, now)) found.set(`${one.workspaceId} ${one.emailKey}`, one);
  return ({ workspace_id, rcpt_key }) => found.get(`${workspace_id} ${rcpt_key}`);
}

/** Blocks an address by hand. @throws AppError already_blocked (409), or what is wrong with the address */
export async function suppressByHand(db: Db, clock: Clock, actor: Who, email: string): Promise<Suppression> {
  const address = readAddress(email);
  const now = clock.now();
  const given: Given = {
    workspaceId: actor.workspaceId,
    email: address.address,
    emailKey: address.key,
    reason: 'manual',
    source: 'manual',
    code: null,
    reply: null,
    messageId: null,
    createdAt: now,
  };
  return db.write(async (tx) => {
    const added = await suppress(tx, given);
    const stored = (await suppressionByKey(tx, actor.workspaceId, address.key))!;
    if (!added)
      throw new AppError('already_blocked', blockedReason(stored), {
        status: 409,
        field: 'email',
        detail: { id: stored.id, reason: stored.reason },
      });
    const { workspaceId } = actor;
    await recordEvents(tx, [
      { workspaceId, type: 'suppression.added', at: now, detail: { email: stored.email, by: actor.id } },
    ]);
    await audit(tx, actor, 'suppression.added', stored.email, { reason: 'manual' }, now);
    return stored;
  });
}

/** Takes a block away, in the caller's transaction, with what goes with it. @returns what stood there */
export async function liftWithin(
  tx: Tx,
  actor: Who,
  emailKey: string,
  now: number,
): Promise<Suppression | undefined> {
  const lifted = await deleteSuppression(tx, actor.workspaceId, emailKey);
  if (!lifted) return undefined;
  const { email, reason, source, code, messageId } = lifted;
  await recordEvents(tx, [
    {
      workspaceId: actor.workspaceId,
      type: 'suppression.lifted',
      at: now,
      detail: { email, reason, by: actor.id },
    },
  ]);
  await audit(tx, actor, 'suppression.lifted', email, { reason, source, code, message: messageId }, now);
  return lifted;
}

/** @throws AppError suppression_not_found (404) */
export async function findSuppression(db: Db, workspaceId: string, email: string): Promise<Suppression> {
  const found = await suppressionByKey(db.read, workspaceId, readAddress(email).key);
  if (!found) throw notBlocked(email);
  return found;
}

/** Newest first. */
export async function listSuppressions(
  db: Db,
  workspaceId: string,
  filter: SuppressionFilter,
  limit: number,
): Promise<{ data: Suppression[]; nextCursor: string | null }> {
  const rows = await listRows(db, workspaceId, filter, limit + 1);
  const data = rows.slice(0, limit);
  return { data, nextCursor: rows.length > limit ? data.at(-1)!.id : null };
}

/** Addresses of a private network can be blocked too, so they can be looked up. */
export function readAddress(email: string): Address {
  return parseAddress(email, 'email', { allowLocalDomains: true });
}

export function notBlocked(email: string): AppError {
  return notFound('suppression', `${email.slice(0, 254)} is not blocked in this workspace.`, 'email');
}
