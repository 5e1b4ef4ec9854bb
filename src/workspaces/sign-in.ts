import { parseAddress } from '../address.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { newToken, sha256 } from '../ids.ts';
import type { Db } from '../storage/db.ts';
import type { LoginLimit } from './login-limit.ts';
import { verifyPassword } from './password.ts';
import { ABSOLUTE_MS } from './session.ts';
import { deleteSession, insertSession, type StoredUser, userByEmail } from './store.ts';

const SESSION_TOKEN_BYTES = 32;

/** Signs a person in. @throws AppError sign_in_refused (401), too_many_tries (429) */
export async function signIn(
  db: Db,
  clock: Clock,
  limit: LoginLimit,
  given: { email: string; password: string; ip: string },
): Promise<{ token: string; user: StoredUser }> {
  const emailKey = keyOf(given.email);
  const tries = [`account:${emailKey}`, `caller:${given.ip}`];
  limit.check(tries, clock.now());
  // Counted before the slow hash: otherwise a thousand guesses at the same moment would all pass the check.
  limit.tried(tries, clock.now());
  const user = emailKey === '' ? undefined : await userByEmail(db, emailKey);
  if (!(await verifyPassword(given.password, user?.passwordHash)) || !user) {
    throw new AppError('sign_in_refused', 'The email address or the password is wrong.', { status: 401 });
  }
  limit.succeeded(tries);
  return { token: await startSession(db, user, clock.now()), user };
}

export async function startSession(db: Db, user: StoredUser, now: number): Promise<string> {
  const token = newToken(SESSION_TOKEN_BYTES);
  await db.write((tx) => insertSession(tx, sha256(token), user, now, now + ABSOLUTE_MS));
  return token;
}

export async function signOut(db: Db, token: string): Promise<void> {
  await db.write((tx) => deleteSession(tx, sha256(token)));
}

/** What does not even look like an address is an unknown user, not another answer. */
function keyOf(email: string): string {
  try {
    return parseAddress(email, 'email').key;
  } catch {
    return '';
  }
}
