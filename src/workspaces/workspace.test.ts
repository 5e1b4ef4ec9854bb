import { beforeEach, describe, expect, test } from 'vitest';
import { storeServer } from '../servers/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';

let clock: FakeClock;
let running: TestApp;
beforeEach(async () => {
  clock = new FakeClock();
  running = await testApp({ start: false, clock });
  return () => running.stop();
});

test('a workspace is in sandbox until a server is connected', async () => {
  expect((await running.call('GET', '/v1/workspace')).body).toEqual({
    id: running.workspaceId,
    name: 'Example',
    mode: 'sandbox',
    routing: 'random',
    defaultFrom: 'owner@example.com',
    createdAt: '2026-11-23T12:00:00.000Z',
  });
  await storeServer(running.app.db, { id: 'srv_1', workspaceId: running.workspaceId });
  expect((await running.call('GET', '/v1/workspace')).body.mode).toBe('live');
});

describe('a change', () => {
  test.each<[object, object]>([
    [{ name: ' New name ' }, { name: 'New name', routing: 'random' }],
    [{ routing: 'cheapest' }, { name: 'Example', routing: 'cheapest' }],
    [{ defaultFrom: 'Shop <shop@example.com>' }, { defaultFrom: 'Shop <shop@example.com>' }],
    [{ defaultFrom: null }, { defaultFrom: null }],
    [{ defaultFrom: '' }, { defaultFrom: null }],
    [{}, { name: 'Example', defaultFrom: 'owner@example.com' }],
  ])('%j is kept', async (change, expected) => {
    expect((await running.call('PATCH', '/v1/workspace', change)).body).toMatchObject(expected);
    expect((await running.call('GET', '/v1/workspace')).body).toMatchObject(expected);
  });

  test.each<[object, string, string]>([
    [{ name: '' }, 'workspace_required', 'workspace'],
    [{ name: 'a\tb' }, 'workspace_invalid', 'workspace'],
    [{ defaultFrom: 'nobody' }, 'address_invalid', 'defaultFrom'],
    [{ defaultFrom: 'a@example.com, b@example.com' }, 'one_from', 'defaultFrom'],
    [{ routing: 'best' }, 'field_invalid', 'routing'],
    [{ defaultform: 'a@example.com' }, 'unknown_field', 'defaultform'],
  ])('%j is refused with %s', async (change, code, field) => {
    const { status, body } = await running.call('PATCH', '/v1/workspace', change);
    expect([status, body.error.code, body.error.field]).toEqual([422, code, field]);
    expect((await running.call('GET', '/v1/workspace')).body).toMatchObject({
      name: 'Example',
      routing: 'random',
    });
  });
});

test('/v1/me tells of servers that wait and of messages that need a decision', async () => {
  const { db } = running.app;
  const waiting = { failures: 1, waitingUntil: clock.now() + 1, code: 'server_busy', reason: 'Busy.' };
  await storeServer(db, { id: 'srv_1', workspaceId: running.workspaceId, name: 'Well' });
  await storeServer(db, { id: 'srv_2', workspaceId: running.workspaceId, name: 'Unwell', health: waiting });
  await running.call('POST', '/v1/messages', { rcpt: 'ann@example.org', subject: 'Hi', text: 'Hi' });
  await db.write((tx) => tx.updateTable('messages').set({ state: 'uncertain' }).execute());
  expect((await running.call('GET', '/v1/me')).body.state).toEqual({
    paused: null,
    servers: 2,
    unwellServers: [{ id: 'srv_2', name: 'Unwell' }],
    uncertain: 1,
    notices: 0,
  });
});
