import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openSqlite } from '../../src/storage/sqlite.ts';
import { projectRoot, SETUP } from '../support/program.ts';

// A program that cannot start says why in one line, what to do about it, and leaves the data as it is.

const EX_USAGE = 64;
const EX_DATAERR = 65;
const EX_CONFIG = 78;
const NOBODY = 65_534;

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

async function run(args: string[], env: Record<string, string>, uid?: number): Promise<Ended> {
  const child = spawn(join(projectRoot, 'bin', 'mailwright'), args, {
    env: { PATH: process.env.PATH, PORT: '0', LOG_LEVEL: 'silent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid }),
  });
  const read = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (read.stdout += chunk));
  child.stderr.on('data', (chunk) => (read.stderr += chunk));
  // A program that does start would run for ever; ending it makes the test fail with what it said.
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await once(child, 'close');
  clearTimeout(timer);
  return { code: child.exitCode, ...read };
}

function refused(ended: Ended, code: number, sentence: RegExp): void {
  expect({ ...ended, stderr: ended.stderr.trimEnd() }).toEqual({
    code,
    stdout: '',
    stderr: expect.stringMatching(sentence),
  });
  expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'mailwright-start-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A data folder that was set up, as bytes, to start each test from. */
let files: Map<string, Buffer>;
beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'mailwright-start-'));
  const made = await run([...SETUP, '--json'], { DATA_DIR: dir });
  expect([made.code, Object.keys(JSON.parse(made.stdout)).sort()]).toEqual([0, ['apiKey', 'workspaceId']]);
  expect(statSync(join(dir, 'master.key')).mode & 0o777).toBe(0o600);
  files = new Map(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name))]));
  rmSync(dir, { recursive: true });
});

function known(): string {
  const dir = folder();
  for (const [name, bytes] of files) writeFileSync(join(dir, name), bytes, { mode: 0o600 });
  return dir;
}

describe('the master key', () => {
  const other = Buffer.alloc(32, 9).toString('base64');

  test.each<[string, (dir: string) => Record<string, string>, RegExp]>([
    [
      'is missing',
      (dir) => {
        rmSync(join(dir, 'master.key'));
        return {};
      },
      /^mailwright: The master key is missing: .*master\.key does not exist/,
    ],
    [
      'is short',
      () => ({ MASTER_KEY: 'c2hvcnQ=' }),
      /^mailwright: MASTER_KEY must be 32 bytes in base64\. Make one with: openssl rand -base64 32$/,
    ],
    [
      'is another one',
      () => ({ MASTER_KEY: other }),
      /^mailwright: MASTER_KEY is not the one this database was made with\. Nothing was changed/,
    ],
    [
      'is another one, in the file',
      (dir) => {
        writeFileSync(join(dir, 'master.key'), other);
        return {};
      },
      /^mailwright: The master key in .*master\.key is not the one/,
    ],
  ])('%s', async (_, prepare, sentence) => {
    const dir = known();
    const env = prepare(dir);
    refused(await run(['serve'], { DATA_DIR: dir, ...env }), EX_CONFIG, sentence);
    expect(readFileSync(join(dir, 'mailwright.db')).equals(files.get('mailwright.db')!)).toBe(true);
  });
});

describe('the self-test', () => {
  test.each(['serve', 'migrate'])('its FAILPOINT is refused to a plain %s', async (command) => {
    const env = { DATA_DIR: known(), FAILPOINT: 'claimed:1:kill' };
    refused(await run([command], env), EX_CONFIG, /^mailwright: FAILPOINT makes the program fail on purpose/);
  });

  test.each<[string[], RegExp]>([
    [['--kills', 'many'], /^mailwright: --kills is a whole number from 1, not "many"\.$/],
    [['--workers', '3'], /^mailwright: On SQLite one process sends\. Leave --workers out/],
    [['--on-uncertain', 'resend'], /^mailwright: --on-uncertain is hold or resend_once, not "resend"\.$/],
    [['--database-url', 'mysql://x'], /^mailwright: --database-url wants an address such as postgres:/],
    [['--database-url', 'postgres://127.0.0.1:1/x'], /^mailwright: PostgreSQL cannot be reached/],
  ])('crash %j', async (args, sentence) => {
    refused(await run(['selftest', 'crash', ...args], {}), EX_CONFIG, sentence);
  });
});

describe('the database', () => {
  test('has a newer schema', async () => {
    const dir = known();
    const db = openSqlite(join(dir, 'mailwright.db'));
    await db.write((tx) =>
      sql`insert into schema_versions (version, name, applied_at) values (99, 'later', 1)`.execute(tx),
    );
    await db.close();
    refused(await run(['serve'], { DATA_DIR: dir }), EX_CONFIG, /^mailwright: The database has schema 99/);
  });

  test('may only be read', async () => {
    const dir = known();
    chmodSync(join(dir, 'mailwright.db'), 0o444);
    chmodSync(dir, 0o555);
    // Root may write anywhere, so where root tests, somebody else starts the program.
    const isRoot = process.getuid?.() === 0;
    if (isRoot)
      for (const name of ['mailwright.db', 'master.key']) chownSync(join(dir, name), NOBODY, NOBODY);
    const ended = await run(['serve'], { DATA_DIR: dir }, isRoot ? NOBODY : undefined);
    chmodSync(dir, 0o755);
    refused(
      ended,
      EX_CONFIG,
      /^mailwright: The database .* cannot be opened for writing .*Give this user write access/,
    );
  });

  test('is no database', async () => {
    const dir = known();
    writeFileSync(
      join(dir, 'mailwright.db'),
      'this is a text, and a long one, so that nobody takes it for a header'.repeat(20),
    );
    refused(
      await run(['serve'], { DATA_DIR: dir }),
      EX_CONFIG,
      /^mailwright: The database .* cannot be opened/,
    );
  });

  test('cannot have a folder where a file is', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'data'), '');
    refused(
      await run(['serve'], { DATA_DIR: join(dir, 'data') }),
      EX_CONFIG,
      /^mailwright: The data folder .* cannot be made/,
    );
  });
});

describe('the settings', () => {
  test('a port that is taken', async () => {
    const taken = createServer();
    onTestFinished(() => void taken.close());
    await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
    const { port } = taken.address() as AddressInfo;
    const ended = await run(['serve'], { DATA_DIR: known(), PORT: String(port) });
    refused(ended, EX_CONFIG, new RegExp(`^mailwright: Port ${port} is used by another program\\. .*PORT=`));
  });

  test.each<[Record<string, string>, RegExp]>([
    [{ PORT: 'abc' }, /^mailwright: PORT must be a number/],
    [{ HOST: '192.0.2.1' }, /^mailwright: HOST=192\.0\.2\.1 is not an address of this machine/],
  ])('%j', async (env, sentence) => {
    refused(await run(['serve'], { DATA_DIR: known(), ...env }), EX_CONFIG, sentence);
  });
});

describe('a command', () => {
  test.each<[string[], number, RegExp]>([
    [['sevre'], EX_USAGE, /there is no command "sevre"/],
    [['setup', '--emial', 'x'], EX_USAGE, /--emial/],
    [['setup', '--email', 'owner@example.com'], EX_CONFIG, /--workspace/],
    [SETUP.with(-1, 'short'), EX_DATAERR, /at least 8 characters/],
  ])('%j ends with %i', async (args, code, sentence) => {
    refused(await run(args, { DATA_DIR: folder() }), code, sentence);
  });

  test('setup a second time', async () => {
    refused(await run(SETUP, { DATA_DIR: known() }), EX_DATAERR, /has its first user already/);
  });
});
