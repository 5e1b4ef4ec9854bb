import { once } from 'node:events';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { TestAuthority } from '../../src/demo-smtp/certificates.ts';
import { type FakeServer, startFakeServer } from '../../src/demo-smtp/server.ts';
import type { Endpoint } from '../../src/transport/endpoint.ts';
import type { Outcome } from '../../src/transport/outcome.ts';
import { type Letter, Pool } from '../../src/transport/pool.ts';
import { endpointFor, SIGN_IN, USERS } from '../../src/transport/testing.ts';
import { type Cell, faultOf, takesTime } from './cells.ts';
import { Time, turns } from './time.ts';

/** What came of one message that met a fault, and of the one after it. */
export interface Played {
  outcome: Outcome;
  /** How often the marker was asked for. */
  marked: number;
  /** Of the message, in the server's own ledger. */
  copies: number;
  /** How often the fault struck. */
  strikes: number;
  next: { outcome: Outcome; copies: number };
}

const EXTENSIONS = ['8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'SIZE 50000000'];
const authority = new TestAuthority(Date.now());

/** Lets a fault meet one message on its way through the pool, and a second message follow without a fault. */
export async function play(cell: Cell): Promise<Played> {
  const time = new Time();
  onTestFinished(() => time.end());
  const server = await startFakeServer({
    security: cell.security,
    users: USERS,
    authority,
    clock: time.clock,
    extensions: cell.pipelining ? ['PIPELINING', ...EXTENSIONS] : EXTENSIONS,
  });
  onTestFinished(() => server.stop());
  const { security } = cell;
  const endpoint = endpointFor(server, { security, ...SIGN_IN });
  const pool = new Pool({ clock: time.clock });
  await prepare(cell, server, pool, endpoint);
  server.setScript(scriptOf(cell));
  if (cell.fault === 'cap') await pool.send('first', endpoint, 1, letter('first'));

  let marked = 0;
  const beforeDot = async (): Promise<boolean> => {
    marked++;
    if (cell.stage === 'body') await struckAndHeard(server);
    return true;
  };
  const sending = pool.send(
    'server',
    endpoint,
    1,
    letter('tested', { beforeDot, isLarge: cell.stage === 'body' }),
  );
  const isWaiting = (): boolean => server.strikes > 0 && (cell.stage !== 'body' || marked > 0);
  const { outcome } = await (takesTime(cell) ? time.passUntil(sending, isWaiting) : sending);

  if (cell.stage === 'quit') await time.passUntil(pool.forget('server'));
  const { strikes } = server;
  server.setScript([]);
  const next = await pool.send('server', endpoint, 1, letter('next'));
  await pool.close(0);
  await server.until(() => server.connections === 0);
  return {
    outcome,
    marked,
    copies: copies(server, 'tested'),
    strikes,
    next: { outcome: next.outcome, copies: copies(server, 'next') },
  };
}

/** RSET is said only on a kept session whose last message was refused. */
async function prepare(cell: Cell, server: FakeServer, pool: Pool, endpoint: Endpoint): Promise<void> {
  if (!cell.isKept) return;
  if (cell.stage === 'rset') server.setScript([{ stage: 'rcpt', fault: '5xx' }]);
  await pool.send('server', endpoint, 1, letter('before'));
}

function scriptOf(cell: Cell) {
  return [{ stage: cell.stage, fault: faultOf(cell) }];
}

function letter(id: string, given: { beforeDot?: Letter['beforeDot']; isLarge?: boolean } = {}): Letter {
  const { beforeDot = async () => true, isLarge = false } = given;
  const text = isLarge ? `${'x'.repeat(70)}\r\n`.repeat(5_000) : 'Hello Ann.\r\n';
  return {
    envelope: { from: 'shop@example.com', to: 'ann@example.org', needsSmtpUtf8: false },
    content: Buffer.from(`Subject: Hello\r\nX-Mailwright-ID: ${id}\r\n\r\n${text}`),
    beforeDot,
    serverName: 'Test server',
  };
}

function copies(server: FakeServer, id: string): number {
  return server.ledger.filter(({ xId }) => xId === id).length;
}

/** The fault has struck, and what came of it is at our end: a later connection has got its answer. */
async function struckAndHeard(server: FakeServer): Promise<void> {
  await server.until(() => server.strikes > 0);
  const other = connect(server.port, server.host).on('error', () => {});
  await once(other, 'data');
  other.destroy();
  await turns(5);
}
