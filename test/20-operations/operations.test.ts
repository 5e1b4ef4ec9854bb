import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Script } from '../../src/demo-smtp/script.ts';
import { type FakeServer, startFakeServer } from '../../src/demo-smtp/server.ts';
import { ENGINES, postgresUrlFor } from '../../src/storage/testing.ts';
import { serverInput } from '../../src/testing/servers.ts';
import { copiesOf } from '../support/ledger.ts';
import { callApi, type Program, runProgram, SETUP, startProgram } from '../support/program.ts';

// The commands of an operator, each a process of its own beside the running program.

/** A program that was told to stop takes no more calls. */
const answers = (url: string) =>
  fetch(`${url}/healthz`).then(
    () => true,
    () => false,
  );

describe.each(ENGINES)('on $engine', ({ engine }) => {
  let dataDir: string;
  let env: Record<string, string>;
  let server: FakeServer;
  let apiKey: string;
  let program: Program;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'mailwright-ops-'));
    env = engine === 'postgres' ? { DATABASE_URL: await postgresUrlFor(dataDir) } : {};
    server = await startFakeServer({ security: 'none', keepContent: false });
    const made = await run(...SETUP);
    apiKey = made.document.apiKey;
    program = await startProgram(dataDir, env);
    expect((await api('POST', '/v1/servers', serverInput(server, { maxConnections: 3 }))).status).toBe(201);
  });

  afterEach(async () => {
    await program.end('SIGKILL');
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const api = (method: string, path: string, body?: unknown) =>
    callApi(program.url, apiKey, method, path, body);

  /** One command, with its one document. */
  async function run(...args: string[]) {
    const ended = await runProgram([...args, '--json'], { DATA_DIR: dataDir, LOG_LEVEL: 'silent', ...env });
    return { ...ended, document: ended.stdout === '' ? undefined : JSON.parse(ended.stdout) };
  }

  async function send(count: number, changed: object = {}): Promise<string[]> {
    const messages = Array.from({ length: count }, (_, at) => ({
      rcpt: `r${at}@example.com`,
      subject: 's',
      text: 't',
      ...changed,
    }));
    const { status, body } = await api('POST', '/v1/messages/batch', { messages });
    expect(status).toBe(202);
    return body.results.map((one: { id: string }) => one.id);
  }

  async function until(id: string, ...statuses: string[]): Promise<string> {
    for (;;) {
      const { status } = (await api('GET', `/v1/messages/${id}`)).body;
      if (statuses.includes(status)) return status;
    }
  }

  const script = (given: Script) => server.setScript(given);

  test('the books balance beside a running program, also after a kill under load', async () => {
    const ids = await send(60);
    await server.waitFor(20);
    await program.end('SIGKILL');
    program = await startProgram(dataDir, env);
    const during = await run('audit');
    expect([during.code, during.document.found, during.document.ok]).toEqual([0, [], true]);
    // On PostgreSQL what the dead one held is due when its lease ends, after a minute.
    if (engine === 'sqlite') for (const id of ids) await until(id, 'sent', 'uncertain');
    const after = await run('audit');
    expect([after.code, after.document.ok]).toEqual([0, true]);
    expect(after.document.workspaces).toMatchObject([{ accepted: 60, balanced: true }]);
  }, 120_000);

  test('doctor finds a running installation well, and an abandoned one not', async () => {
    const well = await run('doctor');
    expect(well.document.findings.filter((one: { status: string }) => one.status === 'bad')).toEqual([]);
    expect([well.code, well.document.ok]).toEqual([0, true]);
    rmSync(join(dataDir, 'master.key'));
    const ill = await run('doctor');
    expect([ill.code, ill.document.ok]).toEqual([69, false]);
    expect(ill.document.findings).toContainEqual(
      expect.objectContaining({ check: 'master key', status: 'bad' }),
    );
  }, 60_000);

  test('hold, list, cancel and release steer the queue from outside, through a restart', async () => {
    expect((await run('queue', 'hold')).document.paused.code).toBe('held');
    const [first, second] = await send(2);
    await program.end('SIGTERM');
    program = await startProgram(dataDir, env);
    const listed = await run('queue', 'list');
    expect(listed.document.messages.map((one: { id: string }) => one.id)).toEqual([first, second]);
    expect(listed.document.counts).toEqual({ queued: 2 });
    expect((await api('GET', '/v1/me')).body.state.paused.code).toBe('held');

    const cancelled = await run('queue', 'cancel', second!, 'msg_unknown');
    expect([cancelled.code, cancelled.document.cancelled]).toEqual([65, 1]);
    expect(cancelled.document.refused).toMatchObject([{ id: 'msg_unknown', code: 'not_queued' }]);
    expect((await run('queue', 'release')).document.released).toBe(true);
    await until(first!, 'sent');
    expect((await api('GET', `/v1/messages/${second}`)).body.status).toBe('cancelled');
    expect([...copiesOf(server).keys()]).toEqual([first]);
    expect((await run('audit')).document.ok).toBe(true);
  }, 60_000);

  test('retry asks a resting server again now, and a deferred message with it', async () => {
    script([{ stage: 'mail', fault: { reply: '451 4.3.2 Busy' }, count: 1 }]);
    const [id] = await send(1);
    await until(id!, 'deferred');
    const retried = await run('queue', 'retry');
    expect(retried.document.servers).toHaveLength(1);
    await until(id!, 'sent');
  }, 60_000);

  test('the first signal waits for the answer to a dot, a second one ends at once: the message is uncertain, never sent again', async () => {
    // The server has the message, and never ends its answer.
    script([{ stage: 'dot', fault: { reply: '250-More follows' } }]);
    const [id] = await send(1);
    await server.waitFor(1);
    const ended = program.end('SIGTERM');
    while (await answers(program.url));
    process.kill(program.pid, 'SIGTERM');
    expect(await ended).toBe(130);
    script([]);
    program = await startProgram(dataDir, env);
    if (engine === 'sqlite') expect(await until(id!, 'uncertain')).toBe('uncertain');
    expect(copiesOf(server).get(id!)).toBe(1);
  }, 60_000);
});

test('a restored backup starts paused, names what went out since, and learns from a log what not to send again', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'mailwright-restored-'));
  const server = await startFakeServer({ security: 'none', keepContent: false });
  const run = async (...args: string[]) => {
    const ended = await runProgram([...args, '--json'], { DATA_DIR: dataDir, LOG_LEVEL: 'silent' });
    return {
      code: ended.code,
      document: ended.stdout === '' ? undefined : JSON.parse(ended.stdout),
      stderr: ended.stderr,
    };
  };
  const database = join(dataDir, 'mailwright.db');
  const { apiKey } = (await run(...SETUP)).document;
  let program = await startProgram(dataDir);
  try {
    const api = (method: string, path: string, body?: unknown) =>
      callApi(program.url, apiKey, method, path, body);
    expect((await api('POST', '/v1/servers', serverInput(server))).status).toBe(201);
    // Two messages wait when the backup is made, and go out after it.
    await run('queue', 'hold');
    const messages = [1, 2].map((at) => ({ rcpt: `r${at}@example.com`, subject: 's', text: 't' }));
    const { body } = await api('POST', '/v1/messages/batch', { messages });
    const [first, second]: string[] = body.results.map((one: { id: string }) => one.id);
    await program.end('SIGTERM');
    copyFileSync(database, join(dataDir, 'backup.db'));
    program = await startProgram(dataDir);
    await run('queue', 'release');
    await server.waitFor(2);
    await program.end('SIGTERM');
    expect(copiesOf(server).size).toBe(2);

    copyFileSync(join(dataDir, 'backup.db'), database);
    program = await startProgram(dataDir);
    const { paused } = (await api('GET', '/v1/me')).body.state;
    expect(paused).toMatchObject({
      code: 'restored',
      reason: expect.stringContaining('a backup was restored'),
    });
    expect(
      (await api('POST', '/v1/messages', { rcpt: 'new@example.com', subject: 's', text: 't' })).status,
    ).toBe(202);
    const gone = await run('queue', 'list', '--gone');
    expect(gone.document.messages.map((one: { id: string }) => one.id)).toEqual([first, second]);

    // What the receiving side knows of the first one; of the second nobody says anything.
    const log = join(dataDir, 'export.jsonl');
    writeFileSync(log, `${JSON.stringify({ 'X-Mailwright-ID': first, 'Queue ID': 'Q1' })}\n`);
    const compared = await run('audit', '--against', log, '--resolve');
    expect(compared.document).toMatchObject({
      ok: true,
      found: [{ rule: 'arrived', id: first }],
      against: { resolved: 1 },
    });
    expect((await run('queue', 'release', '--uncertain')).document).toEqual({ released: true, uncertain: 1 });
    await server.waitFor(3);
    expect([first, second].map((id) => copiesOf(server).get(id!))).toEqual([1, 1]);
    expect((await api('GET', `/v1/messages/${first}`)).body).toMatchObject({
      status: 'sent',
      code: 'found_in_log',
    });
    expect((await api('GET', `/v1/messages/${second}`)).body).toMatchObject({
      status: 'uncertain',
      code: 'restored',
    });
    expect((await run('audit')).document.ok).toBe(true);
  } finally {
    await program.end('SIGKILL');
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}, 120_000);
