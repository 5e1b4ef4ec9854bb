import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FakeServer, startFakeServer } from '../../src/demo-smtp/server.ts';
import { ENGINES, postgresUrlFor } from '../../src/storage/testing.ts';
import { copiesOf, seededRandom } from '../support/ledger.ts';
import { callApi, type Program, runProgram, startProgram } from '../support/program.ts';
import { serverInput } from '../support/server-input.ts';

// The judge is the ledger of the receiving server, written before each reply; the program's own tables are compared
// with it and never trusted.

const CONNECTIONS = 5;
const KILLS = 20;
const PER_ROUND = 40;

describe.each(ENGINES)('on $engine, after a kill', ({ engine }) => {
  let dataDir: string;
  let env: Record<string, string>;
  let server: FakeServer;
  let apiKey: string;
  let program: Program;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'mailwright-kill-'));
    env = engine === 'postgres' ? { DATABASE_URL: await postgresUrlFor(dataDir) } : {};
    server = await startFakeServer({ security: 'none', keepContent: false });
    const setup = await runProgram(
      ['setup', '--email', 'owner@example.com', '--workspace', 'Example', '--password-stdin', '--json'],
      { DATA_DIR: dataDir, ...env },
      'a long enough password',
    );
    apiKey = JSON.parse(setup.stdout).apiKey;
    program = await startProgram(dataDir, env);
    expect(
      (await api('POST', '/v1/servers', serverInput(server, { maxConnections: CONNECTIONS }))).status,
    ).toBe(201);
  });

  afterEach(async () => {
    await program.end('SIGKILL');
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const api = (method: string, path: string, body?: unknown) =>
    callApi(program.url, apiKey, method, path, body);

  /** @returns the ids that were answered with 202: from then on the promise holds */
  async function sendBatch(round: number): Promise<string[]> {
    const messages = Array.from({ length: PER_ROUND }, (_, at) => ({
      rcpt: `r${round}n${at}@example.com`,
      subject: 'x',
      text: 'y',
    }));
    const { status, body } = await api('POST', '/v1/messages/batch', { messages });
    expect(status).toBe(202);
    return body.results.map((one: { id: string }) => one.id);
  }

  /** Waits by asking until every message has ended or waits for a person. */
  async function states(ids: readonly string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const id of ids) {
      let status = 'queued';
      while (['queued', 'sending', 'deferred'].includes(status))
        status = (await api('GET', `/v1/messages/${id}`)).body.status;
      found.set(id, status);
    }
    return found;
  }

  test(`SIGKILL at ${KILLS} moments under load: nothing lost, nothing sent twice`, async () => {
    const seed = Date.now() % 1_000_000;
    const random = seededRandom(seed);
    const ids: string[] = [];
    for (let round = 0; round < KILLS; round++) {
      ids.push(...(await sendBatch(round)));
      // A random number of messages further, at whatever stage the five sessions then are.
      const target = server.ledger.length + 1 + Math.floor(random() * (PER_ROUND - 10));
      await server.waitFor(target);
      await program.end('SIGKILL');
      program = await startProgram(dataDir, env);
    }
    const ended = await states(ids);
    const arrived = copiesOf(server);
    const doubled = [...arrived].filter(([, count]) => count > 1);
    const uncertain = ids.filter((id) => ended.get(id) === 'uncertain');
    const lost = ids.filter((id) => !arrived.has(id) && ended.get(id) !== 'uncertain');
    console.log(
      `seed ${seed}: ${ids.length} messages, ${KILLS} kills, lost ${lost.length}, doubled ${doubled.length}, uncertain ${uncertain.length} (${uncertain.filter((id) => arrived.has(id)).length} of them arrived)`,
    );
    expect(doubled, `seed ${seed}`).toEqual([]);
    expect(lost, `seed ${seed}`).toEqual([]);
    expect(uncertain.length).toBeLessThanOrEqual(KILLS * CONNECTIONS);
    expect(ids.every((id) => ['sent', 'uncertain'].includes(ended.get(id)!))).toBe(true);
    expect([...arrived.keys()].every((id) => ids.includes(id))).toBe(true);
  }, 180_000);

  test('SIGTERM under load: what is under way is finished, nothing is uncertain', async () => {
    const ids: string[] = [];
    for (let round = 0; round < 3; round++) {
      ids.push(...(await sendBatch(round)));
      await server.waitFor(server.ledger.length + 5);
      expect(await program.end('SIGTERM')).toBe(0);
      program = await startProgram(dataDir, env);
    }
    const ended = await states(ids);
    expect([...ended.values()].filter((state) => state !== 'sent')).toEqual([]);
    expect([...copiesOf(server).values()].filter((count) => count !== 1)).toEqual([]);
    expect(copiesOf(server).size).toBe(ids.length);
  }, 120_000);
});
