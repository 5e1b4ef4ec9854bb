import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { holdSending, releaseSending } from '../queue/pause.ts';
import { FLOOR_BYTES } from '../storage/disk.ts';
import { ENGINES } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { connectServer } from '../testing/servers.ts';
import { type TestApp, type TestAppOptions, testApp } from '../testing/test-app.ts';
import { fakeServer } from '../transport/testing.ts';
import { Gate } from './gate.ts';

const OPERATOR = { id: 'cli:test', workspaceId: null };
const HOUR = 3_600_000;

async function setting(options: TestAppOptions) {
  const clock = new FakeClock();
  const running = await testApp({ clock, ...options });
  onTestFinished(() => running.stop());
  const smtp = await fakeServer({ security: 'none' });
  await connectServer(running, smtp, { name: 'One' });
  return { clock, running, smtp };
}

const send = (running: TestApp, changed: object = {}) =>
  running.call('POST', '/v1/messages', { rcpt: 'ann@example.org', subject: 's', text: 't', ...changed });
const paused = async (running: TestApp) => (await running.call('GET', '/v1/me')).body.state.paused;
const ready = async (running: TestApp) => (await running.call('GET', '/readyz')).body.sending;

const looks = vi.spyOn(Gate.prototype, 'closed');

/** The worker has begun two more looks at the queue: the one before ended, and claimed what it would. */
async function looked(running: TestApp): Promise<void> {
  const enough = looks.mock.calls.length + 2;
  while (looks.mock.calls.length < enough) {
    running.app.nudge();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe.each(ENGINES)('on $engine', ({ engine }) => {
  test('a paused installation accepts, claims nothing, says so, and goes on when it is released', async () => {
    const { clock, running, smtp } = await setting({ engine });
    expect([await paused(running), await ready(running)]).toEqual([null, 'on']);
    await holdSending(running.app.db, OPERATOR, clock.now());
    await looked(running);

    const { status, body } = await send(running);
    expect(status).toBe(202);
    await looked(running);
    expect((await running.call('GET', `/v1/messages/${body.id}`)).body.status).toBe('queued');
    expect(await paused(running)).toEqual({
      code: 'held',
      reason: 'Sending was paused by hand.',
      since: '2026-11-23T12:00:00.000Z',
    });
    expect(await ready(running)).toBe('paused');
    expect(smtp.ledger).toEqual([]);

    await releaseSending(running.app.db, OPERATOR, clock.now());
    running.app.nudge();
    await running.until(body.id, 'sent');
    expect([await paused(running), await ready(running)]).toEqual([null, 'on']);
  });

  test('a paused workspace waits until it is released, and both are audited', async () => {
    const { clock, running, smtp } = await setting({ engine });
    const { db } = running.app;
    const held = { id: 'cli:test', workspaceId: running.workspaceId };
    await holdSending(db, held, clock.now());
    await looked(running);
    const { body } = await send(running);
    await looked(running);
    expect((await running.call('GET', `/v1/messages/${body.id}`)).body.status).toBe('queued');
    expect(await paused(running)).toMatchObject({ code: 'held' });
    expect(await ready(running)).toBe('on');
    expect(smtp.ledger).toEqual([]);
    await releaseSending(db, held, clock.now());
    running.app.nudge();
    await running.until(body.id, 'sent');
    const { rows } = {
      rows: await db.read
        .selectFrom('audit_log')
        .select(['action', 'actor', 'workspace_id'])
        .where('action', 'like', 'queue.%')
        .orderBy('id')
        .execute(),
    };
    expect(rows).toEqual([
      { action: 'queue.held', actor: 'cli:test', workspace_id: running.workspaceId },
      { action: 'queue.released', actor: 'cli:test', workspace_id: running.workspaceId },
    ]);
  });

  test('started with --restored it is paused until it is released', async () => {
    const { clock, running } = await setting({ engine, restored: true });
    expect(await paused(running)).toMatchObject({
      code: 'restored',
      reason: expect.stringContaining('--restored'),
    });
    const { body } = await send(running);
    clock.advance(HOUR);
    await looked(running);
    expect((await running.call('GET', `/v1/messages/${body.id}`)).body.status).toBe('queued');
    await releaseSending(running.app.db, OPERATOR, clock.now());
    running.app.nudge();
    await running.until(body.id, 'sent');
  });
});

test('a disk below its floor refuses sends with 503 and holds the queue; both go on by themselves', async () => {
  const space = { free: 10 * FLOOR_BYTES };
  const { clock, running, smtp } = await setting({ freeSpace: async () => space.free });
  const later = (await send(running, { sendAt: '2026-11-23T13:00:00Z' })).body.id;
  const key = { 'idempotency-key': 'first' };
  const first = await running.call(
    'POST',
    '/v1/messages',
    { rcpt: 'b@example.org', subject: 's', text: 't' },
    key,
  );
  await running.until(first.body.id, 'sent');

  space.free = FLOOR_BYTES - 1;
  await running.app.disk.look();
  clock.advance(HOUR);
  const refused = await send(running);
  expect([refused.status, refused.body.error.code, refused.headers.get('retry-after')]).toEqual([
    503,
    'disk_full',
    '60',
  ]);
  const batch = await running.call('POST', '/v1/messages/batch', {
    messages: [{ rcpt: 'a@example.org', subject: 's', text: 't' }],
  });
  expect(batch.status).toBe(503);
  // What was accepted before is still answered for.
  const replay = await running.call(
    'POST',
    '/v1/messages',
    { rcpt: 'b@example.org', subject: 's', text: 't' },
    key,
  );
  expect([replay.status, replay.body.id]).toEqual([202, first.body.id]);
  await looked(running);
  expect((await running.call('GET', `/v1/messages/${later}`)).body.status).toBe('queued');
  expect(await paused(running)).toMatchObject({ code: 'disk_full', since: null });
  expect(await ready(running)).toBe('disk_full');

  space.free = 10 * FLOOR_BYTES;
  await running.app.disk.look();
  running.app.nudge();
  await running.until(later, 'sent');
  expect((await send(running)).status).toBe(202);
  expect(smtp.ledger.map((entry) => entry.xId)).toContain(later);
});
