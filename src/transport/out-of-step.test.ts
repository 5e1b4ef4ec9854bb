import { describe, expect, test, vi } from 'vitest';
import { SmtpSession } from './smtp.ts';
import {
  CONTENT,
  ENVELOPE,
  endpointFor,
  fakeServer,
  faultyServer,
  openSession,
  SIGN_IN,
  USERS,
  yes,
} from './testing.ts';

const WITHOUT_PIPELINING = ['8BITMIME'];

describe('an answer that nobody asked for yet', () => {
  test.each(['greet', 'ehlo'] as const)(
    'at %s ends the opening: the next command is not said',
    async (at) => {
      const server = await faultyServer(at, 'double-reply', { users: USERS });
      const opened = await SmtpSession.open(endpointFor(server, SIGN_IN), { serverName: 'Test server' });
      expect(opened).toMatchObject({ ok: false, outcome: { class: 'network', code: 'protocol' } });
      expect(server.commands.get(1)?.join()).not.toContain('AUTH');
    },
  );

  test.each([
    ['after the sign-in', 'auth', 'mail', []],
    ['after MAIL', 'mail', 'rcpt', ['MAIL']],
    ['after RCPT', 'rcpt', 'data', ['MAIL', 'RCPT']],
  ] as const)('%s ends the message before the next command', async (_, at, stage, said) => {
    const server = await faultyServer(at, 'double-reply', { users: USERS, extensions: WITHOUT_PIPELINING });
    const session = await openSession(endpointFor(server, SIGN_IN));
    const beforeDot = vi.fn(yes);
    expect(await session.send(ENVELOPE, CONTENT, beforeDot)).toMatchObject({ code: 'protocol', stage });
    expect(beforeDot).not.toHaveBeenCalled();
    expect(session.usable).toBe(false);
    await server.until(() => server.connections === 0);
    const commands = server.commands.get(1)!.map((command) => command.slice(0, 4));
    expect(commands.filter((command) => ['MAIL', 'RCPT', 'DATA'].includes(command))).toEqual([...said]);
  });
});

test('a session that the server closed before the first message is an outcome, not a bug', async () => {
  const server = await fakeServer({ security: 'none' });
  const session = await openSession(endpointFor(server));
  server.dropConnections();
  await server.until(() => server.connections === 0);
  expect(await session.send(ENVELOPE, CONTENT, yes)).toMatchObject({
    class: 'network',
    code: 'connection_lost',
    stage: 'mail',
  });
  await expect(session.send(ENVELOPE, CONTENT, yes)).rejects.toThrow('not usable');
});

test.each([
  ['with', undefined],
  ['without', WITHOUT_PIPELINING],
])(
  'RSET that is refused ends the session, and blames neither sender nor message: %s pipelining',
  async (_, extensions) => {
    const server = await faultyServer('rset', '5xx', { ...(extensions ? { extensions } : {}) });
    const session = await openSession(endpointFor(server));
    server.setScript([
      { stage: 'rcpt', fault: '4xx', count: 1 },
      { stage: 'rset', fault: '5xx' },
    ]);
    expect(await session.send(ENVELOPE, CONTENT, yes)).toMatchObject({ class: 'recipient_temporary' });
    expect(await session.send(ENVELOPE, CONTENT, yes)).toMatchObject({
      code: 'connection_lost',
      stage: 'mail',
    });
    expect(session.usable).toBe(false);
    expect(server.ledger).toHaveLength(0);
  },
);

test('a session that turns out not to be signed in carries nothing more', async () => {
  const server = await faultyServer('auth', 'accept-without-ledger', { users: USERS });
  const session = await openSession(endpointFor(server, SIGN_IN));
  expect(await session.send(ENVELOPE, CONTENT, yes)).toMatchObject({ code: 'auth_required', replyCode: 530 });
  expect(session.usable).toBe(false);
});
