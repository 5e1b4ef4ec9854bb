import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { CONTENT, ENVELOPE, endpointFor, fakeServer, openSession, yes } from './testing.ts';

const WITHOUT_PIPELINING = ['8BITMIME', 'SIZE 1000000'];

describe('a message', () => {
  test.each(['none', 'starttls', 'ssl'] as const)('arrives as it was given, over %s', async (security) => {
    const server = await fakeServer({ security, users: { demo: 'demo-password' } });
    const session = await openSession(
      endpointFor(server, { security, username: 'demo', password: 'demo-password' }),
    );
    const outcome = await session.send(ENVELOPE, CONTENT, yes);
    expect(outcome).toMatchObject({ class: 'accepted', code: 'accepted', stage: 'dot', replyCode: 250 });
    expect(server.ledger).toHaveLength(1);
    expect(server.ledger[0]).toMatchObject({
      mailFrom: ENVELOPE.from,
      rcpts: [ENVELOPE.to],
      content: CONTENT,
      user: 'demo',
      tls: security !== 'none',
      reply: outcome.reply,
    });
    expect(outcome.serverMessageId).toBe(server.ledger[0]?.bodySha256.slice(0, 12).toUpperCase());
    expect(session).toMatchObject({ usable: true, sent: 1 });
  });

  test.each([
    ['with', undefined],
    ['without', WITHOUT_PIPELINING],
  ])('follows another on the same session, %s pipelining', async (_, extensions) => {
    const server = await fakeServer({ security: 'none', ...(extensions ? { extensions } : {}) });
    const session = await openSession(endpointFor(server));
    expect(session.capabilities.pipelining).toBe(extensions === undefined);
    for (const to of ['a@example.org', 'b@example.org', 'c@example.org']) {
      expect(await session.send({ ...ENVELOPE, to }, CONTENT, yes)).toMatchObject({ class: 'accepted' });
    }
    expect(server.ledger.map(({ rcpts }) => rcpts)).toEqual([
      ['a@example.org'],
      ['b@example.org'],
      ['c@example.org'],
    ]);
    expect(server.totalConnections).toBe(1);
    expect(session.sent).toBe(3);
  });

  test('of whatever content is one message, and every line of it arrives', async () => {
    const server = await fakeServer({ security: 'none' });
    const session = await openSession(endpointFor(server));
    const nasty = fc.array(fc.constantFrom('.', '\r', '\n', '\r\n', '\r\n.\r\n', '\n.\n', 'a', '\0', 'ü'), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(nasty, async (parts) => {
        const before = server.ledger.length;
        const text = parts.join('');
        await session.send(ENVELOPE, Buffer.from(text), yes);
        const lines = text.replaceAll(/\r\n|\r|\n/g, '\r\n');
        const expected = lines === '' || lines.endsWith('\r\n') ? lines : `${lines}\r\n`;
        expect(server.ledger).toHaveLength(before + 1);
        expect(server.ledger.at(-1)?.content.toString()).toBe(expected);
      }),
      { numRuns: 200 },
    );
  });

  test('larger than one write arrives whole', async () => {
    const server = await fakeServer({ security: 'starttls' });
    const session = await openSession(endpointFor(server, { security: 'starttls' }));
    const content = Buffer.from(`Subject: Large\r\n\r\n${'.line that starts with a dot\r\n'.repeat(60_000)}`);
    expect(await session.send(ENVELOPE, content, yes)).toMatchObject({ class: 'accepted' });
    expect(server.ledger[0]?.content.equals(content)).toBe(true);
  });

  test('from nobody is sent with the null sender', async () => {
    const server = await fakeServer({ security: 'none' });
    const session = await openSession(endpointFor(server));
    expect(await session.send({ ...ENVELOPE, from: '' }, CONTENT, yes)).toMatchObject({ class: 'accepted' });
    expect(server.commands.get(1)).toContainEqual(expect.stringMatching(/^MAIL FROM:<>/));
  });
});

describe('what the server offers', () => {
  test('is used: SIZE, 8BITMIME and SMTPUTF8 go with MAIL where they are needed', async () => {
    const server = await fakeServer({ security: 'none' });
    const session = await openSession(endpointFor(server));
    await session.send(ENVELOPE, CONTENT, yes);
    await session.send(
      { ...ENVELOPE, to: 'äpfel@example.org', needsSmtpUtf8: true },
      Buffer.from('Grüße\r\n'),
      yes,
    );
    const mails = (server.commands.get(1) ?? []).filter((command) => command.startsWith('MAIL'));
    expect(mails).toEqual([
      `MAIL FROM:<shop@example.com> SIZE=${CONTENT.length}`,
      'MAIL FROM:<shop@example.com> SIZE=9 BODY=8BITMIME SMTPUTF8',
    ]);
    expect(server.ledger[1]?.rcpts).toEqual(['äpfel@example.org']);
  });

  test('is not used where it is not offered', async () => {
    const server = await fakeServer({ security: 'none', extensions: [] });
    const session = await openSession(endpointFor(server));
    await session.send(ENVELOPE, Buffer.from('Grüße\r\n'), yes);
    expect(server.commands.get(1)).toContain('MAIL FROM:<shop@example.com>');
  });

  test('ends a message that needs more before a word of it is said, and another server may carry it', async () => {
    const server = await fakeServer({ security: 'none', extensions: ['SIZE 50'] });
    const session = await openSession(endpointFor(server));
    const utf8 = await session.send({ ...ENVELOPE, needsSmtpUtf8: true }, Buffer.from('x\r\n'), yes);
    const large = await session.send(ENVELOPE, CONTENT, yes);
    expect(utf8).toMatchObject({
      code: 'smtputf8_missing',
      class: 'message_permanent',
      failover: true,
      stage: 'local',
    });
    expect(large).toMatchObject({
      code: 'too_large',
      class: 'message_permanent',
      failover: true,
      stage: 'local',
    });
    expect(server.commands.get(1)).toEqual(['EHLO client.example.com']);
    expect(session.usable).toBe(true);
  });
});

describe('a refused envelope', () => {
  describe.each([
    ['with', undefined],
    ['without', WITHOUT_PIPELINING],
  ])('%s pipelining', (_, extensions) => {
    test.each([
      ['mail', '553 5.7.1 Sender address rejected: not owned by user', 'sender_not_allowed'],
      ['rcpt', '550 5.1.1 No such user', 'recipient_unknown'],
      ['rcpt', '451 4.7.1 Greylisted', 'greylisted'],
      ['data', '451 4.3.0 Try later', 'server_temporary'],
    ] as const)(
      'at %s, %s, is %s, nothing is sent, and the next message goes on',
      async (stage, reply, code) => {
        const server = await fakeServer({
          security: 'none',
          script: [{ stage, fault: { reply }, count: 1 }],
          ...(extensions ? { extensions } : {}),
        });
        const session = await openSession(endpointFor(server));
        const beforeDot = vi.fn(yes);
        expect(await session.send(ENVELOPE, CONTENT, beforeDot)).toMatchObject({ code, stage, reply });
        expect(beforeDot).not.toHaveBeenCalled();
        expect(server.ledger).toHaveLength(0);
        expect(session.usable).toBe(true);
        expect(await session.send(ENVELOPE, CONTENT, yes)).toMatchObject({ class: 'accepted' });
        expect(server.ledger).toHaveLength(1);
        expect(server.totalConnections).toBe(1);
      },
    );
  });

  test('that the server wants the content for all the same closes the line, and nothing is in the ledger', async () => {
    const server = await fakeServer({
      security: 'none',
      script: [
        { stage: 'rcpt', fault: { reply: '550 5.1.1 No such user' } },
        { stage: 'data', fault: { reply: '354 Go on' } },
      ],
    });
    const session = await openSession(endpointFor(server));
    expect(await session.send(ENVELOPE, CONTENT, yes)).toMatchObject({
      code: 'recipient_unknown',
      stage: 'rcpt',
    });
    expect(session.usable).toBe(false);
    await server.until(() => server.connections === 0);
    expect(server.ledger).toHaveLength(0);
  });

  test('is the outcome also when the line breaks after it', async () => {
    const server = await fakeServer({
      security: 'none',
      script: [
        { stage: 'rcpt', fault: { reply: '550 5.1.1 No such user' } },
        { stage: 'data', fault: 'fin' },
      ],
    });
    const session = await openSession(endpointFor(server));
    expect(await session.send(ENVELOPE, CONTENT, yes)).toMatchObject({ code: 'recipient_unknown' });
    expect(session.usable).toBe(false);
  });

  test('by 421 ends the session', async () => {
    const server = await fakeServer({ security: 'none', script: [{ stage: 'rcpt', fault: '421close' }] });
    const session = await openSession(endpointFor(server));
    expect(await session.send(ENVELOPE, CONTENT, yes)).toMatchObject({
      code: 'server_closing',
      class: 'server_deferral',
    });
    expect(session.usable).toBe(false);
  });
});

describe('a bug of the caller', () => {
  test.each([
    { to: 'a@example.org>\r\nRCPT TO:<b@example.org' },
    { to: 'a@example.org\n' },
    { to: 'a b@example.org' },
    { to: 'a@example.org\0' },
    { to: '' },
    { from: 'x@example.com> SIZE=1' },
    { from: '<x@example.com' },
  ])('cannot reach the wire: %j', async (changed) => {
    const server = await fakeServer({ security: 'none' });
    const session = await openSession(endpointFor(server));
    await expect(session.send({ ...ENVELOPE, ...changed }, CONTENT, yes)).rejects.toThrow(TypeError);
    expect(server.commands.get(1)).toEqual(['EHLO client.example.com']);
  });

  test('in the HELO name cannot reach the wire', async () => {
    const server = await fakeServer({ security: 'none' });
    await expect(openSession(endpointFor(server, { heloName: 'a\r\nMAIL FROM:<>' }))).rejects.toThrow(
      TypeError,
    );
  });

  test('that sends two messages at a time is refused', async () => {
    const server = await fakeServer({ security: 'none' });
    const session = await openSession(endpointFor(server));
    const first = session.send(ENVELOPE, CONTENT, yes);
    await expect(session.send(ENVELOPE, CONTENT, yes)).rejects.toThrow('not usable');
    expect(await first).toMatchObject({ class: 'accepted' });
  });
});

test('secrets that a server repeats at any stage are not in the outcome', async () => {
  const password = 'canary-7d1f';
  const server = await fakeServer({
    security: 'none',
    users: { demo: password },
    script: [{ stage: 'dot', fault: { reply: `554 5.7.1 ${password}` } }],
  });
  const session = await openSession(endpointFor(server, { username: 'demo', password }));
  const outcome = await session.send(ENVELOPE, CONTENT, yes);
  expect(outcome.reply).toBe('554 5.7.1 ***');
  expect(JSON.stringify(outcome)).not.toContain(password);
});

test('goodbye is said, and the connection is closed even if nobody answers', async () => {
  const server = await fakeServer({ security: 'none', script: [{ stage: 'quit', fault: 'hang' }] });
  const session = await openSession(endpointFor(server), { timeouts: { quit: 50 } });
  await session.close();
  expect(server.commands.get(1)?.at(-1)).toBe('QUIT');
  await server.until(() => server.connections === 0);
});
