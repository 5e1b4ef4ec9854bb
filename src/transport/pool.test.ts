import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../clock.ts';
import type { FakeServer } from '../demo-smtp/server.ts';
import type { Endpoint } from './endpoint.ts';
import { type Letter, Pool, type PoolOptions, type Sent } from './pool.ts';
import { SmtpSession } from './smtp.ts';
import { CONTENT, ENVELOPE, endpointFor, fakeServer, faultyServer, SIGN_IN, USERS, yes } from './testing.ts';

const LETTER: Letter = { envelope: ENVELOPE, content: CONTENT, beforeDot: yes, serverName: 'Test server' };

function newPool(options: Partial<PoolOptions> = {}): Pool {
  const pool = new Pool({ clock: systemClock, ...options });
  onTestFinished(() => pool.close(0));
  return pool;
}

function sendMany(pool: Pool, count: number, endpoint: Endpoint, max = 5, letter = LETTER): Promise<Sent[]> {
  return Promise.all(Array.from({ length: count }, () => pool.send('one', endpoint, max, letter)));
}

/** A server that keeps everybody waiting after the dot until it is released. */
async function patientServer(): Promise<{ server: FakeServer; release: () => void }> {
  const gate = Promise.withResolvers<void>();
  const server = await fakeServer({
    security: 'none',
    script: [{ stage: 'dot', fault: { delay: gate.promise } }],
  });
  return { server, release: gate.resolve };
}

describe('connections', () => {
  test('are kept between messages', async () => {
    const server = await fakeServer({ security: 'none' });
    const pool = newPool();
    const sent = [];
    for (let i = 0; i < 5; i++) sent.push(await pool.send('one', endpointFor(server), 5, LETTER));
    expect(sent.map(({ outcome, connection }) => [outcome.class, connection])).toEqual(
      Array(5).fill(['accepted', 1]),
    );
    expect(server.totalConnections).toBe(1);
    expect(sent[0]!.durationMs).toBeGreaterThan(0);
  });

  test('to Exim carry ten messages each: it would let further ones lie', async () => {
    const server = await faultyServer('greet', { reply: '220 mail.example.com ESMTP Exim 4.96' });
    const sent = await sendMany(newPool(), 25, endpointFor(server), 1);
    const byConnection = Map.groupBy(sent, ({ connection }) => connection);
    expect([...byConnection.values()].map((one) => one.length)).toEqual([10, 10, 5]);
  });

  test('are as many as allowed and no more, and nobody who waits is forgotten', async () => {
    const server = await fakeServer({ security: 'none' });
    let most = 0;
    const letter = {
      ...LETTER,
      beforeDot: async () => {
        most = Math.max(most, server.connections);
        return true;
      },
    };
    const sent = await sendMany(newPool(), 40, endpointFor(server), 3, letter);
    expect(sent.every(({ outcome }) => outcome.class === 'accepted')).toBe(true);
    expect(server.ledger).toHaveLength(40);
    expect(most).toBe(3);
    expect(server.totalConnections).toBe(3);
  });

  test('work side by side', async () => {
    const { server, release } = await patientServer();
    const sending = sendMany(newPool(), 4, endpointFor(server), 4);
    await server.until(
      () => [...server.commands.values()].filter((said) => said.includes('DATA')).length === 4,
    );
    release();
    expect((await sending).map(({ connection }) => connection).sort()).toEqual([1, 2, 3, 4]);
  });

  test('that failed free their place for the next', async () => {
    const server = await fakeServer({
      security: 'none',
      script: [{ stage: 'greet', fault: '421close', count: 2 }],
    });
    const sent = await sendMany(newPool(), 3, endpointFor(server), 1);
    expect(sent.map(({ outcome }) => outcome.code)).toEqual(['server_busy', 'server_busy', 'accepted']);
    expect(sent.map(({ connection }) => connection)).toEqual([undefined, undefined, 1]);
  });

  test('that a person must mend are not tried by all who wait for one', async () => {
    const server = await faultyServer('auth', '5xx', { users: { ann: 'secret' } });
    const pool = newPool();
    const endpoint = endpointFor(server, { username: 'ann', password: 'secret' });
    const sent = await sendMany(pool, 20, endpoint, 2);
    expect(sent.map(({ outcome }) => outcome.code)).toEqual(Array(20).fill('auth_rejected'));
    expect(server.totalConnections).toBe(2);
    server.setScript([]);
    expect(await pool.send('one', endpoint, 2, LETTER)).toMatchObject({ outcome: { class: 'accepted' } });
  });

  test('are not used again after a fault', async () => {
    const server = await fakeServer({
      security: 'none',
      script: [{ stage: 'dot', fault: 'wrongcode', count: 1 }],
    });
    const pool = newPool();
    expect(await pool.send('one', endpointFor(server), 1, LETTER)).toMatchObject({
      outcome: { class: 'uncertain' },
      connection: 1,
    });
    expect(await pool.send('one', endpointFor(server), 1, LETTER)).toMatchObject({
      outcome: { class: 'accepted' },
      connection: 2,
    });
  });

  test('are given back when the caller has a bug', async () => {
    const server = await fakeServer({ security: 'none' });
    const pool = newPool();
    const bad = { ...LETTER, envelope: { ...ENVELOPE, to: 'a b' } };
    await expect(pool.send('one', endpointFor(server), 1, bad)).rejects.toThrow(TypeError);
    expect(await pool.send('one', endpointFor(server), 1, LETTER)).toMatchObject({
      outcome: { class: 'accepted' },
    });
  });

  test('that end by a bug give the letter they were promised to the next', async () => {
    const server = await fakeServer({ security: 'none' });
    const send = SmtpSession.prototype.send;
    let sent = 0;
    const bug = vi.spyOn(SmtpSession.prototype, 'send').mockImplementation(async function (
      this: SmtpSession,
      ...given
    ) {
      const outcome = await send.apply(this, given);
      if (++sent === 5) throw new Error('A bug.'); // the envelope of the sixth left with its terminator
      return outcome;
    });
    onTestFinished(() => bug.mockRestore());
    const pool = newPool();
    const endpoint = endpointFor(server);
    const ends = await Promise.allSettled(
      Array.from({ length: 8 }, (_, at) =>
        pool.send('one', endpoint, 1, { ...LETTER, envelope: { ...ENVELOPE, to: `u${at}@example.org` } }),
      ),
    );
    expect(ends.map((end) => end.status === 'fulfilled' && end.value.outcome.class)).toEqual(
      Array.from({ length: 8 }, (_, at) => at !== 4 && 'accepted'),
    );
    expect(server.ledger.map((entry) => entry.rcpts[0]).sort()).toEqual(
      Array.from({ length: 8 }, (_, at) => `u${at}@example.org`),
    );
  });

  test('without use are closed in order after a while', async () => {
    const server = await fakeServer({ security: 'none' });
    const pool = newPool({ idleMs: 20 });
    await pool.send('one', endpointFor(server), 1, LETTER);
    await server.until(() => server.connections === 0);
    expect(server.commands.get(1)?.at(-1)).toBe('QUIT');
  });
});

describe('a connection lost while idle', () => {
  test('in order is replaced in silence', async () => {
    const server = await fakeServer({ security: 'none' });
    const pool = newPool();
    await pool.send('one', endpointFor(server), 1, LETTER);
    server.dropConnections();
    expect(await pool.send('one', endpointFor(server), 1, LETTER)).toMatchObject({
      outcome: { class: 'accepted' },
      connection: 2,
    });
    expect(server.ledger).toHaveLength(2);
  });

  test.each(['rst', 'fin', '421close'] as const)(
    'with %s in answer to the next MAIL is replaced in silence',
    async (fault) => {
      const server = await fakeServer({
        security: 'none',
        script: [{ stage: 'mail', fault, match: { nth: 2 } }],
      });
      const pool = newPool();
      await pool.send('one', endpointFor(server), 1, LETTER);
      expect(await pool.send('one', endpointFor(server), 1, LETTER)).toMatchObject({
        outcome: { class: 'accepted' },
        connection: 2,
      });
      expect(server.ledger).toHaveLength(2);
    },
  );

  test.each(['5xx', 'wrongcode', 'garbage', 'double-reply'] as const)(
    'in spirit, with %s in answer to RSET, is replaced in silence',
    async (fault) => {
      const server = await fakeServer({
        security: 'none',
        extensions: [],
        script: [
          { stage: 'rcpt', fault: '5xx', count: 1 },
          { stage: 'rset', fault },
        ],
      });
      const pool = newPool();
      expect(await pool.send('one', endpointFor(server), 1, LETTER)).toMatchObject({
        outcome: { class: 'recipient_permanent' },
      });
      expect(await pool.send('one', endpointFor(server), 1, LETTER)).toMatchObject({
        outcome: { class: 'accepted' },
        connection: 2,
      });
      expect(server.ledger).toHaveLength(1);
    },
  );

  test('is replaced once: a server that always hangs up is not called for ever', async () => {
    const server = await fakeServer({ security: 'none' });
    const pool = newPool();
    await pool.send('one', endpointFor(server), 1, LETTER);
    server.setScript([{ stage: 'mail', fault: 'fin' }]);
    expect(await pool.send('one', endpointFor(server), 1, LETTER)).toMatchObject({
      outcome: { code: 'connection_lost' },
    });
    expect(server.totalConnections).toBe(2);
  });

  test('after the message was under way is not replaced: the outcome stands', async () => {
    const server = await fakeServer({
      security: 'none',
      script: [{ stage: 'dot', fault: 'lose-after-accept', match: { nth: 2 } }],
    });
    const pool = newPool();
    await pool.send('one', endpointFor(server), 1, LETTER);
    expect(await pool.send('one', endpointFor(server), 1, LETTER)).toMatchObject({
      outcome: { class: 'uncertain' },
      connection: 1,
    });
    expect(server.ledger).toHaveLength(2);
  });
});

describe('settings', () => {
  test('that changed are not served by old connections, which are closed', async () => {
    const server = await fakeServer({ security: 'none', users: { ann: 'pass-of-ann', bob: 'pass-of-bob' } });
    const pool = newPool();
    const ann = endpointFor(server, { username: 'ann', password: 'pass-of-ann' });
    await pool.send('one', ann, 5, LETTER);
    await pool.send('one', { ...ann }, 5, LETTER); // equal by value
    await pool.send('one', { ...ann, username: 'bob', password: 'pass-of-bob' }, 5, LETTER);
    expect(server.ledger.map(({ user, connection }) => [user, connection])).toEqual([
      ['ann', 1],
      ['ann', 1],
      ['bob', 2],
    ]);
    await server.until(() => server.connections === 1);
  });

  test('that allow fewer connections hold for those at work, one message later, and for those that are kept', async () => {
    const { server, release } = await patientServer();
    const pool = newPool();
    const endpoint = endpointFor(server);
    const busy = sendMany(pool, 5, endpoint, 5);
    await server.until(
      () => [...server.commands.values()].filter((said) => said.includes('DATA')).length === 5,
    );
    const later = sendMany(pool, 10, endpoint, 2);
    release();
    const first = (await busy).map(({ connection }) => connection);
    const used = new Set((await later).map(({ connection }) => connection));
    expect([used.size, first.filter((one) => used.has(one)).length]).toEqual([2, 2]);
    await server.until(() => server.connections === 2);
    await pool.send('one', endpoint, 1, LETTER);
    await server.until(() => server.connections === 1);
    expect(server.totalConnections).toBe(5);
  });

  test('of two servers do not share connections', async () => {
    const server = await fakeServer({ security: 'none' });
    const pool = newPool();
    await pool.send('one', endpointFor(server), 5, LETTER);
    await pool.send('two', endpointFor(server), 5, LETTER);
    expect(server.totalConnections).toBe(2);
    await pool.forget('one');
    await server.until(() => server.connections === 1);
    expect(await pool.send('two', endpointFor(server), 5, LETTER)).toMatchObject({ connection: 2 });
  });
});

describe('closing', () => {
  test('lets what is under way finish and takes nothing new', async () => {
    const { server, release } = await patientServer();
    const pool = newPool();
    const sending = sendMany(pool, 3, endpointFor(server), 1);
    await server.until(() => server.commands.get(1)?.includes('DATA') ?? false);
    const closing = pool.close(10_000);
    release();
    const codes = (await sending).map(({ outcome }) => outcome.code);
    expect(codes).toEqual(['accepted', 'stopping', 'stopping']);
    await closing;
    expect(await pool.send('one', endpointFor(server), 1, LETTER)).toMatchObject({
      outcome: { code: 'stopping', class: 'local' },
    });
    expect(server.ledger).toHaveLength(1);
    expect(server.totalConnections).toBe(1);
  });

  test('cuts what takes longer than it may: after the dot nobody knows', async () => {
    const { server } = await patientServer();
    const pool = newPool();
    const [sending] = [pool.send('one', endpointFor(server), 1, LETTER)];
    await server.until(() => server.commands.get(1)?.includes('DATA') ?? false);
    await pool.close(30);
    expect((await sending).outcome.class).toMatch(/^(uncertain|network)$/); // by how far it had come
    await server.until(() => server.connections === 0);
  });

  test.each([
    ['greet', 'starttls'],
    ['handshake', 'starttls'],
    ['handshake', 'ssl'],
    ['auth', 'starttls'],
    ['auth', 'ssl'],
  ] as const)(
    'cuts at once what hangs while it is being opened, at %s with %s, and what waits for it',
    async (stage, security) => {
      const server = await fakeServer({ security, users: USERS, script: [{ stage, fault: 'hang' }] });
      const pool = newPool();
      const endpoint = endpointFor(server, { security, ...SIGN_IN });
      const sending = sendMany(pool, 2, endpoint, 1);
      await server.until(() => server.connections === 1);
      await pool.close(60_000);
      expect((await sending).map(({ outcome }) => outcome.code)).toEqual(['stopping', 'stopping']);
      await server.until(() => server.connections === 0);
    },
  );

  test('cuts a look-up of a name that takes long', async () => {
    const asked = Promise.withResolvers<void>();
    const lookup = () => {
      asked.resolve();
      return new Promise<string[]>(() => {});
    };
    const server = await fakeServer({ security: 'none' });
    const pool = newPool({ lookup });
    const sending = pool.send('one', endpointFor(server, { host: 'mail.example.com' }), 1, LETTER);
    await asked.promise;
    await pool.close(60_000);
    expect((await sending).outcome.code).toBe('stopping');
  });
});
