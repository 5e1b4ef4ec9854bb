import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFakeServer } from '../../src/demo-smtp/server.ts';
import { ENGINES } from '../../src/storage/testing.ts';
import { type TestApp, testApp } from '../../src/testing/test-app.ts';
import { serverInput } from '../support/server-input.ts';

const SMTP_SINK = '/usr/sbin/smtp-sink';
const COUNT = 1_000;
const BATCH = 500;

/** Sends by the batch call and waits until the program has settled every message. @returns their ids */
async function sendThousand(app: TestApp): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < COUNT; from += BATCH) {
    const messages = Array.from({ length: BATCH }, (_, at) => ({
      rcpt: `user${from + at}@example.com`,
      subject: `Message ${from + at}`,
      html: `<p>Number ${from + at}</p>`,
      text: `Number ${from + at}\r\n.\r\n..leading dots`,
    }));
    const { status, body } = await app.call('POST', '/v1/messages/batch', { messages });
    expect(status).toBe(202);
    ids.push(...body.results.map((one: { id: string }) => one.id));
  }
  await app.untilTrue(async () => (await waiting(app)) === 0);
  return ids;
}

async function waiting(app: TestApp): Promise<number> {
  const counts = await Promise.all(
    ['queued', 'sending', 'deferred'].map(
      async (status) => (await app.call('GET', `/v1/messages?status=${status}&limit=1`)).body.data.length,
    ),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** On a machine that is busy with everything else; alone it takes a tenth. */
const PATIENCE = 120_000;

describe.each(ENGINES)(
  'on $engine: 1,000 messages by the batch call arrive once each',
  { timeout: PATIENCE },
  ({ engine }) => {
    let app: TestApp;
    beforeAll(async () => {
      app = await testApp({ engine });
    });
    afterAll(() => app.stop());

    test('through the scriptable server, with sign-in and TLS', async () => {
      const server = await startFakeServer({ security: 'starttls', users: { demo: 'demo' } });
      const added = await app.call(
        'POST',
        '/v1/servers',
        serverInput(server, {
          security: 'starttls',
          username: 'demo',
          password: 'demo',
          tlsCa: server.caPem,
        }),
      );
      const ids = await sendThousand(app);
      expect(server.ledger.map((entry) => entry.xId).sort()).toEqual([...ids].sort());
      expect(server.totalConnections).toBeLessThanOrEqual(6); // one to validate, five kept
      await app.call('DELETE', `/v1/servers/${added.body.id}`);
      await server.stop();
    });

    test.skipIf(!existsSync(SMTP_SINK))(
      'through smtp-sink of Postfix (skipped without the Debian package postfix)',
      async () => {
        const folder = mkdtempSync(join(tmpdir(), 'mailwright-sink-'));
        const port = await freePort();
        const sink = await startSink(port, join(folder, 'mail'));
        const added = await app.call('POST', '/v1/servers', {
          type: 'generic',
          host: '127.0.0.1',
          port,
          security: 'none',
          allowPrivate: true,
        });
        expect(added.status).toBe(201);
        const ids = await sendThousand(app);
        sink.kill('SIGTERM');
        await once(sink, 'exit');
        const arrived = [
          ...readFileSync(join(folder, 'mail'), 'latin1').matchAll(/^X-Mailwright-ID: (\S+)/gm),
        ].map(([, id]) => id);
        expect(arrived.sort()).toEqual([...ids].sort());
        rmSync(folder, { recursive: true });
      },
    );
  },
);

/** smtp-sink cannot take a port of its own choosing. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function startSink(port: number, file: string): Promise<ChildProcess> {
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : [];
  const sink = spawn(SMTP_SINK, [...user, '-D', file, `127.0.0.1:${port}`, '100'], { stdio: 'ignore' });
  while (!(await answers(port))) if (sink.exitCode !== null) throw new Error('smtp-sink did not start');
  return sink;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== undefined));
    socket.on('error', () => resolve(false));
  });
}
