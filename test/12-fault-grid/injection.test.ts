import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type FakeServer, startFakeServer } from '../../src/demo-smtp/server.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { connectServer } from '../../src/testing/servers.ts';
import { type TestApp, testApp } from '../../src/testing/test-app.ts';
import { Pool } from '../../src/transport/pool.ts';
import { ENVELOPE, endpointFor, fakeServer, yes } from '../../src/transport/testing.ts';

// The server here takes every odd line end for the end of a message, and what follows for commands. It must see one
// message for each that was asked for, with exactly its recipient.

const EVIL =
  'MAIL FROM:<evil@example.net>\r\nRCPT TO:<evil@example.net>\r\nDATA\r\nSubject: evil\r\n\r\nevil';
const ODD_ENDS = [
  '\n.\n',
  '\n.\r\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\r\n.\n',
  '\r\n.\r\n',
  '\r\r\n.\r\r\n',
  '\n\n.\n\n',
];
/** Around what leaves in one write, and around a slice of what does not. */
const OFFSETS = [0, 65_530, 65_536, 262_140, 262_146];

describe('a content with an end of its own', () => {
  test.each(ODD_ENDS.flatMap((end) => OFFSETS.map((offset) => [end, offset] as const)))(
    '%j after %i bytes is one message',
    async (end, offset) => {
      const server = await fakeServer({ security: 'none', lenient: true });
      const pool = new Pool({ clock: new FakeClock() });
      onTestFinished(() => pool.close(0));
      const before = `${'x'.repeat(98)}\r\n`.repeat(Math.ceil(offset / 100)).slice(0, offset);
      const content = Buffer.from(`Subject: x\r\n\r\n${before}${end}${EVIL}${end}QUIT\r\n`);
      const letter = { envelope: ENVELOPE, content, beforeDot: yes, serverName: 'Test server' };
      const { outcome } = await pool.send('one', endpointFor(server), 1, letter);
      expect(outcome.class).toBe('accepted');
      await pool.close(0);
      await server.until(() => server.connections === 0);
      expect(server.ledger).toMatchObject([{ mailFrom: ENVELOPE.from, rcpts: [ENVELOPE.to] }]);
      const verbs = server.commands.get(1)!.map((command) => command.slice(0, 4));
      expect(verbs).toEqual(['EHLO', 'MAIL', 'RCPT', 'DATA', 'QUIT']);
    },
  );
});

describe('through the whole program', () => {
  let program: TestApp;
  let server: FakeServer;
  beforeAll(async () => {
    program = await testApp();
    server = await startFakeServer({ security: 'none', lenient: true });
    await connectServer(program, server);
  });
  afterAll(async () => {
    await program.stop();
    await server.stop();
  });

  const RCPT = 'ann@example.org';
  /** Sends, and returns what the server has of it: nothing when it was refused. */
  async function sendOddly(changed: Record<string, unknown>) {
    const message = { rcpt: RCPT, subject: 'Hello', text: 'Hello', ...changed };
    const before = server.ledger.length;
    const { status, body } = await program.call('POST', '/v1/messages', message);
    if (status === 202) await program.until(body.id, 'sent');
    else expect([status, typeof body.error.code]).toEqual([422, 'string']);
    return { status, entries: server.ledger.slice(before) };
  }

  const ODD = [
    ['CRLF', 'a\r\nX-Evil: 1'],
    ['bare LF', 'a\nX-Evil: 1'],
    ['bare CR', 'a\rX-Evil: 1'],
    ['NEL', 'a\u0085X-Evil: 1'],
    ['LINE SEPARATOR', 'a\u2028X-Evil: 1'],
    ['NUL', 'a\0X-Evil: 1'],
    ['an encoded line break', '=?utf-8?q?a=0d=0aX-Evil:_1?='],
    ['the end of a message', `a\r\n.\r\n${EVIL}\r\n.\r\n`],
    ['quotes and brackets', 'a" <evil@example.net>, "b'],
    ['a very long line', 'x'.repeat(3_000)],
  ] as const;
  const FIELDS: Record<string, (odd: string) => Record<string, unknown>> = {
    subject: (odd) => ({ subject: odd }),
    'the name in From': (odd) => ({ from: `"${odd}" <owner@example.com>` }),
    'the address in From': (odd) => ({ from: `owner${odd}@example.com` }),
    'the name in Reply-To': (odd) => ({ replyTo: `"${odd}" <reply@example.com>` }),
    'a header': (odd) => ({ headers: { 'X-Note': odd } }),
    'the name of a header': (odd) => ({ headers: { [odd]: 'x' } }),
    'the name of a file': (odd) => ({ attachments: [{ content: 'aGk=', filename: `${odd}.txt` }] }),
    'the type of a file': (odd) => ({
      attachments: [{ content: 'aGk=', filename: 'a.txt', contentType: `text/plain; name=${odd}` }],
    }),
    'a file': (odd) => ({
      attachments: [
        { content: Buffer.from(odd).toString('base64'), filename: 'a.txt', contentType: 'text/plain' },
      ],
    }),
    'a tag': (odd) => ({ tags: [odd] }),
    text: (odd) => ({ text: odd }),
    html: (odd) => ({ text: undefined, html: `<p>${odd}</p>` }),
  };
  const rows = Object.entries(FIELDS).flatMap(([field, make]) =>
    ODD.map(([name, odd]) => [name, field, make(odd)] as const),
  );

  test.each(rows)('%s in %s: refused, or one message to its recipient alone', async (_, __, changed) => {
    const { status, entries } = await sendOddly(changed);
    expect(entries).toHaveLength(status === 202 ? 1 : 0);
    for (const { rcpts, mailFrom, content } of entries) {
      expect([rcpts, mailFrom]).toEqual([[RCPT], 'owner@example.com']);
      const headers = content.toString('latin1').split('\r\n\r\n')[0]!;
      expect(headers).not.toMatch(/^(X-Evil|Bcc):|[\0\x85]|(?<!\r)\n|\r(?!\n)/im);
      expect(
        Math.max(
          ...content
            .toString('latin1')
            .split('\r\n')
            .map((line) => line.length),
        ),
      ).toBeLessThan(999);
    }
  });

  test.each([
    'ann@example.org,evil@example.net',
    'ann@example.org, evil@example.net',
    'ann@example.org;evil@example.net',
    'friends: ann@example.org, evil@example.net;',
    'ann@example.org (evil@example.net)',
    'ann@example.org\r\nRCPT TO:<evil@example.net>',
    'ann@example.org>\r\nRCPT TO:<evil@example.net',
    'ann@example.org> NOTIFY=NEVER',
    '"ann> <evil@example.net"@example.org',
    '"ann@evil.example.net\r\n"@example.org',
    'ann@example.org\u2028evil@example.net',
    'ann@example.org\0',
    'ann@example.org%0d%0aevil@example.net',
    'Ann <ann@example.org>, Eve <evil@example.net>',
  ])('the recipient %j is refused, or is the only one', async (rcpt) => {
    const { status, entries } = await sendOddly({ rcpt });
    expect(entries.map((entry) => entry.rcpts)).toEqual(status === 202 ? [[rcpt]] : []);
    expect(JSON.stringify(entries.map((entry) => entry.rcpts))).not.toMatch(/"evil@/);
  });

  test('all these had a way out: some were refused, some sent', async () => {
    const sent = server.ledger.length;
    expect(sent).toBeGreaterThan(20);
    expect(sent).toBeLessThan(rows.length);
    expect(server.ledger.flatMap(({ rcpts }) => rcpts)).not.toContain('evil@example.net');
  });
});
