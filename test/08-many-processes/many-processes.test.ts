import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { startFakeServer } from '../../src/demo-smtp/server.ts';
import { postgresUrlFor } from '../../src/storage/testing.ts';
import { copiesOf, seededRandom } from '../support/ledger.ts';
import { callApi, type Program, runProgram, startProgram } from '../support/program.ts';
import { serverInput } from '../support/server-input.ts';

// Two processes that answer calls and three that send, on one PostgreSQL. The judge is the receiving server's ledger.
// A longer run: MESSAGES=20000 KILLS=30 npx vitest run test/08-many-processes

const MESSAGES = Number(process.env.MESSAGES ?? 1_500);
const KILLS = Number(process.env.KILLS ?? 6);
const BATCH = 250;
const CONNECTIONS = 3;
const WORKERS = 3;

describe.skipIf(!inject('postgresUrl'))('two API processes and three workers on PostgreSQL', () => {
  let dataDir: string;
  let env: Record<string, string>;
  const running: Program[] = [];

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'mailwright-many-'));
    env = { DATABASE_URL: await postgresUrlFor(dataDir) };
  });
  afterEach(async () => {
    await Promise.all(running.map((program) => program.end('SIGKILL')));
    rmSync(dataDir, { recursive: true, force: true });
  });

  const start = async (role: 'api' | 'worker') => {
    const program = await startProgram(dataDir, { ...env, ROLE: role });
    running.push(program);
    return program;
  };

  test(`${MESSAGES} messages, ${KILLS} kills of workers: nothing lost, nothing sent twice`, async () => {
    const setup = [
      'setup',
      '--email',
      'owner@example.com',
      '--workspace',
      'Example',
      '--password-stdin',
      '--json',
    ];
    const made = await runProgram(setup, { DATA_DIR: dataDir, ...env }, 'a long enough password');
    const { apiKey } = JSON.parse(made.stdout);
    const server = await startFakeServer({ security: 'none', keepContent: false });
    const apis = [await start('api'), await start('api')];
    const api = (at: number, method: string, path: string, body?: unknown) =>
      callApi(apis[at % apis.length]!.url, apiKey, method, path, body);
    await api(0, 'POST', '/v1/servers', serverInput(server, { maxConnections: CONNECTIONS }));
    const workers = await Promise.all(Array.from({ length: WORKERS }, () => start('worker')));

    const ids: string[] = [];
    for (let batch = 0; batch * BATCH < MESSAGES; batch++) {
      const messages = Array.from({ length: BATCH }, (_, at) => ({
        rcpt: `b${batch}n${at}@example.com`,
        subject: 'x',
        text: 'y',
      }));
      const { body } = await api(batch, 'POST', '/v1/messages/batch', { messages });
      ids.push(...body.results.map((one: { id: string }) => one.id));
    }
    const seed = Date.now() % 1_000_000;
    const random = seededRandom(seed);
    for (let kill = 0; kill < KILLS; kill++) {
      const step = Math.max(1, Math.floor((ids.length * 0.8) / KILLS));
      await server.waitFor(Math.min(server.ledger.length + 1 + Math.floor(random() * step), ids.length - 50));
      const victim = Math.floor(random() * WORKERS);
      await workers[victim]!.end('SIGKILL');
      workers[victim] = await start('worker');
    }

    // A message may move from one of these words to another between two questions: all must be empty twice over.
    const unfinished = async () => {
      let found = 0;
      for (const status of ['sending', 'queued', 'deferred', 'sending', 'queued'])
        found += (await api(0, 'GET', `/v1/messages?status=${status}&limit=1`)).body.data.length;
      return found;
    };
    while ((await unfinished()) > 0);
    const ended = new Map<string, string>();
    for (let cursor = ''; ; ) {
      const { body } = await api(0, 'GET', `/v1/messages?limit=200${cursor && `&cursor=${cursor}`}`);
      for (const one of body.data) ended.set(one.id, one.status);
      if (!body.nextCursor) break;
      cursor = body.nextCursor;
    }
    const arrived = copiesOf(server);
    const uncertain = [...ended.values()].filter((status) => status === 'uncertain').length;
    const doubled = [...arrived.values()].filter((count) => count > 1).length;
    const lost = ids.filter((id) => !arrived.has(id) && ended.get(id) !== 'uncertain');
    console.log(
      `seed ${seed}: ${ids.length} messages, ${KILLS} kills, lost ${lost.length}, doubled ${doubled}, uncertain ${uncertain}`,
    );
    await server.stop();
    expect(ended.size).toBe(ids.length);
    expect(doubled, `seed ${seed}`).toBe(0);
    expect(lost, `seed ${seed}`).toEqual([]);
    expect(uncertain).toBeLessThanOrEqual(KILLS * CONNECTIONS);
    expect([...ended.values()].every((status) => status === 'sent' || status === 'uncertain')).toBe(true);
  }, 1_200_000);
});
