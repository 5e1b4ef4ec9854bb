import { readdirSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startFakeServer } from '../demo-smtp/server.ts';
import { hold } from '../messages/hand-over.ts';
import { type NewMessage, rowOf } from '../messages/store.ts';
import { LEASE_MS } from '../queue/delivery.ts';
import { messageRow, NOON } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { ARRIVED, CLOSED, RECEIVED, STARTED, type Told } from '../testing/sender.ts';
import { connectServer } from '../testing/servers.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { MAX_OF_WORKSPACE } from './hand-room.ts';
import { SendingThread } from './sending-thread.ts';

const ENTRY = new URL('../testing/sender.ts', import.meta.url);
const WORKSPACE = 'wsp_a';

async function running() {
  const clock = new FakeClock(NOON);
  const signals = new Int32Array(new SharedArrayBuffer(16));
  const thread = await SendingThread.open(
    ENTRY,
    { data: { signals: signals.buffer, oldest: NOON } satisfies Told },
    clock,
  );
  let isStopped = false;
  const stop = async () => {
    isStopped = true;
    await thread.stop(0);
  };
  onTestFinished(() => (isStopped ? undefined : stop()));
  const raised = async (at: number, count = 1) => {
    for (;;) {
      const now = Atomics.load(signals, at);
      if (now >= count) return;
      await Atomics.waitAsync(signals, at, now).value;
    }
  };
  return { clock, thread, stop, raised, signals };
}

let number = 0;
function message(): NewMessage {
  const id = `msg_${++number}`;
  return { ...messageRow({ id, workspace_id: WORKSPACE }), lease_owner: null, content: 'text' } as NewMessage;
}

/** As the intake does it. @returns whether the message has a lease of the thread's worker */
function store({ intake: { handOver } }: SendingThread): boolean {
  const one = message();
  const { leases, end } = handOver.reserve([one]);
  if (leases[0]) hold(one, leases[0]);
  end([rowOf(one)]);
  return leases[0]?.owner === 'me';
}

/** Waits for the thread to have told of a turn: it is nudged, and asked again, until the condition holds. */
async function untilTold(thread: SendingThread, holds: () => boolean): Promise<void> {
  while (!holds()) {
    thread.nudge();
    await new Promise((turn) => setImmediate(turn));
  }
}

describe('sending in a thread of its own', () => {
  test('has no room before it says so; what is stored then waits in its lane, and it is told', async () => {
    const { thread, raised } = await running();
    expect(store(thread)).toBe(false);
    await raised(ARRIVED, 2);
  });

  test('is given what is stored, and says what has left its hand', async () => {
    const { thread, raised } = await running();
    let stored = 0;
    await untilTold(thread, () => store(thread) && ++stored > 0);
    await raised(RECEIVED, stored);
    while (store(thread)) stored++;
    expect(stored).toBe(MAX_OF_WORKSPACE);
    await raised(RECEIVED, stored);
    await untilTold(thread, () => store(thread));
  });

  test('lets calls in that were held back when its worker has taken what they wait for', async () => {
    const { thread, raised } = await running();
    await untilTold(thread, () => store(thread));
    const { backlog } = thread.intake;
    backlog.arrived(WORKSPACE, 1_000);
    await raised(RECEIVED);
    let isIn = false;
    await untilTold(thread, () => {
      void backlog.room(WORKSPACE).then(() => {
        isIn = true;
      });
      return isIn;
    });
  });

  test('carries once it is told to, and closes when it is stopped', async () => {
    const { thread, raised, stop, signals } = await running();
    expect(signals[STARTED]).toBe(0);
    thread.start();
    await raised(STARTED);
    expect(signals[CLOSED]).toBe(0);
    await stop();
    expect(signals[CLOSED]).toBe(1);
  });

  test('is stopped when nothing is on its way to it', async () => {
    const { thread, stop, raised, signals } = await running();
    await untilTold(thread, () => store(thread));
    await raised(RECEIVED);
    const before = signals[RECEIVED]!;
    const one = message();
    const { leases, end } = thread.intake.handOver.reserve([one]);
    hold(one, leases[0]!);
    const stopped = stop();
    await new Promise((turn) => setImmediate(turn));
    expect(signals[CLOSED]).toBe(0);
    end([rowOf(one)]);
    await stopped;
    expect(signals[RECEIVED]).toBe(before + 1);
  });

  test('lets others write while the database knows what the log says; else they wait until it does', async () => {
    const { clock, thread, raised } = await running();
    thread.start();
    await raised(STARTED);
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
