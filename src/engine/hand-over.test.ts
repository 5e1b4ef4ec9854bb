import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Script } from '../demo-smtp/script.ts';
import { holdSending, releaseSending } from '../queue/pause.ts';
import { ENGINES } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { connectServer, sendMany } from '../testing/servers.ts';
import { type TestApp, type TestAppOptions, testApp } from '../testing/test-app.ts';
import { fakeServer } from '../transport/testing.ts';
import { secondWorkspace } from '../workspaces/testing.ts';
import { Claims } from './claims.ts';
import { Gate } from './gate.ts';

const SECOND = 1_000;
const LEASE = 60 * SECOND;

const rounds = vi.spyOn(Gate.prototype, 'closed');
/** Each look that finds nothing, whatever there is: what is sent then was not claimed. */
const blind = () => {
  const looks = vi.spyOn(Claims.prototype, 'look');
  looks.mockImplementation(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return { isMoreDue: false, isWorthAnother: false };
  });
  onTestFinished(() => looks.mockRestore());
  return looks;
};

/** Greets nobody until it may. */
function mute(): { script: Script; speak: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  onTestFinished(() => resolve());
  return { script: [{ stage: 'greet', fault: { delay: promise } }], speak: resolve };
}

/** A server with one connection, silent from here on where that is asked for. */
async function setting({ isMute = false, ...options }: TestAppOptions & { isMute?: boolean }) {
  const clock = new FakeClock();
  const app = await testApp({ clock, ...options });
  let isStopped = false;
  onTestFinished(() => (isStopped ? undefined : app.stop()));
  const smtp = await fakeServer({ security: 'none' });
  const serverId = await connectServer(app, smtp, { maxConnections: 1 });
  const { script, speak } = mute();
  if (isMute) {
    smtp.setScript(script);
    smtp.dropConnections();
  }
  await looked(app);
  const stop = async () => {
    isStopped = true;
    await app.stop({ keep: true });
  };
  return { app, clock, smtp, serverId, speak, stop };
}

/** On their way to a server with one connection; what follows stays in hand. */
const PLACES = 4;

/** The worker has begun two more rounds: the one before ended, and knows what was there at this moment. */
async function looked(app: TestApp): Promise<void> {
  const enough = rounds.mock.calls.length + 2;
  while (rounds.mock.calls.length < enough) {
    app.app.nudge();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function queued({ app }: TestApp) {
  const columns = ['id', 'lane', 'lease_owner', 'fence', 'due_at', 'created_at'] as const;
  const rows = app.db.read.selectFrom('messages').select(columns).where('state', '=', 'queued');
  return rows.orderBy('id').execute();
}

/** Waits until so many of the queued messages are held by nobody. @returns these */
async function given(app: TestApp, count: number) {
  const free = async () => (await queued(app)).filter((row) => row.lease_owner === null);
  await app.untilTrue(async () => (await free()).length === count);
  return free();
}

describe.each(ENGINES)('on $engine', ({ engine }) => {
  test('a message is sent without being looked for', async () => {
    const { app, smtp } = await setting({ engine });
    blind();
    const ids = await sendMany(app, 50);
    for (const id of ids) await app.until(id, 'sent');
    expect(new Set(smtp.ledger.map((entry) => entry.xId))).toEqual(new Set(ids));
    expect(smtp.ledger).toHaveLength(50);
  });

  test('only so many are begun as there are places at the server; all others wait in hand, in order', async () => {
    const { app, smtp, speak } = await setting({ engine, isMute: true });
    const ids = await sendMany(app, PLACES + 6);
    await looked(app);
    const rows = await queued(app);
    expect(new Set(rows.map((row) => row.lane))).toEqual(new Set([`new:${app.workspaceId}`]));
    expect(rows.filter((row) => row.lease_owner === null || row.fence !== 1)).toEqual([]);
    speak();
    for (const id of ids) await app.until(id, 'sent');
    expect(smtp.ledger.map((entry) => entry.xId)).toEqual(ids);
    const { attempts } = (await app.call('GET', `/v1/messages/${ids.at(-1)}`)).body;
    expect(attempts).toHaveLength(1);
  });

  test('what waits in the lane goes first', async () => {
    const { app, clock, smtp } = await setting({ engine });
    const held = { id: 'cli:test', workspaceId: app.workspaceId };
    await holdSending(app.app.db, held, clock.now());
    await looked(app);
    const [first] = await sendMany(app, 1);
    expect(await queued(app)).toMatchObject([{ id: first, lease_owner: null, fence: 0 }]);

    const looks = blind();
    await releaseSending(app.app.db, held, clock.now());
    await looked(app);
    clock.advance(1);
    const [second] = await sendMany(app, 1);
    await looked(app);
    expect((await queued(app)).map((row) => row.fence)).toEqual([0, 1]);
    expect(smtp.ledger).toEqual([]);
    looks.mockRestore();
    app.app.nudge();
    for (const id of [first!, second!]) await app.until(id, 'sent');
    expect(smtp.ledger.map((entry) => entry.xId)).toEqual([first, second]);
  });

  test('when sending is paused, what has not begun goes back, and can be cancelled', async () => {
    const { app, clock } = await setting({ engine, isMute: true });
    const ids = await sendMany(app, PLACES + 6);
    await looked(app);
    await holdSending(app.app.db, { id: 'cli:test', workspaceId: null }, clock.now());
    app.app.nudge();
    const back = await given(app, 6);
    expect(back.map((row) => row.id)).toEqual(ids.slice(PLACES).sort());
    for (const row of back)
      expect(row).toMatchObject({ lane: `new:${app.workspaceId}`, due_at: row.created_at });
    const last = ids.at(-1)!;
    expect((await app.call('GET', `/v1/messages/${last}`)).body.status).toBe('queued');
    expect((await app.call('POST', `/v1/messages/${last}/cancel`)).status).toBe(200);
    await sendMany(app, 1);
    expect(await given(app, 6)).toHaveLength(6);
  });

  test('what waits for too long goes back, and what follows waits in the lane behind it', async () => {
    const { app, clock } = await setting({ engine, isMute: true });
    await sendMany(app, PLACES + 6);
    await looked(app);
    clock.advance(5 * SECOND);
    app.app.nudge();
    await given(app, 6);
    await sendMany(app, 1);
    expect(await given(app, 7)).toHaveLength(7);
  });

  test('a stop gives back what has not begun', async () => {
    const { app, clock, stop } = await setting({ engine, isMute: true });
    await sendMany(app, PLACES + 6);
    await looked(app);
    await stop();
    const { dataDir, apiKey, workspaceId } = app;
    const known = { apiKey, workspaceId };
    const again = await testApp({ clock, engine, dataDir, known, start: false });
    onTestFinished(() => again.stop());
    expect(await given(again, PLACES + 6)).toHaveLength(PLACES + 6);
  });

  test('when the process dies with it, another takes it after the end of the lease', async () => {
    const { app, clock, smtp } = await setting({ engine });
    const { db } = app.app;
    const operator = { id: 'cli:test', workspaceId: null };
    await holdSending(db, operator, clock.now());
    await looked(app);
    const [id] = await sendMany(app, 1);
    const [row] = await queued(app);
    const held = { lease_owner: 'gone', fence: 1, due_at: row!.created_at + LEASE };
    await db.write((tx) => tx.updateTable('messages').set(held).execute());
    await releaseSending(db, operator, clock.now());
    clock.advance(LEASE - SECOND);
    await looked(app);
    expect(await queued(app)).toMatchObject([{ lease_owner: 'gone', fence: 1 }]);
    clock.advance(2 * SECOND);
    app.app.nudge();
    await app.until(id!, 'sent');
    expect(smtp.ledger).toHaveLength(1);
  });

  test('where another process sends, it waits in its lane', async () => {
    const app = await testApp({ engine, env: { ROLE: 'api' }, start: false });
    onTestFinished(() => app.stop());
    await connectServer(app, await fakeServer({ security: 'none' }));
    await sendMany(app, 1);
    expect(await queued(app)).toMatchObject([{ lease_owner: null, fence: 0 }]);
  });
});

test('a workspace with a silent server leaves places to the others', async () => {
  const { app, clock, smtp, serverId } = await setting({});
  const patched = await app.call('PATCH', `/v1/servers/${serverId}`, { maxConnections: 50 });
  expect(patched.status).toBe(200);
  const other = await secondWorkspace(app.app.db, clock);
  const asOther = { authorization: `Bearer ${other.apiKey}` };
  const others: TestApp = { ...app, call: (method, path, body) => app.call(method, path, body, asOther) };
  const quick = await fakeServer({ security: 'none' });
  await connectServer(others, quick);
  smtp.setScript(mute().script);
  await looked(app);
  blind();
  await sendMany(app, 400);
  await looked(app);
  await sendMany(others, 20, { from: 'shop@example.com' });
  await quick.waitFor(20);
  expect(smtp.ledger).toEqual([]);
});
