import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './ports.ts';

const VERSIONS = '/usr/lib/postgresql';

/** The newest installed PostgreSQL of Debian, or undefined. */
export function postgresBin(): string | undefined {
  if (!existsSync(VERSIONS)) return undefined;
  const newest = readdirSync(VERSIONS)
    .filter((version) => existsSync(join(VERSIONS, version, 'bin', 'initdb')))
    .sort((a, b) => Number(b) - Number(a))[0];
  return newest && join(VERSIONS, newest, 'bin');
}

export interface TestPostgres {
  /** Ends with a slash: a database's name follows. */
  url: string;
  /** Ends the server at once, as a crash does, and starts it again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes a database if it is not there. @returns its address */
export async function postgresDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client(`${url}postgres`);
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (!rowCount) await client.query(`create database "${name}"`);
  } finally {
    await client.end();
  }
  return url + name;
}

/** Starts a PostgreSQL of its own, in a temporary folder on a free port, as another user where we are root. */
export async function startPostgres(): Promise<TestPostgres> {
  const bin = postgresBin();
  if (!bin) throw new Error('PostgreSQL is not installed');
  const user = userOfServer();
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-pg-'));
  if (user) chownSync(folder, user.uid, user.gid);
  execFileSync(
    join(bin, 'initdb'),
    ['-D', join(folder, 'data'), '-U', 'mailwright', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
    { ...user, stdio: 'ignore', cwd: folder },
  );
  const port = await freePort();
  const url = `postgres://mailwright@127.0.0.1:${port}/`;
  let server = await startServer(bin, folder, port, user, url);
  return {
    url,
    async restart() {
      server.kill('SIGQUIT');
      await once(server, 'exit');
      server = await startServer(bin, folder, port, user, url);
    },
    async stop() {
      server.kill('SIGINT');
      if (server.exitCode === null) await once(server, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
function userOfServer(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function startServer(
  bin: string,
  folder: string,
  port: number,
  user: { uid: number; gid: number } | undefined,
  url: string,
) {
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', join(folder, 'data'), '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-k', folder],
    { ...user, stdio: ['ignore', 'ignore', 'pipe'], cwd: folder },
  );
  // Its log says when it is ready; before that a connection would only be refused.
  for await (const chunk of server.stderr) if (String(chunk).includes('ready to accept connections')) break;
  server.stderr.resume();
  const client = new pg.Client(`${url}postgres`);
  await client.connect();
  await client.end();
  return server;
}
