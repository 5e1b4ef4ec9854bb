import { describe, expect, test, vi } from 'vitest';
import type { Fault, FaultStage } from '../demo-smtp/script.ts';
import { CONTENT, ENVELOPE, endpointFor, fakeServer, openSession, yes } from './testing.ts';

describe('before the terminator', () => {
  const LINE = `${'x'.repeat(70)}\r\n`;
  const LARGE = Buffer.from(LINE.repeat(5_000));
  /** More than waits for the marker. */
  const LONG = Buffer.from(LINE.repeat(200));

  test.each([
    ['small', CONTENT],
    ['long', LONG],
    ['large', LARGE],
  ])('a %s message without permission is dropped: lease_lost', async (_, content) => {
    const server = await fakeServer({ security: 'none' });
    const session = await openSession(endpointFor(server));
    const outcome = await session.send(ENVELOPE, content, async () => false);
    expect(outcome).toMatchObject({ class: 'local', code: 'lease_lost', blame: 'us', suppress: false });
    await server.until(() => server.connections === 0);
    expect(server.ledger).toHaveLength(0);
    expect(session.usable).toBe(false);
  });

  test('a marker that cannot be stored drops the message: local_storage', async () => {
    const server = await fakeServer({ security: 'none' });
    const session = await openSession(endpointFor(server));
    const outcome = await session.send(ENVELOPE, CONTENT, () => Promise.reject(new Error('disk full')));
    expect(outcome).toMatchObject({ class: 'local', code: 'local_storage', blame: 'us' });
    await server.until(() => server.connections === 0);
    expect(server.ledger).toHaveLength(0);
  });

  test('the marker is asked for once, and only once DATA was answered', async () => {
    const server = await fakeServer({ security: 'none' });
    const session = await openSession(endpointFor(server));
    const beforeDot = vi.fn(async () => {
      expect(server.commands.get(1)?.at(-1)).toBe('DATA');
      expect(server.ledger).toHaveLength(0);
      return true;
    });
    await session.send(ENVELOPE, CONTENT, beforeDot);
    expect(beforeDot).toHaveBeenCalledTimes(1);
    expect(server.ledger).toHaveLength(1);
  });

  test('a line that broke while the marker was stored is known to be unsent', async () => {
    const server = await fakeServer({ security: 'none' });
    const session = await openSession(endpointFor(server));
    const outcome = await session.send(ENVELOPE, CONTENT, async () => {
      server.dropConnections();
      await server.until(() => server.connections === 0);
      return true;
    });
    expect(outcome).toMatchObject({ class: 'network', code: 'connection_lost', stage: 'body' });
    expect(server.ledger).toHaveLength(0);
  });

  test.each([
    ['early-reply', 'protocol', LONG],
    ['early-reply', 'protocol', LARGE],
    [{ reply: '552 5.3.4 Too much' }, 'too_large', LONG],
    [{ reply: '552 5.3.4 Too much' }, 'too_large', LARGE],
  ] as const)(
    'an answer that comes too early stops the message, and a refusal among those is believed',
    async (fault, code, content) => {
      const server = await fakeServer({ security: 'none', script: [{ stage: 'body', fault }] });
      const session = await openSession(endpointFor(server));
      const outcome = await session.send(ENVELOPE, content, async () => {
        // The content is out. A whole session beside it leaves the server time to answer.
        (await openSession(endpointFor(server))).destroy();
        return true;
      });
      expect(outcome).toMatchObject({ code, stage: 'body' });
      expect(server.ledger).toHaveLength(0);
    },
  );

  test('a server that interrupts a very large message is heard, and no marker is asked for', async () => {
    const server = await fakeServer({ security: 'none', script: [{ stage: 'body', fault: '421close' }] });
    const session = await openSession(endpointFor(server));
    const beforeDot = vi.fn(yes);
    const content = Buffer.alloc(30_000_000, LARGE);
    expect(await session.send(ENVELOPE, content, beforeDot)).toMatchObject({
      class: expect.stringMatching(/^(server_deferral|network)$/),
      stage: 'body',
    });
    expect(beforeDot).not.toHaveBeenCalled();
  });

  test.each([
    ['mail', 'fin'],
    ['mail', 'rst'],
    ['mail', 'hang'],
    ['mail', 'garbage'],
    ['mail', 'wrongcode'],
    ['mail', 'long-line'],
    ['mail', 'endless-multiline'],
    ['mail', 'double-reply'],
    ['rcpt', 'fin'],
    ['rcpt', 'hang'],
    ['rcpt', 'wrongcode'],
    ['data', 'fin'],
    ['data', 'rst'],
    ['data', 'hang'],
    ['data', 'wrongcode'],
    ['data', 'garbage'],
    ['data', 'double-reply'],
  ] as [FaultStage, Fault][])(
    '%s: %s is a failure that may be tried again, with nothing in the ledger',
    async (stage, fault) => {
      const server = await fakeServer({ security: 'none', script: [{ stage, fault }] });
      const session = await openSession(endpointFor(server), { timeouts: { command: 150 } });
      const outcome = await session.send(ENVELOPE, CONTENT, yes);
      expect(['network', 'server_deferral']).toContain(outcome.class);
      expect(outcome).toMatchObject({ retry: true, suppress: false });
      expect(outcome.stage).not.toBe('dot');
      expect(session.usable).toBe(false);
      await server.until(() => server.connections === 0);
      expect(server.ledger).toHaveLength(0);
    },
  );
});

describe('after the terminator', () => {
  test.each([
    ['hang', 0],
    ['fin', 0],
    ['rst', 0],
    ['wrongcode', 0],
    ['garbage', 0],
    ['long-line', 0],
    ['endless-multiline', 0],
    ['lose-after-accept', 1],
  ] as [Fault, number][])(
    '%s leaves it uncertain, whether the ledger has %i, and it is not sent again',
    async (fault, inLedger) => {
      const server = await fakeServer({ security: 'none', script: [{ stage: 'dot', fault }] });
      const session = await openSession(endpointFor(server), { timeouts: { afterDot: 150 } });
      const outcome = await session.send(ENVELOPE, CONTENT, yes);
      expect(outcome).toMatchObject({
        class: 'uncertain',
        code: 'uncertain',
        stage: 'dot',
        retry: false,
        failover: false,
      });
      expect(server.ledger).toHaveLength(inLedger);
      expect(session.usable).toBe(false);
    },
  );

  test.each([
    ['421close', 'server_closing', false],
    [{ reply: '451 4.3.0 Queue file write error' }, 'server_temporary', true],
    [{ reply: '554 5.7.1 Spam' }, 'policy_rejected', true],
    [{ reply: '250-2.0.0 Ok\r\n250 2.0.0 queued as 77' }, 'accepted', true],
    ['double-reply', 'accepted', false],
    ['accept-without-ledger', 'accepted', true],
    ['nul', 'accepted', true],
  ] as [Fault, string, boolean][])('%j is an answer: %s', async (fault, code, usable) => {
    const server = await fakeServer({ security: 'none', script: [{ stage: 'dot', fault }] });
    const session = await openSession(endpointFor(server));
    expect(await session.send(ENVELOPE, CONTENT, yes)).toMatchObject({ code, stage: 'dot' });
    expect(session.usable).toBe(usable);
  });

  test('a late answer is waited for, far longer than that to a command', async () => {
    const gate = Promise.withResolvers<void>();
    const server = await fakeServer({
      security: 'none',
      script: [
        { stage: 'dot', fault: { delay: gate.promise }, match: { connection: 1 } },
        { stage: 'mail', fault: 'hang', match: { connection: 2 } },
      ],
    });
    const timeouts = { command: 100 };
    const patient = await openSession(endpointFor(server), { timeouts });
    const other = await openSession(endpointFor(server), { timeouts });
    let answered = false;
    const sending = patient.send(ENVELOPE, CONTENT, yes).finally(() => {
      answered = true;
    });
    expect(await other.send(ENVELOPE, CONTENT, yes)).toMatchObject({ code: 'connection_lost' }); // the time of a command is over
    expect(answered).toBe(false);
    gate.resolve();
    expect(await sending).toMatchObject({ class: 'accepted' });
  });
});
