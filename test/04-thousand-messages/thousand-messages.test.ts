import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFakeServer } from '../../src/demo-smtp/server.ts';
import { ENGINES } from '../../src/storage/testing.ts';
import { answers, freePort } from '../../src/testing/ports.ts';
import { connectServer } from '../../src/testing/servers.ts';
import { type TestApp, testApp } from '../../src/testing/test-app.ts';

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
      const serverId = await connectServer(app, server, {
        security: 'starttls',
        username: 'demo',
        password: 'demo',
        tlsCa: server.caPem,
      });
      const ids = await sendThousand(app);
      expect(server.ledger.map((entry) => entry.xId).sort()).toEqual([...ids].sort());
      expect(server.totalConnections).toBeLessThanOrEqual(6); // one to validate, five kept
      await app.call('DELETE', `/v1/servers/${serverId}`);
      await server.stop();
    });

    test.skipIf(!existsSync(SMTP_SINK))(
      'through smtp-sink of Postfix (skipped without the Debian package postfix)',
      async () => {
        const folder = mkdtempSync(join(tmpdir(), 'mailwright-sink-'));
        const port = await freePort();
        const sink = await startSink(port, join(folder, 'mail'));
        await connectServer(app, { host: '127.0.0.1', port });
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

async function startSink(port: number, file: string): Promise<ChildProcess> {
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : [];
  const sink = spawn(SMTP_SINK, [...user, '-D', file, `127.0.0.1:${port}`, '100'], { stdio: 'ignore' });
  while (!(await answers(port))) if (sink.exitCode !== null) throw new Error('smtp-sink did not start');
  return sink;
}
