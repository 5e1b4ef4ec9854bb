import { beforeEach, describe, expect, test } from 'vitest';
import type { FakeServer } from '../demo-smtp/server.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { connectServer } from '../testing/servers.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { fakeServer } from '../transport/testing.ts';

const PASSWORD = 'correct horse';

let clock: FakeClock;
let running: TestApp;
let smtp: FakeServer;
let id: string;
beforeEach(async () => {
  clock = new FakeClock();
  running = await testApp({ start: false, clock });
  smtp = await fakeServer({ security: 'starttls', users: { shop: PASSWORD, second: 'other' } });
  id = await connect('First');
  return () => running.stop();
});

const connect = (name: string) =>
  connectServer(running, smtp, {
    name,
    security: 'starttls',
    username: 'shop',
    password: PASSWORD,
    tlsCa: smtp.caPem,
  });
const change = (given: object) => running.call('PATCH', `/v1/servers/${id}`, given);
const stored = async () => (await running.call('GET', `/v1/servers/${id}`)).body;

describe('a change', () => {
  test.each<object>([
    { name: 'Renamed' },
    { allowedFrom: ['@example.com'] },
    { limits: { perHour: 10 } },
    { maxConnections: 1 },
    { weight: 3, costPerThousand: 1, reserve: 2 },
    {},
  ])('of what is ours is stored without a session: %j', async (given) => {
    const before = smtp.totalConnections;
    const { status, body } = await change(given);
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...given, hasPassword: true });
    expect(smtp.totalConnections).toBe(before);
    expect(await stored()).toEqual(body);
  });

  test('of how it is reached is tried first, with the stored password', async () => {
    const { status, body } = await change({ heloName: 'mail.example.com' });
    expect([status, body.heloName]).toEqual([200, 'mail.example.com']);
    const said = smtp.commands.get(smtp.totalConnections)!.join('\n');
    expect(said).toContain('EHLO mail.example.com');
    expect(said).toContain('AUTH');
  });

  test('of the password is tried first, and a wrong one changes nothing', async () => {
    const before = await stored();
    const wrong = await change({ password: 'wrong', name: 'Renamed' });
    expect([wrong.status, wrong.body.error.code]).toEqual([422, 'auth_rejected']);
    expect(await stored()).toEqual(before);
    expect((await running.call('POST', `/v1/servers/${id}/verify`)).status).toBe(200);
    expect((await change({ username: 'second', password: 'other' })).status).toBe(200);
    expect((await running.call('POST', `/v1/servers/${id}/verify`)).body.username).toBe('second');
  });

  test.each<[string, object]>([
    ['another host', { host: 'localhost' }],
    ['another user', { username: 'second' }],
    ['weaker encryption', { security: 'none' }],
    ['another trust', { tlsCa: null }],
    ['another certificate', { tlsFingerprint: 'ab'.repeat(32) }],
    ['another name in it', { tlsServerName: 'localhost' }],
    ['another type', { type: 'gmail' }],
  ])('to %s wants the password again, and does not send it there', async (_, given) => {
    const [before, connections] = [await stored(), smtp.totalConnections];
    const { status, body } = await change(given);
    expect([status, body.error.code, body.error.field]).toEqual([422, 'password_reentry', 'password']);
    expect(smtp.totalConnections).toBe(connections);
    expect(await stored()).toEqual(before);
  });

  test('to another host with the password is fine', async () => {
    expect((await change({ host: 'localhost', password: PASSWORD })).body).toMatchObject({
      host: 'localhost',
    });
  });

  test('to the same values is none', async () => {
    const { host, username, security, tlsCa } = await stored();
    expect((await change({ host, username, security, tlsCa })).status).toBe(200);
  });

  test('that removes the user removes the password with it', async () => {
    const open = await fakeServer({ security: 'none' });
    await connectServer(running, open);
    const { status, body } = await change({ username: null, port: open.port, security: 'none', tlsCa: null });
    expect([status, body.username, body.hasPassword]).toEqual([200, null, false]);
  });

  test('of a server that is gone is 404', async () => {
    await running.call('DELETE', `/v1/servers/${id}`);
    expect((await change({ name: 'x' })).status).toBe(404);
  });

  test('is in the audit log, by the names of its fields', async () => {
    await change({ name: 'Renamed', weight: 2 });
    const rows = await running.app.db.read.selectFrom('audit_log').selectAll().orderBy('id').execute();
    expect(rows.at(-1)).toMatchObject({
      action: 'server.changed',
      target: id,
      detail: '{"fields":["name","weight"]}',
    });
  });
});

describe('checking again', () => {
  const wait = () =>
    running.app.db.write((tx) =>
      tx
        .updateTable('servers')
        .set({
          failures: 3,
          waiting_until: clock.now() + 60_000,
          waiting_code: 'server_busy',
          waiting_reason: 'Busy.',
        })
        .execute(),
    );

  test('ends the waiting when it signs in', async () => {
    await wait();
    expect((await running.call('GET', `/v1/servers/${id}/health`)).body).toEqual({
      status: 'waiting',
      until: '2026-11-23T12:01:00.000Z',
      code: 'server_busy',
      reason: 'Busy.',
      failures: 3,
    });
    expect((await running.call('POST', `/v1/servers/${id}/verify`)).body.health.status).toBe('well');
    expect((await running.call('GET', `/v1/servers/${id}/health`)).body.failures).toBe(0);
  });

  test('changes nothing when it does not', async () => {
    await wait();
    smtp.setScript([{ stage: 'auth', fault: 'refuse' }]);
    expect((await running.call('POST', `/v1/servers/${id}/verify`)).status).toBe(422);
    expect((await running.call('GET', `/v1/servers/${id}/health`)).body.failures).toBe(3);
  });

  test('is not needed for a change of the name: the server goes on waiting', async () => {
    await wait();
    expect((await change({ name: 'Renamed' })).body.health).toMatchObject({ status: 'waiting', failures: 3 });
  });
});

describe('deleting', () => {
  const template = (slug: string, server: string | null) =>
    running.call('POST', '/v1/templates', { slug, subject: 'Hi', html: '<p>Hi</p>', server });
  const serverOf = async (slug: string) => (await running.call('GET', `/v1/templates/${slug}`)).body.server;

  test('clears the server from its templates, and the last one brings back the sandbox', async () => {
    await template('one', id);
    await template('two', id);
    await template('free', null);
    const { status, body } = await running.call('DELETE', `/v1/servers/${id}`);
    expect([status, body]).toEqual([
      200,
      { clearedTemplates: ['one', 'two'], movedTo: null, waiting: 0, mode: 'sandbox' },
    ]);
    expect([await serverOf('one'), await serverOf('two'), await serverOf('free')]).toEqual([
      null,
      null,
      null,
    ]);
    expect((await running.call('GET', '/v1/workspace')).body.mode).toBe('sandbox');
    expect((await running.call('GET', `/v1/servers/${id}`)).status).toBe(404);
  });

  test('moves them to another when asked', async () => {
    const second = await connect('Second');
    await template('one', id);
    await template('other', second);
    const { body } = await running.call('DELETE', `/v1/servers/${id}?moveTo=${second}`);
    expect(body).toEqual({ clearedTemplates: ['one'], movedTo: second, waiting: 0, mode: 'live' });
    expect([await serverOf('one'), await serverOf('other')]).toEqual([second, second]);
  });

  test.each(['srv_unknown', 'itself'])('to %s is refused, and nothing is deleted', async (to) => {
    await template('one', id);
    const { status, body } = await running.call(
      'DELETE',
      `/v1/servers/${id}?moveTo=${to === 'itself' ? id : to}`,
    );
    expect([status, body.error.code]).toEqual([404, 'server_not_found']);
    expect(await serverOf('one')).toBe(id);
  });

  test('tells how many messages wait, and they stay queued', async () => {
    const sent = await running.call('POST', '/v1/messages', {
      rcpt: 'ann@example.org',
      subject: 'Hi',
      text: 'Hi',
    });
    const { body } = await running.call('DELETE', `/v1/servers/${id}`);
    expect(body).toMatchObject({ waiting: 1, mode: 'sandbox' });
    const after = (await running.call('GET', `/v1/messages/${sent.body.id}`)).body;
    expect(after).toMatchObject({ status: 'queued', sandbox: false });
  });

  test('templates can be moved before, to another or to none', async () => {
    const second = await connect('Second');
    await template('one', id);
    const move = (to: string | null) => running.call('POST', `/v1/servers/${id}/move-templates`, { to });
    expect((await move(second)).body).toEqual({ moved: ['one'], to: second });
    expect(await serverOf('one')).toBe(second);
    expect((await move(null)).body).toEqual({ moved: [], to: null });
    expect((await move('srv_unknown')).status).toBe(404);
  });
});

test('the choice of a server is explained without sending', async () => {
  const second = await connect('Second');
  await running.call('PATCH', `/v1/servers/${second}`, { allowedFrom: ['@example.net'] });
  await running.call('POST', '/v1/templates', {
    slug: 'one',
    subject: 'Hi',
    html: '<p>Hi</p>',
    server: second,
  });
  const explain = async (given: object) => (await running.call('POST', '/v1/route/explain', given)).body;
  expect(await explain({ from: 'shop@example.com' })).toMatchObject({
    chosen: id,
    mode: 'random',
    ifFirstFails: null,
  });
  expect(await explain({ from: 'Shop <shop@example.net>', templateSlug: 'one' })).toMatchObject({
    chosen: second,
    mode: 'preferred',
  });
  expect(await explain({ templateSlug: 'one' })).toMatchObject({ chosen: null, mode: 'none' });
});
