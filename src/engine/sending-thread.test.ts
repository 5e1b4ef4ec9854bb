import { readdirSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startFakeServer } from '../demo-smtp/server.ts';
import type { Intent } from '../messages/intake.ts';
import { LEASE_MS } from '../queue/delivery.ts';
import { NOON } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import type { Told } from '../testing/sender.ts';
import { connectServer } from '../testing/servers.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { SendingThread } from './sending-thread.ts';

const ENTRY = new URL('../testing/sender.ts', import.meta.url);

async function running() {
  const clock = new FakeClock(NOON);
  const closed = new SharedArrayBuffer(4);
  const thread = await SendingThread.open(ENTRY, { closed } satisfies Told, clock);
  let isStopped = false;
  const stop = async () => {
    isStopped = true;
    await thread.stop(0);
  };
  onTestFinished(() => (isStopped ? undefined : stop()));
  const take = (workspaceId: string) =>
    thread.intake.take({ workspaceId, drafts: [], now: NOON } satisfies Intent);
  return { clock, thread, take, stop, isClosed: () => new Int32Array(closed)[0] === 1 };
}

describe('sending in a thread of its own', () => {
  test('tells each call what became of it, whichever is over first', async () => {
    const { thread, take } = await running();
    const over: string[] = [];
    const calls = ['held', 'one', 'two'].map((id) => take(id).finally(() => over.push(id)));
    await Promise.all(calls.slice(1));
    thread.nudge();
    expect((await Promise.all(calls)).map(({ blocked }) => blocked)).toEqual([['held'], ['one'], ['two']]);
    expect(over).toEqual(['one', 'two', 'held']);
  });

  test('tells the code of what failed, and goes on', async () => {
    const { take } = await running();
    const ended = await Promise.allSettled([take('full'), take('one')]);
    expect(ended).toMatchObject([
      { reason: { message: 'The disk is full.', code: 'SQLITE_FULL' } },
      { value: { blocked: ['one'] } },
    ]);
  });

  test('carries once it is told to, and closes when it is stopped', async () => {
    const { thread, take, stop, isClosed } = await running();
    expect((await take('one')).isRepeat).toBe(false);
    thread.start();
    expect((await take('one')).isRepeat).toBe(true);
    expect(isClosed()).toBe(false);
    await stop();
    expect(isClosed()).toBe(true);
  });

  test('lets others write while the database knows what the log says; else they wait until it does', async () => {
    const { clock, thread, take } = await running();
    await take('late');
    await thread.ready();
    clock.advance(LEASE_MS / 4 + 1);
    let isReady = false;
    const waiting = thread.ready().then(() => {
      isReady = true;
    });
    await Promise.resolve();
    expect(isReady).toBe(false);
    await waiting;
  });
});

describe('the whole program with its threads', () => {
  async function program(): Promise<TestApp> {
    const app = await testApp({ hasThreads: true });
    onTestFinished(() => app.stop());
    return app;
  }

  async function ended({ call }: TestApp, id: string): Promise<Record<string, unknown>> {
    for (;;) {
      const { body } = await call('GET', `/v1/messages/${id}`);
      if (!['queued', 'sending'].includes(body.status)) return body;
      await new Promise((turn) => setImmediate(turn));
    }
  }

  test('stores, carries and records; says of each call what became of it', async () => {
    const server = await startFakeServer({ security: 'none' });
    onTestFinished(() => server.stop());
    const app = await program();
    await connectServer(app, server);
    await app.call('POST', '/v1/suppressions', { email: 'blocked@example.org' });
    const letter = (rcpt: string) => ({ rcpt, subject: 's', text: 't' });
    const one = await app.call('POST', '/v1/messages', letter('ann@example.org'), { 'idempotency-key': 'k' });
    const repeat = await app.call('POST', '/v1/messages', letter('ann@example.org'), {
      'idempotency-key': 'k',
    });
    const messages = [letter('bob@example.org'), letter('nobody'), letter('blocked@example.org')];
    const batch = await app.call('POST', '/v1/messages/batch', { messages });
    expect([one.status, repeat.status, batch.status]).toEqual([202, 202, 202]);
    expect(repeat.body).toEqual(one.body);
    expect(batch.body.results).toMatchObject([
      { status: 'queued' },
      { error: { code: 'address_invalid' } },
      { status: 'blocked' },
    ]);
    expect(await ended(app, one.body.id)).toMatchObject({
      status: 'sent',
      serverMessageId: expect.anything(),
    });
    expect(await ended(app, batch.body.results[0].id)).toMatchObject({ status: 'sent' });
    expect(server.ledger).toHaveLength(2);
  });

  test('leaves nothing in its log when it is stopped', async () => {
    const server = await startFakeServer({ security: 'none' });
    onTestFinished(() => server.stop());
    const app = await testApp({ hasThreads: true });
    await connectServer(app, server);
    const { body } = await app.call('POST', '/v1/messages', {
      rcpt: 'ann@example.org',
      subject: 's',
      text: 't',
    });
    await ended(app, body.id);
    expect(readdirSync(app.dataDir).join()).toContain('journal-');
    await app.stop({ keep: true });
    expect(readdirSync(app.dataDir).join()).not.toContain('journal-');
  });
});
