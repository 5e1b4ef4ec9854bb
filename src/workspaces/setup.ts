import { parseAddress } from '../address.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { audit } from '../events/record.ts';
import { newId, newToken } from '../ids.ts';
import type { Db } from '../storage/db.ts';
import { deleteSetting, keepSetting, readSetting } from '../storage/settings.ts';
import { issueKey } from './keys.ts';
import { checkPassword, hashPassword } from './password.ts';
import { anyUser, insertOwner, insertWorkspace } from './store.ts';

const MAX_WORKSPACE_NAME = 100;

export interface SetupInput {
  email: string;
  password: string;
  workspace: string;
}

export interface SetupResult {
  workspaceId: string;
  userId: string;
  /** Shown once; only its hash is kept. */
  apiKey: string;
}

/**
 * The token of the first-run link, made once and printed at every start until a first user exists.
 * @returns undefined when the installation is set up.
 */
export async function firstRunToken(db: Db): Promise<string | undefined> {
  if (await anyUser(db.read)) return undefined;
  const known = await readSetting(db, 'setup_token');
  if (known) return known;
  return db.write(async (tx) =>
    (await anyUser(tx)) ? undefined : keepSetting(tx, 'setup_token', newToken()),
  );
}

/** @throws AppError setup_token_invalid (403): the link is not the one that was printed. */
export async function checkSetupToken(db: Db, token: string): Promise<void> {
  if (await anyUser(db.read)) throw setupDone();
  if (token !== (await readSetting(db, 'setup_token'))) {
    throw new AppError(
      'setup_token_invalid',
      'Use the first-run link that Mailwright printed when it started.',
      { status: 403, field: 'token' },
    );
  }
}

/**
 * Makes the first user, its workspace and its API key. Two at the same moment: one wins, the other is told.
 * @throws AppError setup_done (409), and the codes of addresses and passwords.
 */
export async function setup(db: Db, clock: Clock, input: SetupInput): Promise<SetupResult> {
  const email = parseAddress(input.email, 'email');
  checkPassword(input.password);
  const name = workspaceName(input.workspace);
  const passwordHash = await hashPassword(input.password);
  const now = clock.now();
  const workspaceId = newId('wsp', now);
  const userId = newId('usr', now);
  return db.write(async (tx) => {
    if ((await keepSetting(tx, 'first_user', userId)) !== userId) throw setupDone();
    await insertWorkspace(tx, {
      id: workspaceId,
      name,
      routing: 'random',
      defaultFrom: email.address,
      createdAt: now,
    });
    await insertOwner(tx, workspaceId, {
      id: userId,
      email: email.address,
      emailKey: email.key,
      passwordHash,
      now,
    });
    const { key } = await issueKey(tx, workspaceId, 'Default', now);
    await deleteSetting(tx, 'setup_token');
    await audit(tx, { id: userId, workspaceId }, 'workspace.created', workspaceId, {}, now);
    return { workspaceId, userId, apiKey: key };
  });
}

export function workspaceName(text: string): string {
  const name = text.trim();
  if (name === '')
    throw new AppError('workspace_required', 'Give the workspace a name.', { field: 'workspace' });
  if (name.length > MAX_WORKSPACE_NAME || /[\x00-\x1f\x7f]/.test(name)) {
    throw new AppError('workspace_invalid', `Use at most ${MAX_WORKSPACE_NAME} printable characters.`, {
      field: 'workspace',
    });
  }
  return name;
}

function setupDone(): AppError {
  return new AppError('setup_done', 'This installation has its first user already. Sign in instead.', {
    status: 409,
  });
}
