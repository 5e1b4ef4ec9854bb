import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nodemailer from 'nodemailer';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Entry } from './ledger.ts';
import type { Fault } from './script.ts';
import { type FakeServer, type FakeServerOptions, startFakeServer } from './server.ts';

async function start(options: Partial<FakeServerOptions> = {}): Promise<FakeServer> {
  const server = await startFakeServer({ security: 'none', ...options });
  onTestFinished(() => server.stop());
  return server;
}

/** Says `text` all at once and returns everything that comes back until the server hangs up. */
async function talk(server: FakeServer, text: string): Promise<string> {
  const socket: Socket = connect(server.port, server.host);
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
  });
  socket.write(text);
  await new Promise((resolve) => socket.on('error', () => {}).on('close', resolve));
  return heard;
}

const codes = (heard: string): string[] =>
  heard
    .split('\r\n')
    .filter(Boolean)
    .map((line) => line.slice(0, 3));
const MAIL =
  'MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nX-Mailwright-ID: msg_1\r\nMessage-ID: <1@x>\r\n\r\nHi\r\n.\r\n';

describe('a session', () => {
  test('is answered command by command, also when all come at once', async () => {
    const server = await start({ extensions: [] });
    const heard = await talk(server, `HELO x\r\n${MAIL}RSET\r\nNOOP\r\nBLAH\r\nQUIT\r\n`);
    expect(codes(heard)).toEqual('220 250 250 250 354 250 250 250 500 221'.split(' '));
  });

  test('keeps its order', async () => {
    const server = await start({ extensions: [] });
    const heard = await talk(
      server,
      'RCPT TO:<b@x>\r\nDATA\r\nMAIL FROM:a\r\nMAIL FROM:<a@x>\r\nMAIL FROM:<a@x>\r\nQUIT\r\n',
    );
    expect(codes(heard)).toEqual('220 503 554 501 250 503 221'.split(' '));
  });

  test('takes nothing above its size limit, told or not', async () => {
    const server = await start({ sizeLimit: 20 });
    const heard = await talk(server, `MAIL FROM:<a@x> SIZE=21\r\n${MAIL}QUIT\r\n`);
    expect(codes(heard)).toEqual('220 552 250 250 354 552 221'.split(' '));
    expect(server.ledger).toHaveLength(0);
  });

  test('takes mail only after sign-in where it has users', async () => {
    const server = await start({ users: { demo: 'demo' } });
    const blob = Buffer.from('\0demo\0demo').toString('base64');
    const heard = await talk(server, `${MAIL.slice(0, 27)}AUTH PLAIN ${blob}\r\n${MAIL}QUIT\r\n`);
    expect(codes(heard)).toEqual('220 530 235 250 250 354 250 221'.split(' '));
    expect(server.ledger[0]?.user).toBe('demo');
    expect(JSON.stringify([...server.commands])).not.toContain(blob);
  });
});

describe('the ledger', () => {
  test('has what the message says and what it is', async () => {
    const server = await start();
    await talk(server, `${MAIL}QUIT\r\n`);
    expect(server.ledger[0]).toMatchObject({
      connection: 1,
      mailFrom: 'a@example.com',
      rcpts: ['b@example.org'],
      xId: 'msg_1',
      messageId: '<1@x>',
      bytes: 49,
      tls: false,
      reply: expect.stringMatching(/^250 2\.0\.0 Ok: queued as [0-9A-F]{12}$/),
    });
  });

  test('is in its file, a line a message, before the answer is out', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const ledgerFile = join(folder, 'ledger.jsonl');
    const server = await start({ ledgerFile, script: [{ stage: 'dot', fault: 'lose-after-accept' }] });
    await talk(server, MAIL);
    await talk(server, MAIL);
    const lines = readFileSync(ledgerFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Entry);
    expect(lines.map(({ connection, xId }) => [connection, xId])).toEqual([
      [1, 'msg_1'],
      [2, 'msg_1'],
    ]);
    expect(lines[0]).not.toHaveProperty('content');
  });

  test('can be waited for', async () => {
    const server = await start();
    const waiting = server.waitFor(2);
    void talk(server, `${MAIL}${MAIL}QUIT\r\n`);
    expect(await waiting).toHaveLength(2);
    expect(await server.waitFor((ledger) => ledger.some(({ xId }) => xId === 'msg_1'))).toHaveLength(2);
  });
});

describe('a fault', () => {
  test.each([
    ['refuse', '220 554'],
    ['fin', '220'],
    ['rst', '220'],
    ['421close', '220 421'],
    [{ reply: '451 4.3.0 Later' }, '220 451'],
    [{ reply: '250-Yes\r\n250 really' }, '220 250 250'],
    ['wrongcode', '220 354'],
    ['double-reply', '220 250 250'],
    ['nul', '220 250'],
    ['4xx', '220 451'],
    ['5xx', '220 553'],
    [{ slow: 1 }, '220 250'],
    [{ cap: { count: 0, perMs: 1_000 } }, '220 450'],
    ['early-reply', '220 250 250'],
    ['lose-after-accept', '220'],
  ] as [Fault, string][])('%j at MAIL is heard as %s', async (fault, expected) => {
    const server = await start({ script: [{ stage: 'mail', fault }] });
    const heard = await talk(server, 'MAIL FROM:<a@example.com>\r\nQUIT\r\n');
    expect(
      codes(heard)
        .filter((code) => code !== '221')
        .join(' '),
    ).toBe(expected);
  });

  test('that answers early does not answer again', async () => {
    const server = await start({ script: [{ stage: 'rcpt', fault: 'early-reply' }] });
    expect(codes(await talk(server, `${MAIL}QUIT\r\n`))).toEqual('220 250 250 354 250 221'.split(' '));
    expect(server.ledger).toHaveLength(1);
  });

  test('that takes a part takes the first recipient', async () => {
    const server = await start({ script: [{ stage: 'rcpt', fault: 'partial-accept' }] });
    const second = MAIL.replace('DATA', 'RCPT TO:<c@example.org>\r\nDATA');
    expect(codes(await talk(server, `${second}QUIT\r\n`))).toEqual('220 250 250 452 354 250 221'.split(' '));
    expect(server.ledger[0]?.rcpts).toEqual(['b@example.org']);
  });

  test('that delays is over when the test says so', async () => {
    const gate = Promise.withResolvers<void>();
    const server = await start({ script: [{ stage: 'mail', fault: { delay: gate.promise } }] });
    const talking = talk(server, 'MAIL FROM:<a@example.com>\r\nQUIT\r\n');
    await server.until(() => server.commands.get(1)?.length === 1); // QUIT waits behind MAIL
    gate.resolve();
    expect(codes(await talking)).toEqual(['220', '250', '221']);
  });

  test('after the dot may keep the message without an answer, or answer without keeping it', async () => {
    const lost = await start({ script: [{ stage: 'dot', fault: 'lose-after-accept' }] });
    expect(codes(await talk(lost, MAIL)).at(-1)).not.toBe('250');
    expect(lost.ledger).toHaveLength(1);
    const lying = await start({ script: [{ stage: 'dot', fault: 'accept-without-ledger' }] });
    expect(codes(await talk(lying, `${MAIL}QUIT\r\n`)).slice(-2)).toEqual(['250', '221']);
    expect(lying.ledger).toHaveLength(0);
  });

  test('can be changed while the server runs', async () => {
    const server = await start();
    server.setScript([{ stage: 'mail', fault: 'refuse' }]);
    expect(codes(await talk(server, 'MAIL FROM:<a@x>\r\nQUIT\r\n'))).toEqual(['220', '554', '221']);
    server.setScript([]);
    expect(codes(await talk(server, 'MAIL FROM:<a@x>\r\nQUIT\r\n'))).toEqual(['220', '250', '221']);
  });
});

describe('a lenient server', () => {
  const SMUGGLED = MAIL.replaceAll('example', 'smuggled').replace('msg_1', 'msg_2');

  test.each(['\n.\n', '\n.\r\n', '\r.\r', '\r.\r\n', '\r\n.\r', '\r\n.\n'])(
    'takes %j for the end, and what follows for commands',
    async (odd) => {
      const server = await start({ lenient: true });
      await talk(server, `${MAIL.slice(0, -'\r\n.\r\n'.length)}${odd}${SMUGGLED}QUIT\r\n`);
      expect(server.ledger.map(({ xId }) => xId)).toEqual(['msg_1', 'msg_2']);
    },
  );

  test('is what a server is that nobody asked to be: strict', async () => {
    const server = await start();
    await talk(server, `${MAIL.slice(0, -'\r\n.\r\n'.length)}\n.\n${SMUGGLED}QUIT\r\n`);
    expect(server.ledger.map(({ xId }) => xId)).toEqual(['msg_1']);
  });
});

test.each(['none', 'starttls', 'ssl'] as const)(
  'a foreign client signs in and sends over %s',
  async (security) => {
    const server = await start({ security, users: { demo: 'demo' } });
    const peer = nodemailer.createTransport({
      host: server.host,
      port: server.port,
      secure: security === 'ssl',
      requireTLS: security === 'starttls',
      auth: { user: 'demo', pass: 'demo' },
      tls: { ca: [server.caPem] },
    });
    onTestFinished(() => peer.close());
    await peer.sendMail({ from: 'a@example.com', to: 'b@example.org', subject: 'Hello', text: 'Hi\n.\n' });
    expect(server.ledger).toMatchObject([
      { rcpts: ['b@example.org'], user: 'demo', tls: security !== 'none' },
    ]);
  },
);
