import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestAuthority } from '../../src/demo-smtp/certificates.ts';
import { type FakeServer, startFakeServer } from '../../src/demo-smtp/server.ts';
import { type TestApp, testApp } from '../../src/testing/test-app.ts';
import type { OutcomeClass } from '../../src/transport/outcome.ts';
import { serverInput } from '../support/server-input.ts';
import {
  type Cell,
  expectedOf,
  faultOf,
  GRID,
  type GridFault,
  meaningless,
  nameOf,
  takesTime,
} from './cells.ts';
import { Time } from './time.ts';

// Cells of the grid through the whole program: the record says what the server's ledger says, nothing goes out twice,
// and when the fault is over, what was to be tried again and the next message go out once.

const FAULTS = new Set<GridFault>([
  'refuse',
  'hang',
  'rst',
  'fin',
  '421close',
  '4xx',
  '5xx',
  'slow',
  'wrongcode',
  'garbage',
  'lose-after-accept',
  'accept-without-ledger',
]);
/** They need a message before, a large one, or the end of a session. */
const LEFT_TO_THE_GRID = new Set(['rset', 'body', 'quit']);

const cells = GRID.filter(
  (cell) => FAULTS.has(cell.fault) && !LEFT_TO_THE_GRID.has(cell.stage) && meaningless(cell) === undefined,
);

/** What a message has become when all time that was to pass has passed, and the server does well again. */
const AT_LAST: Record<OutcomeClass, string> = {
  accepted: 'sent',
  recipient_permanent: 'bounced',
  recipient_temporary: 'sent',
  message_permanent: 'failed',
  server_deferral: 'sent',
  server_attention: 'sent',
  network: 'sent',
  uncertain: 'uncertain',
  local: 'sent',
};
const LONGEST_REST_MS = 61 * 60_000;

const time = new Time();
const authority = new TestAuthority(time.clock.now());
let program: TestApp;
beforeAll(async () => {
  program = await testApp({ clock: time.clock });
});
afterAll(async () => {
  await program.stop();
  time.end();
});

async function connect(server: FakeServer): Promise<string> {
  const { status, body } = await program.call(
    'POST',
    '/v1/servers',
    serverInput(server, { security: 'starttls', username: 'demo', password: 'demo', tlsCa: server.caPem }),
  );
  expect(status).toBe(201);
  return body.id;
}

async function send(rcpt: string): Promise<string> {
  const { status, body } = await program.call('POST', '/v1/messages', {
    rcpt,
    subject: 'Hello',
    text: 'Hello',
  });
  expect(status).toBe(202);
  return body.id;
}

const record = async (id: string) => (await program.call('GET', `/v1/messages/${id}`)).body;

async function expectCell(cell: Cell, number: number): Promise<void> {
  const server = await startFakeServer({
    security: 'starttls',
    users: { demo: 'demo' },
    authority,
    clock: time.clock,
  });
  const serverId = await connect(server);
  server.setScript([{ stage: cell.stage, fault: faultOf(cell) }]);

  const first = await send(`first${number}@example.org`);
  const tried = program.untilTrue(async () => (await record(first)).attempts.length > 0);
  await (takesTime(cell) ? time.passUntil(tried, () => server.strikes > 0) : tried);
  server.setScript([]);
  const second = await send(`second${number}@example.org`);
  time.clock.advance(LONGEST_REST_MS);
  program.app.nudge();
  const { class: outcome } = expectedOf(cell);
  await time.passUntil(
    program.untilTrue(async () => {
      const [one, two] = [await record(first), await record(second)];
      return one.status === AT_LAST[outcome] && two.status === 'sent';
    }),
  );

  const ended = await record(first);
  const copies = server.ledger.filter(({ xId }) => xId === first).length;
  const isLie = cell.stage === 'dot' && cell.fault === 'accept-without-ledger';
  expect(ended.attempts[0].outcome).toBe(outcome);
  if (ended.status === 'uncertain') expect(copies).toBeLessThanOrEqual(1);
  else expect(copies).toBe(ended.status === 'sent' && !isLie ? 1 : 0);
  if (copies > 0 && ended.status === 'sent')
    expect(ended.attempts.at(-1).reply).toBe(server.ledger.find(({ xId }) => xId === first)?.reply);
  expect(server.ledger.filter(({ xId }) => xId === second)).toHaveLength(1);

  await program.call('DELETE', `/v1/servers/${serverId}`);
  await server.stop();
}

describe('through the whole program', () => {
  test.each(cells.map((cell, at) => [nameOf(cell), cell, at] as const))('%s', (_, cell, at) =>
    expectCell(cell, at),
  );
});
