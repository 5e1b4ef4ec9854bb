import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestAuthority } from '../../src/demo-smtp/certificates.ts';
import type { OutcomeClass } from '../../src/transport/outcome.ts';
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
import { Mailing } from './mailing.ts';

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

const mailing = new Mailing();
const { time } = mailing;
const authority = new TestAuthority(time.clock.now());
beforeAll(() => mailing.start());
afterAll(() => mailing.end());

async function expectCell(cell: Cell, number: number): Promise<void> {
  const { id, smtp: server } = await mailing.connect({ security: 'starttls', authority });
  server.setScript([{ stage: cell.stage, fault: faultOf(cell) }]);
  const first = await mailing.send(`first${number}@example.org`);
  const tried = mailing.program.untilTrue(async () => (await mailing.record(first)).attempts.length > 0);
  await (takesTime(cell) ? time.passUntil(tried, () => server.strikes > 0) : tried);
  server.setScript([]);
  const second = await mailing.send(`second${number}@example.org`);
  mailing.rest();
  const { class: outcome } = expectedOf(cell);
  await mailing.passUntil([first], AT_LAST[outcome]);
  await mailing.passUntil([second], 'sent');

  const ended = await mailing.record(first);
  const copies = server.ledger.filter(({ xId }) => xId === first);
  const isLie = cell.stage === 'dot' && cell.fault === 'accept-without-ledger';
  expect(ended.attempts[0].outcome).toBe(outcome);
  if (ended.status === 'uncertain') expect(copies.length).toBeLessThanOrEqual(1);
  else expect(copies).toHaveLength(ended.status === 'sent' && !isLie ? 1 : 0);
  if (ended.status === 'sent' && !isLie) expect(ended.attempts.at(-1).reply).toBe(copies[0]?.reply);
  expect(server.ledger.filter(({ xId }) => xId === second)).toHaveLength(1);
  await mailing.program.call('DELETE', `/v1/servers/${id}`);
}

describe('through the whole program', () => {
  test.each(cells.map((cell, at) => [nameOf(cell), cell, at] as const))('%s', (_, cell, at) =>
    expectCell(cell, at),
  );
});
