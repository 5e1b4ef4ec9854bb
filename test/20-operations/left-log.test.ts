import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { type FakeServer, startFakeServer } from '../../src/demo-smtp/server.ts';
import { postgresDatabase } from '../../src/testing/postgres.ts';
import { serverInput } from '../../src/testing/servers.ts';
import { callApi, type Program, runProgram, SETUP, startProgram } from '../support/program.ts';

// On SQLite a program that is killed leaves a log: what it sent last, which the database does not know yet. Who opens
// the database next has to know it first.

let dataDir: string;
let server: FakeServer;
let apiKey: string;
let program: Program | undefined;
/** The message of which only the log knows that it was sent. */
let id: string;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'mailwright-left-'));
  server = await startFakeServer({ security: 'none', keepContent: false });
  apiKey = (await run(...SETUP)).document.apiKey;
  const failing = { FAILPOINT: 'settle-midway:1:kill', MAILWRIGHT_SELFTEST: dataDir };
  program = await startProgram(dataDir, failing);
  expect((await api('POST', '/v1/servers', serverInput(server))).status).toBe(201);
  const { body } = await api('POST', '/v1/messages', { rcpt: 'a@example.com', subject: 's', text: 't' });
  id = body.id;
  await program.exited;
  expect([program.signal, server.ledger.length, logs().length]).toEqual(['SIGKILL', 1, 1]);
});

afterEach(async () => {
  await program?.end('SIGKILL');
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const api = (method: string, path: string, body?: unknown) =>
  callApi(program!.url, apiKey, method, path, body);

const logs = () => readdirSync(dataDir).filter((name) => /^journal-.*\.log$/.test(name));

/** One command, with its one document. */
async function run(...args: string[]) {
  const ended = await runProgram([...args, '--json'], { DATA_DIR: dataDir, LOG_LEVEL: 'silent' });
  return { ...ended, document: ended.stdout === '' ? undefined : JSON.parse(ended.stdout) };
}

async function ofDoctor(): Promise<{ status: string; value: string; advice?: string }> {
  const { findings } = (await run('doctor')).document;
  return findings.find((one: { check: string }) => one.check === 'log');
}

/** How the message ended, at the next start. */
async function afterStart(env: Record<string, string> = {}): Promise<string> {
  program = await startProgram(dataDir, env);
  return (await api('GET', `/v1/messages/${id}`)).body.status;
}

describe('a log that a killed program left', () => {
  test('is worked in by the next start', async () => {
    const [left] = logs();
    expect(await afterStart()).toBe('sent');
    expect(logs()).not.toContain(left);
    expect((await ofDoctor()).value).toBe('in use by the running program');
    await program!.end('SIGTERM');
    expect([server.ledger.length, logs()]).toEqual([1, []]);
  }, 60_000);

  test('is named by doctor, which changes nothing, and worked in by a command that looks', async () => {
    const [left] = logs() as [string];
    const before = readFileSync(join(dataDir, left));
    for (let times = 0; times < 2; times++)
      expect(await ofDoctor()).toMatchObject({ status: 'warn', value: expect.stringContaining(left) });
    expect(readFileSync(join(dataDir, left)).equals(before)).toBe(true);
    const { counts } = (await run('queue', 'list')).document;
    expect([counts, logs()]).toEqual([{}, []]);
    const { workspaces, ok } = (await run('audit')).document;
    expect([ok, workspaces[0].statuses]).toEqual([true, { sent: 1 }]);
    expect(await ofDoctor()).toMatchObject({ status: 'ok', value: 'no killed program left one' });
  }, 60_000);

  test('is left alone beside a program that runs', async () => {
    await afterStart();
    const own = logs();
    expect((await run('audit')).document.ok).toBe(true);
    expect(logs()).toEqual(own);
  }, 60_000);

  test('and that is missing: doctor says so, and sending starts paused', async () => {
    rmSync(join(dataDir, logs()[0]!));
    expect(await ofDoctor()).toMatchObject({ status: 'bad', value: expect.stringMatching(/is missing$/) });
    await afterStart();
    const { paused } = (await api('GET', '/v1/me')).body.state;
    expect(paused.reason).toMatch(/^The file journal-\S+ is missing in the data folder/);
    expect(server.ledger).toHaveLength(1);
  }, 60_000);

  test.skipIf(!inject('postgresUrl'))(
    'is moved to PostgreSQL with the database',
    async () => {
      const DATABASE_URL = await postgresDatabase(inject('postgresUrl'), basename(dataDir).toLowerCase());
      const moved = await runProgram(['move-to-postgres', '--json'], { DATA_DIR: dataDir, DATABASE_URL });
      expect(moved).toMatchObject({ code: 0 });
      expect(await afterStart({ DATABASE_URL })).toBe('sent');
      expect([server.ledger.length, logs()]).toEqual([1, []]);
    },
    60_000,
  );
});
