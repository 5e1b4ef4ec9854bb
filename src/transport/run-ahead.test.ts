import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import type { Script } from '../demo-smtp/script.ts';
import type { FakeServer } from '../demo-smtp/server.ts';
import { Pool } from './pool.ts';
import { endpointFor, fakeServer, yes } from './testing.ts';

// An envelope may leave together with the terminator before it. Whatever the server then says, each message is sent
// once, and no outcome is taken for another's.

const COUNT = 12;
/** The first whose envelope may leave ahead: three before it were in good order, and one announces it. */
const AHEAD = 5;

async function serverWith(script: Script, changed: object = {}): Promise<FakeServer> {
  return fakeServer({ security: 'none', script, ...changed });
}

/** Sends `COUNT` messages over one connection at a time, all asked for at once. */
async function sendAll(server: FakeServer, beforeDot: (at: number) => Promise<boolean> = yes) {
  const pool = new Pool({ clock: systemClock });
  onTestFinished(() => pool.close(0));
  const order: string[] = [];
  const sent = await Promise.all(
    Array.from({ length: COUNT }, async (_, at) => {
      const { outcome, connection } = await pool.send('one', endpointFor(server), 1, {
        envelope: { from: 'shop@example.com', to: `u${at}@example.org`, needsSmtpUtf8: false },
        content: Buffer.from(`X-Mailwright-ID: m${at}\r\n\r\nHello\r\n`),
        beforeDot: () => {
          order.push(`mark ${at}`);
          return beforeDot(at);
        },
        serverName: 'Test server',
      });
      order.push(`outcome ${at}`);
      return { at, code: outcome.code, class: outcome.class, stage: outcome.stage, connection };
    }),
  );
  const arrived = Map.groupBy(server.ledger, (entry) => entry.xId);
  return { sent, order, copies: (at: number) => arrived.get(`m${at}`)?.length ?? 0 };
}

const others = (...but: number[]) =>
  Array.from({ length: COUNT }, (_, at) => at).filter((at) => !but.includes(at));

describe('an envelope that leaves ahead', () => {
  test('is in the same write as the terminator before it, once the server has earned it', async () => {
    const server = await serverWith([]);
    const { sent } = await sendAll(server);
    expect(sent.every((one) => one.class === 'accepted' && one.connection === 1)).toBe(true);
    const ahead = server.ledger.map((entry) => entry.followed);
    expect(ahead.slice(0, AHEAD - 2)).toEqual([false, false, false]);
    expect(ahead.slice(AHEAD - 2, -1).every(Boolean)).toBe(true);
    expect(ahead.at(-1)).toBe(false);
  });

  test('never leaves ahead where the server does not offer PIPELINING', async () => {
    const server = await serverWith([], { extensions: ['8BITMIME'] });
    await sendAll(server);
    expect(server.ledger.map((entry) => entry.followed)).toEqual(Array(COUNT).fill(false));
  });

  test('outcomes are told before the marker of the next message is asked for', async () => {
    const { order } = await sendAll(await serverWith([]));
    for (let at = 1; at < COUNT; at++)
      expect(order.indexOf(`outcome ${at - 1}`)).toBeLessThan(order.indexOf(`mark ${at}`));
  });

  test('goes on when the message before it is refused at its end', async () => {
    const server = await serverWith([
      { stage: 'dot', fault: { reply: '554 5.7.1 Spam' }, match: { nth: AHEAD } },
    ]);
    const { sent, copies } = await sendAll(server);
    expect(sent[AHEAD - 1]).toMatchObject({ class: 'message_permanent', stage: 'dot' });
    for (const at of others(AHEAD - 1))
      expect([at, sent[at]!.class, copies(at)]).toEqual([at, 'accepted', 1]);
    expect(server.totalConnections).toBe(1);
  });

  test('moves to a new connection when the server closes after the message before it', async () => {
    const server = await serverWith([
      { stage: 'dot', fault: '421close', match: { connection: 1, nth: AHEAD } },
    ]);
    const { sent, copies } = await sendAll(server);
    expect(sent[AHEAD - 1]).toMatchObject({ class: 'server_deferral', code: 'server_closing' });
    for (const at of others(AHEAD - 1))
      expect([at, sent[at]!.class, copies(at)]).toEqual([at, 'accepted', 1]);
    expect(sent[AHEAD]!.connection).toBe(2);
  });

  test('is not uncertain with the message before it, and the server loses the privilege', async () => {
    const server = await serverWith([
      { stage: 'dot', fault: 'lose-after-accept', match: { connection: 1, nth: AHEAD } },
    ]);
    const { sent, copies } = await sendAll(server);
    expect(sent[AHEAD - 1]!.class).toBe('uncertain');
    expect(copies(AHEAD - 1)).toBe(1);
    for (const at of others(AHEAD - 1))
      expect([at, sent[at]!.class, copies(at)]).toEqual([at, 'accepted', 1]);
    const after = server.ledger.filter((entry) => entry.connection > 1);
    expect(after.map((entry) => entry.followed)).toEqual(Array(after.length).fill(false));
  });

  test('that is refused leaves the session to the next', async () => {
    const rcpt = `u${AHEAD}@example.org`;
    const server = await serverWith([
      { stage: 'rcpt', fault: { reply: '550 5.1.1 No such user' }, match: { rcpt } },
    ]);
    const { sent, copies } = await sendAll(server);
    expect(sent[AHEAD]).toMatchObject({ class: 'recipient_permanent', stage: 'rcpt' });
    for (const at of others(AHEAD)) expect([at, sent[at]!.class, copies(at)]).toEqual([at, 'accepted', 1]);
  });

  test('is not sent where a stray reply stands before its own, and the server loses the privilege', async () => {
    const server = await serverWith([
      { stage: 'dot', fault: 'double-reply', match: { connection: 1, nth: AHEAD } },
    ]);
    const { sent, copies } = await sendAll(server);
    expect(copies(AHEAD)).toBeLessThanOrEqual(1);
    for (const at of others(AHEAD)) expect([at, sent[at]!.class, copies(at)]).toEqual([at, 'accepted', 1]);
    expect(sent[AHEAD]!.class === 'accepted').toBe(copies(AHEAD) === 1);
    const after = server.ledger.filter((entry) => entry.connection > 1);
    expect(after.map((entry) => entry.followed)).toEqual(Array(after.length).fill(false));
  });

  test('is given up when its marker cannot be stored: the line is closed, nothing was sent', async () => {
    const server = await serverWith([]);
    const { sent, copies } = await sendAll(server, async (at) => at !== AHEAD);
    expect(sent[AHEAD]!.code).toBe('lease_lost');
    expect(copies(AHEAD)).toBe(0);
    for (const at of others(AHEAD)) expect([at, sent[at]!.class, copies(at)]).toEqual([at, 'accepted', 1]);
  });
});
