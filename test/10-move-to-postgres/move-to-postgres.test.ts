import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { startFakeServer } from '../../src/demo-smtp/server.ts';
import { insertRows } from '../../src/storage/testing.ts';
import { postgresDatabase } from '../../src/testing/postgres.ts';
import { serverInput } from '../../src/testing/servers.ts';
import { OWNER, type TestApp, testApp } from '../../src/testing/test-app.ts';
import { callApi, projectRoot, runProgram, startProgram } from '../support/program.ts';

// An installation that worked on SQLite is stopped, moved by the command, and goes on working on PostgreSQL.

/** Enough that a kill comes before the end. */
const HISTORY = 10_000;

describe.skipIf(!inject('postgresUrl'))('mailwright move-to-postgres', { timeout: 120_000 }, () => {
  let dataDir: string;
  let env: Record<string, string>;
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'mailwright-move-'));
    env = { DATA_DIR: dataDir, DATABASE_URL: await newDatabase('') };
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  const newDatabase = (suffix: string) =>
    postgresDatabase(inject('postgresUrl'), `${basename(dataDir).toLowerCase()}${suffix}`);
  const move = (changed: Record<string, string> = {}) =>
    runProgram(['move-to-postgres', '--json'], { ...env, ...changed });
  const digest = () =>
    createHash('sha256')
      .update(readFileSync(join(dataDir, 'mailwright.db')))
      .digest('hex');

  /** Works for a while with everything that leaves rows, and stops. */
  async function stopped(work: (running: TestApp) => Promise<void> = async () => {}): Promise<TestApp> {
    const running = await testApp({ dataDir });
    await work(running);
    await running.stop({ keep: true });
    return running;
  }

  test('history, queue, sealed passwords and keys arrive, and the source is as it was', async () => {
    const server = await startFakeServer({
      security: 'none',
      users: { shop: 'right' },
      script: [
        { stage: 'rcpt', fault: { reply: '550 5.1.1 No such user' }, match: { rcpt: 'gone@example.com' } },
      ],
    });
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const { apiKey } = await stopped(async ({ call: ask, until }) => {
      const call: TestApp['call'] = async (...request) => {
        const answer = await ask(...request);
        expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
        return answer;
      };
      await call('POST', '/v1/session', { email: OWNER.email, password: OWNER.password });
      await call('POST', '/v1/contacts', { email: 'ada@example.com', city: 'Łódź 📬' });
      await call('POST', '/v1/servers', serverInput(server, { username: 'shop', password: 'right' }));
      await call('POST', '/v1/templates', { slug: 'hello', subject: 'Hi', html: '<p>Hi</p>' });
      const attachments = [{ filename: 'a.bin', content: Buffer.from([0, 1, 255]).toString('base64') }];
      const message = { rcpt: 'ada@example.com', templateSlug: 'hello', attachments };
      const { body } = await call('POST', '/v1/messages', message, { 'idempotency-key': 'one' });
      await until(body.id, 'sent');
      const gone = await call('POST', '/v1/messages', { ...message, rcpt: 'gone@example.com' });
      await until(gone.body.id, 'bounced');
      await call('POST', '/v1/messages', { ...message, sendAt: later });
    });
    const source = await testApp({ dataDir, start: false, known: { apiKey, workspaceId: '' } });
    const before = await everything((path) => source.call('GET', path));
    await source.stop({ keep: true });
    const file = digest();

    const first = await move();
    expect(first).toMatchObject({ code: 0 });
    const moved = JSON.parse(first.stdout);
    expect(moved).toMatchObject({
      copied: true,
      tables: {
        messages: 3,
        attempts: 2,
        attachments: 3,
        suppressions: 1,
        contacts: 1,
        servers: 1,
        templates: 1,
        sessions: 1,
      },
    });
    expect(moved.rows).toBe(Object.values<number>(moved.tables).reduce((sum, rows) => sum + rows));
    const again = await move();
    expect(JSON.parse(again.stdout)).toMatchObject({ copied: false, tables: moved.tables });
    expect(digest()).toBe(file);

    const program = await startProgram(dataDir, env);
    expect(await everything((path) => callApi(program.url, apiKey, 'GET', path))).toEqual(before);
    const message = { rcpt: 'after@example.com', templateSlug: 'hello' };
    await callApi(program.url, apiKey, 'POST', '/v1/messages', message);
    await server.waitFor(2);
    expect(server.ledger.map(({ rcpts }) => rcpts)).toEqual([['ada@example.com'], ['after@example.com']]);
    await program.end('SIGTERM');
    await server.stop();

    const used = await move();
    expect(used).toMatchObject({ code: 78, stdout: '' });
    expect(used.stderr).toMatch(
      /This installation was moved there before, and one of the two was used since\./,
    );
  });

  test.each(['copied', 'compared'])(
    'killed while it has %s half, it leaves nothing, and goes when repeated',
    async (step) => {
      await stopped(async ({ app }) => {
        for (let at = 0; at < HISTORY; at += 1_000)
          await insertRows(app.db, ...Array.from({ length: 1_000 }, () => ({ state: 'sent', final_at: 1 })));
      });
      const child = spawn(join(projectRoot, 'bin', 'mailwright'), ['move-to-postgres'], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      await killedAt(child, new RegExp(`^${step} [5-9],.*messages`, 'm'));
      const client = new pg.Client(env.DATABASE_URL);
      await client.connect();
      // Waits for the end of what the killed one left behind.
      await client.query('begin; lock table settings in exclusive mode');
      const rows = await client.query(
        'select (select count(*) from messages) + (select count(*) from settings) as n',
      );
      expect(rows.rows).toEqual([{ n: '0' }]);
      await client.end();

      const { code, stdout } = await move();
      expect({ code, ...JSON.parse(stdout) }).toMatchObject({
        code: 0,
        copied: true,
        tables: { messages: HISTORY },
      });
    },
  );

  test('what stands in its way is said in one line, and nothing is moved', async () => {
    const said = async (changed: Record<string, string> = {}) => {
      const { code, stdout, stderr } = await move(changed);
      expect({ code, stdout, lines: stderr.trim().split('\n').length }).toEqual({
        code: 78,
        stdout: '',
        lines: 1,
      });
      return stderr;
    };
    expect(await said()).toMatch(/There is no database in /);
    const running = await testApp({ dataDir });
    expect(await said()).toMatch(/Another Mailwright is running on the data folder /);
    await running.stop({ keep: true });
    expect(await said({ DATABASE_URL: '' })).toMatch(/Set DATABASE_URL to the empty PostgreSQL database/);
    expect(await said({ DATABASE_URL: 'postgres://127.0.0.1:1/x' })).toMatch(/PostgreSQL cannot be reached/);
    const taken = { DATABASE_URL: await newDatabase('_taken') };
    const other = mkdtempSync(join(tmpdir(), 'mailwright-other-'));
    await (await startProgram(other, taken)).end('SIGTERM');
    rmSync(other, { recursive: true });
    expect(await said(taken)).toMatch(/The target database holds another installation\. Nothing was changed/);
  });
});

/** What a reader of the API sees of an installation. */
async function everything(
  get: (path: string) => Promise<{ body: Record<string, unknown> }>,
): Promise<unknown[]> {
  const { data } = (await get('/v1/messages')).body as { data: { id: string }[] };
  const messages = data.map(({ id }) => `/v1/messages/${id}`);
  const lists = [
    'servers',
    'templates',
    'templates/hello/versions',
    'contacts/ada@example.com',
    'api-keys',
    'workspace',
  ];
  const answers: unknown[] = [];
  for (const path of [...lists.map((name) => `/v1/${name}`), ...messages])
    answers.push((await get(path)).body);
  return answers;
}

async function killedAt(child: ChildProcess, line: RegExp): Promise<void> {
  let said = '';
  const exited = once(child, 'exit');
  for await (const chunk of child.stderr!) {
    said += chunk;
    if (line.test(said)) break;
  }
  child.kill('SIGKILL');
  await exited;
  expect(child.signalCode, said).toBe('SIGKILL');
}
