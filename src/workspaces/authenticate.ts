import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Actor, Asked } from '../http/route.ts';
import { sha256 } from '../ids.ts';
import type { Db } from '../storage/db.ts';
import type { Memo } from '../storage/memo.ts';
import { isWellFormed, keyRefused } from './api-key.ts';
import { fromOwnPage, IDLE_MS, sessionToken, TOUCH_EVERY_MS } from './session.ts';
import { keyByHash, sessionByToken, touchSession } from './store.ts';

/** Finds out who is calling: the bearer of an API key, or the person of a session. @throws AppError 401 */
export function authenticate(
  { db, clock, memo }: { db: Db; clock: Clock; memo: Memo },
  request: Asked,
): Promise<Actor> {
  const header = request.headers.get('authorization');
  if (header !== null) return byKey(db, memo, header, clock.now());
  const token = sessionToken(request.headers);
  if (token !== undefined) return bySession(db, token, request, clock.now());
  return Promise.reject(keyRefused('missing'));
}

async function byKey(db: Db, memo: Memo, header: string, now: number): Promise<Actor> {
  const key = /^Bearer\s+(\S+)\s*$/i.exec(header)?.[1];
  if (key === undefined) throw keyRefused('malformed');
  const hash = sha256(key);
  // Only keys that exist are remembered: guesses must not fill the memory.
  const stored = await memo.get('key', hash, async () => {
    if (!isWellFormed(key)) throw keyRefused('malformed');
    const found = await keyByHash(db, hash);
    if (!found) throw keyRefused('unknown');
    return found;
  });
  if (stored.revokedAt !== null) throw keyRefused('revoked');
  if (stored.expiresAt !== null && stored.expiresAt <= now) throw keyRefused('expired');
  const admin = stored.scope === 'admin';
  return {
    kind: 'key',
    id: stored.id,
    workspaceId: stored.workspaceId,
    role: admin ? 'admin' : 'editor',
    mayAllowPrivate: admin,
  };
}

async function bySession(db: Db, token: string, request: Asked, now: number): Promise<Actor> {
  const hash = sha256(token);
  const session = await sessionByToken(db, hash);
  if (!session || session.expiresAt <= now || session.seenAt + IDLE_MS <= now) {
    throw new AppError('session_ended', 'Your session has ended. Sign in again.', { status: 401 });
  }
  if (!['GET', 'HEAD'].includes(request.method) && !fromOwnPage(request.headers)) {
    throw new AppError('cross_site', 'This call came from another site. Use the app itself, or an API key.', {
      status: 403,
    });
  }
  if (now - session.seenAt > TOUCH_EVERY_MS) await db.write((tx) => touchSession(tx, hash, now));
  return {
    kind: 'session',
    id: session.userId,
    workspaceId: session.workspaceId,
    role: session.role,
    mayAllowPrivate: session.role === 'owner',
  };
}
