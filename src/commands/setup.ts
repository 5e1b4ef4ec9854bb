import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { systemClock } from '../clock.ts';
import { ConfigError, readConfig } from '../config.ts';
import { openDatabase } from '../database.ts';
import { openVault } from '../storage/master-key.ts';
import { setup } from '../workspaces/setup.ts';

/** Makes the first user from the command line, also beside a running program. */
export async function setupCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      email: { type: 'string' },
      workspace: { type: 'string' },
      password: { type: 'string' },
      'password-stdin': { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  if (!values.email || !values.workspace) throw new ConfigError('setup needs --email and --workspace.');
  const password = values['password-stdin']
    ? (await text(process.stdin)).replace(/\r?\n$/, '')
    : values.password;
  if (password === undefined)
    throw new ConfigError(
      'setup needs --password-stdin (or --password, which other users of this machine can see).',
    );

  const config = readConfig(process.env, process.cwd());
  const db = await openDatabase(config, systemClock);
  try {
    await openVault(config, db);
    const { apiKey, workspaceId } = await setup(db, systemClock, {
      email: values.email,
      workspace: values.workspace,
      password,
    });
    const plain = `Workspace ${workspaceId} is ready. Its API key, shown this once:\n${apiKey}`;
    process.stdout.write(`${values.json ? JSON.stringify({ apiKey, workspaceId }) : plain}\n`);
    return 0;
  } finally {
    await db.close();
  }
}
