import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startSinkProcess } from '../../src/demo-smtp/process.ts';
import type { Script } from '../../src/demo-smtp/script.ts';
import { type Letter, Pool } from '../../src/transport/pool.ts';
import {
  CONTENT,
  ENVELOPE,
  endpointFor,
  fakeServer,
  SIGN_IN,
  USERS,
  yes,
} from '../../src/transport/testing.ts';
import { arrived, Mailing } from './mailing.ts';
import { Time } from './time.ts';

const MINUTE = 60_000;
const LETTER: Letter = { envelope: ENVELOPE, content: CONTENT, beforeDot: yes, serverName: 'Test server' };

let time: Time;
let pool: Pool;
beforeEach(() => {
  time = new Time();
  pool = new Pool({ clock: time.clock, lookup: async () => ['127.0.0.2', '127.0.0.1'] });
  return async () => {
    await pool.close(0);
    time.end();
  };
});

describe('421 in the middle of 100 messages on one connection', () => {
  test.each(['mail', 'rcpt', 'data', 'dot'] as const)(
    'at %s: the rest move, none goes twice',
    async (stage) => {
      const mailing = new Mailing();
      await mailing.start();
      onTestFinished(() => mailing.end());
      const script: Script = [{ stage, fault: '421close', match: { nth: 50 }, count: 1 }];
      const { smtp } = await mailing.connect({ script }, { maxConnections: 1 });
      const ids = await mailing.sendMany(100);
      await mailing.passUntil(ids, 'sent');
      expect(smtp.strikes).toBe(1);
      expect(arrived(smtp)).toEqual([...ids].sort());
      expect(smtp.totalConnections).toBe(3); // one validated it, one ended, one took the rest
    },
  );
});

describe('the answer to the dot', () => {
  /** How one message ends whose answer comes after so long. */
  async function answeredAfter(ms: number) {
    const gate = Promise.withResolvers<void>();
    const server = await fakeServer({
      security: 'none',
      script: [{ stage: 'dot', fault: { delay: gate.promise }, count: 1 }],
    });
    const sending = pool.send('one', endpointFor(server), 1, LETTER);
    await server.until(() => server.strikes > 0);
    time.pass(ms);
    gate.resolve();
    return { outcome: (await sending).outcome, server };
  }

  test('that takes nine minutes is an answer', async () => {
    const { outcome, server } = await answeredAfter(9 * MINUTE);
    expect(outcome).toMatchObject({ class: 'accepted' });
    expect(server.ledger).toHaveLength(1);
  });

  test('that takes eleven minutes is too late: uncertain, and what it says changes nothing', async () => {
    const { outcome, server } = await answeredAfter(11 * MINUTE);
    expect(outcome).toMatchObject({ class: 'uncertain', stage: 'dot', retry: false });
    expect((await pool.send('one', endpointFor(server), 1, LETTER)).outcome.class).toBe('accepted');
    expect(server.totalConnections).toBe(2);
  });

  test('that stops within its line is none', async () => {
    const server = await fakeServer({
      security: 'none',
      script: [{ stage: 'dot', fault: { slow: 4 * MINUTE } }],
    });
    const sending = pool.send('one', endpointFor(server), 1, LETTER);
    await server.until(() => server.strikes > 0);
    expect((await time.passUntil(sending)).outcome.class).toBe('uncertain');
    expect(server.ledger).toHaveLength(1);
  });

  test('on a half-open line never comes: uncertain, and rightly, as the message may be taken later', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mailwright-sink-'));
    const sink = await startSinkProcess({ security: 'starttls', ledgerFile: join(folder, 'ledger.jsonl') });
    onTestFinished(async () => {
      await sink.stop();
      rmSync(folder, { recursive: true });
    });
    const endpoint = { ...ENDPOINT, host: sink.host, port: sink.port, tlsCa: sink.caPem };
    let isStopped = false;
    const beforeDot = async () => {
      sink.signal('SIGSTOP');
      isStopped = true;
      return true;
    };
    const sending = pool.send('one', endpoint, 1, { ...LETTER, beforeDot });
    const { outcome } = await time.passUntil(sending, () => isStopped);
    expect(outcome).toMatchObject({ class: 'uncertain', retry: false });
    expect(sink.ledger()).toHaveLength(0);
    sink.signal('SIGCONT');
    expect((await pool.send('one', endpoint, 1, LETTER)).outcome.class).toBe('accepted');
    expect(sink.ledger()).toHaveLength(2);
  });
});

const ENDPOINT = { security: 'starttls', heloName: 'client.example.com', allowAddress: () => true } as const;

describe('a name with several addresses', () => {
  test('one of them dead, carries every message over the other', async () => {
    const server = await fakeServer({ security: 'none' });
    const endpoint = endpointFor(server, { host: 'smtp.example.net' });
    const sent = [];
    for (let at = 0; at < 5; at++) sent.push(await pool.send('one', endpoint, 1, LETTER));
    expect(sent.map(({ outcome }) => outcome.class)).toEqual(Array(5).fill('accepted'));
    await pool.forget('one');
    expect((await pool.send('one', endpoint, 1, LETTER)).outcome.class).toBe('accepted');
    expect(server.ledger).toHaveLength(6);
  });

  test('all of them dead, is network trouble', async () => {
    const server = await fakeServer({ security: 'none' });
    await server.stop();
    const { outcome } = await pool.send('one', endpointFor(server, { host: 'smtp.example.net' }), 1, LETTER);
    expect(outcome).toMatchObject({ class: 'network', code: 'connect_refused' });
  });
});

describe.each(['ssl', 'starttls'] as const)('a certificate over %s', (security) => {
  test.each([
    ['expired', { certificate: 'expired' }, 'tls_expired'],
    ['for another name', { certificate: 'wrong-name' }, 'tls_name_mismatch'],
    ['that is self-signed', { certificate: 'self-signed' }, 'tls_untrusted'],
    ['of nobody known', {}, 'tls_untrusted'],
    ['behind TLS 1.1', { oldTls: true }, 'tls_too_old'],
  ] as const)('%s stops the server for a person to look, and hears no password', async (name, bad, code) => {
    const server = await fakeServer({ security, users: USERS, ...bad });
    const { tlsCa, ...unknown } = endpointFor(server, { security, ...SIGN_IN });
    const endpoint = name === 'of nobody known' ? unknown : { ...unknown, tlsCa: tlsCa! };
    const { outcome } = await pool.send('one', endpoint, 1, LETTER);
    expect(outcome).toMatchObject({ class: 'server_attention', code });
    await server.until(() => server.connections === 0);
    expect([...server.commands.values()].flat().join()).not.toMatch(/AUTH|MAIL/);
  });
});

describe('STARTTLS', () => {
  test.each([
    [
      'taken out of the offer',
      [{ stage: 'ehlo', fault: { reply: '250-demo\r\n250 PIPELINING' } }],
      'starttls_missing',
    ],
    ['refused', [{ stage: 'starttls', fault: '5xx' }], 'starttls_missing'],
    [
      'followed by words',
      [{ stage: 'starttls', fault: { reply: '220 Go\r\n250-demo\r\n250 AUTH PLAIN' } }],
      'tls_failed',
    ],
    ['answered in plain text', [{ stage: 'handshake', fault: { reply: '235 2.7.0 Welcome' } }], 'tls_failed'],
  ] as [string, Script, string][])('%s costs no password', async (_, script, code) => {
    const server = await fakeServer({ security: 'starttls', users: USERS, script });
    const { outcome } = await pool.send(
      'one',
      endpointFor(server, { security: 'starttls', ...SIGN_IN }),
      1,
      LETTER,
    );
    expect(outcome.code).toBe(code);
    expect([...server.commands.values()].flat().join()).not.toMatch(/AUTH|MAIL/);
  });
});

describe('a pipelining server', () => {
  test.each([
    [
      'that answers out of order',
      [
        { stage: 'mail', fault: { reply: '354 Go on' } },
        { stage: 'rcpt', fault: { reply: '250 2.1.0 Sender ok' } },
        { stage: 'data', fault: { reply: '250 2.1.5 Recipient ok' } },
      ],
      'network',
    ],
    ['that answers one command less', [{ stage: 'rcpt', fault: { reply: '354 Go on' } }], 'network'],
    [
      'that wants the content after a refused RCPT',
      [
        { stage: 'rcpt', fault: '5xx' },
        { stage: 'data', fault: { reply: '354 Go on' } },
      ],
      'recipient_permanent',
    ],
  ] as [string, Script, string][])(
    '%s gets no content, and the next message a new line',
    async (_, script, expected) => {
      const server = await fakeServer({ security: 'none', script });
      const endpoint = endpointFor(server);
      let marked = 0;
      const beforeDot = async () => ++marked > 0;
      const { outcome } = await pool.send('one', endpoint, 1, { ...LETTER, beforeDot });
      expect([outcome.class, marked]).toEqual([expected, 0]);
      server.setScript([]);
      expect((await pool.send('one', endpoint, 1, LETTER)).outcome.class).toBe('accepted');
      expect([server.ledger.length, server.totalConnections]).toEqual([1, 2]);
    },
  );
});
