import { describe, expect, onTestFinished, test } from 'vitest';
import type { Script } from '../demo-smtp/script.ts';
import type { FakeServer } from '../demo-smtp/server.ts';
import { sandboxLane } from '../queue/delivery.ts';
import { insertRows } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { connectServer, sendMany } from '../testing/servers.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { fakeServer } from '../transport/testing.ts';

const MINUTE = 60_000;
const BUSY: Script = [{ stage: 'mail', fault: { reply: '451 4.3.2 System not accepting messages' } }];

async function setting(): Promise<{ app: TestApp; clock: FakeClock }> {
  const clock = new FakeClock();
  const app = await testApp({ clock });
  onTestFinished(() => app.stop());
  return { app, clock };
}

async function connected(app: TestApp, name: string): Promise<{ id: string; smtp: FakeServer }> {
  const smtp = await fakeServer({ security: 'none' });
  return { id: await connectServer(app, smtp, { name }), smtp };
}

const status = async (app: TestApp, id: string) => (await app.call('GET', `/v1/messages/${id}`)).body;

describe('a server that rests', () => {
  test('gives up the messages that may go elsewhere, also those that stood in its lane', async () => {
    const { app } = await setting();
    const [down, up] = [await connected(app, 'Down'), await connected(app, 'Up')];
    down.smtp.setScript(BUSY);
    const ids = await sendMany(app, 100);
    for (const id of ids) expect((await app.until(id, 'sent')).server.id).toBe(up.id);
    expect(down.smtp.ledger).toHaveLength(0);
    expect(new Set(up.smtp.ledger.map((entry) => entry.xId)).size).toBe(100);
    expect((await app.call('GET', `/v1/servers/${down.id}/health`)).body).toMatchObject({
      status: 'waiting',
      failures: 1,
    });
  });

  test('keeps the messages bound to it, and has all of them when it is back: first one, as a probe', async () => {
    const { app, clock } = await setting();
    const [down] = [await connected(app, 'Down'), await connected(app, 'Up')];
    await app.call('POST', '/v1/templates', { slug: 't', subject: 's', html: '<p>x</p>', server: down.id });
    down.smtp.setScript(BUSY);
    const bound = { subject: undefined, text: undefined, templateSlug: 't' };
    const ids = await sendMany(app, 60, bound);
    // Each has learned that its server rests, and no refusal is under way that would count after the clock is moved.
    await app.untilTrue(async () => {
      const { data } = (await app.call('GET', '/v1/messages?limit=200')).body;
      return data.every(
        (one: { code: string; status: string }) =>
          one.code === 'server_temporary' && one.status !== 'sending',
      );
    });
    expect((await app.call('GET', `/v1/servers/${down.id}/health`)).body.status).toBe('waiting');

    down.smtp.setScript([]);
    const before = down.smtp.totalConnections;
    clock.advance(MINUTE);
    app.app.nudge();
    for (const id of ids) expect((await app.until(id, 'sent')).server.id).toBe(down.id);
    expect(down.smtp.ledger).toHaveLength(60);
    expect(down.smtp.totalConnections - before).toBeLessThanOrEqual(6);
    expect((await app.call('GET', `/v1/servers/${down.id}/health`)).body).toMatchObject({
      status: 'well',
      failures: 0,
    });
  });

  test('uses up no message: they stay deferred with the reason until they expire', async () => {
    const { app, clock } = await setting();
    const only = await connected(app, 'Only');
    only.smtp.setScript(BUSY);
    const [id] = await sendMany(app, 1);
    const deferred = await app.until(id!, 'deferred');
    expect(deferred).toMatchObject({
      code: 'server_temporary',
      attempts: [{ outcome: 'server_deferral', stage: 'mail' }],
    });
    clock.advance(49 * 60 * MINUTE);
    app.app.nudge();
    const expired = await app.until(id!, 'expired');
    expect(expired.reason).toMatch(/^Not sent within 48 hours\. The last problem was: /);
  });
});

describe('a message that no server can take', () => {
  test('waits after the last server is gone, and goes out through the next one', async () => {
    const { app } = await setting();
    const first = await connected(app, 'First');
    first.smtp.setScript([{ stage: 'mail', fault: { reply: '451 4.3.2 later' } }]);
    const [id] = await sendMany(app, 1);
    await app.until(id!, 'deferred');
    expect((await app.call('DELETE', `/v1/servers/${first.id}`)).body).toMatchObject({
      waiting: 1,
      mode: 'sandbox',
    });
    app.app.nudge();
    await app.untilTrue(async () => (await status(app, id!)).code === 'no_server');
    const second = await connected(app, 'Second');
    app.app.nudge();
    expect((await app.until(id!, 'sent')).server.id).toBe(second.id);
  });

  test('that named a server which is deleted waits for a person, who lets it take any', async () => {
    const { app, clock } = await setting();
    const [named, other] = [await connected(app, 'Named'), await connected(app, 'Other')];
    const [id] = await sendMany(app, 1, {
      server: named.id,
      sendAt: new Date(clock.now() + 60 * MINUTE).toISOString(),
    });
    await app.call('DELETE', `/v1/servers/${named.id}`);
    clock.advance(61 * MINUTE);
    app.app.nudge();
    await app.untilTrue(async () => (await status(app, id!)).code === 'server_deleted');
    expect((await app.call('POST', `/v1/messages/${id}/resend`)).status).toBe(202);
    expect((await app.until(id!, 'sent')).server.id).toBe(other.id);
  });

  test('waits while its From is allowed nowhere, and says so', async () => {
    const { app } = await setting();
    const only = await connected(app, 'Only');
    await app.call('PATCH', `/v1/servers/${only.id}`, { allowedFrom: ['@other.example'] });
    const [id] = await sendMany(app, 1);
    await app.untilTrue(async () => (await status(app, id!)).code === 'no_server');
    expect((await status(app, id!)).reason).toContain('not allowed to send as owner@example.com');
    await app.call('PATCH', `/v1/servers/${only.id}`, { allowedFrom: ['@example.com'] });
    app.app.nudge();
    await app.until(id!, 'sent');
  });
});

describe('two workspaces', () => {
  test('share the worker: the one message of the second does not stand behind the thousands of the first', async () => {
    const { app, clock } = await setting();
    const row = (workspaceId: string, dueAt: number) => ({
      workspace_id: workspaceId,
      lane: sandboxLane(workspaceId),
      live: 0,
      due_at: dueAt,
      expires_at: clock.now() + MINUTE,
    });
    const many = Array.from({ length: 1_200 }, () => row('wsp_many', clock.now() - MINUTE));
    await insertRows(app.app.db, ...many);
    const [id] = await insertRows(app.app.db, row('wsp_one', clock.now()));
    app.app.nudge();
    const waiting = async (where: { id?: string }) => {
      const query = app.app.db.read.selectFrom('messages').select('id').where('state', '=', 'queued');
      return (await (where.id ? query.where('id', '=', where.id) : query).execute()).length;
    };
    await app.untilTrue(async () => (await waiting({ id: id! })) === 0);
    expect(await waiting({})).toBeGreaterThan(600);
    await app.untilTrue(async () => (await waiting({})) === 0);
  });
});

describe('messages that were claimed and could not be looked up', () => {
  test('are given back, with what they had reserved at their server', async () => {
    const { app, clock } = await setting();
    const { db } = app.app;
    const server = await connected(app, 'One');
    const limits = { perHour: 1 };
    expect((await app.call('PATCH', `/v1/servers/${server.id}`, { limits })).status).toBe(200);
    const sendAt = new Date(clock.now() + MINUTE).toISOString();
    const [id] = await sendMany(app, 1, { sendAt });
    const rows = () => db.read.selectFrom('messages').selectAll().where('id', '=', id!);
    await db.write((tx) => tx.updateTable('messages').set({ lane: server.id }).execute());
    await db.write((tx) => tx.schema.alterTable('suppressions').renameTo('away').execute());
    clock.advance(MINUTE);
    app.app.nudge();
    await app.untilTrue(async () => {
      const { fence, lease_owner } = await rows().executeTakeFirstOrThrow();
      return fence === 1 && lease_owner === null;
    });
    await db.write((tx) => tx.schema.alterTable('away').renameTo('suppressions').execute());
    clock.advance(MINUTE / 2);
    app.app.nudge();
    await app.until(id!, 'sent');
  });
});
