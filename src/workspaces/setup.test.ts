import { describe, expect, onTestFinished, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { OWNER, testApp } from '../testing/test-app.ts';
import { firstRunToken } from './setup.ts';

/** A program that waits for its first user. */
async function fresh() {
  const running = await testApp({
    start: false,
    clock: new FakeClock(),
    known: { apiKey: 'none', workspaceId: '' },
  });
  onTestFinished(() => running.stop());
  const { db } = running.app;
  const token = (await firstRunToken(db))!;
  const setup = (changed: object = {}) =>
    running.call('POST', '/v1/setup', { token, ...OWNER, ...changed }, { authorization: '' });
  const count = async (table: 'workspaces' | 'users' | 'api_keys' | 'members' | 'sessions') =>
    (await db.read.selectFrom(table).selectAll().execute()).length;
  return { ...running, db, token, setup, count };
}

test('the first user gets a workspace, a key that works and a session', async () => {
  const { setup, app } = await fresh();
  const { status, body, headers } = await setup();
  expect(status).toBe(201);
  const me = (given: Record<string, string>) => app.request('/v1/me', { headers: given });
  const byKey = await (await me({ authorization: `Bearer ${body.apiKey}` })).json();
  expect(byKey).toMatchObject({
    user: null,
    workspace: { id: body.workspaceId, name: 'Example', mode: 'sandbox' },
  });
  const cookie = headers.get('set-cookie')!.split(';')[0]!;
  expect(await (await me({ cookie })).json()).toMatchObject({
    user: { email: OWNER.email },
    role: 'owner',
    workspace: { defaultFrom: OWNER.email },
  });
});

test('it happens once', async () => {
  const { setup, call, db, count } = await fresh();
  expect((await call('GET', '/v1/setup')).body).toEqual({ needed: true });
  await setup();
  expect((await call('GET', '/v1/setup')).body).toEqual({ needed: false });
  const again = await setup({ email: 'second@example.com' });
  expect(again).toMatchObject({ status: 409, body: { error: { code: 'setup_done' } } });
  expect(await count('users')).toBe(1);
  expect(await firstRunToken(db)).toBeUndefined();
});

test('of two at the same moment one wins, and nothing of the other stays', async () => {
  const { setup, count } = await fresh();
  const answers = await Promise.all([setup(), setup({ email: 'second@example.com' })]);
  expect(answers.map((one) => one.status).sort()).toEqual([201, 409]);
  expect([
    await count('users'),
    await count('workspaces'),
    await count('members'),
    await count('api_keys'),
  ]).toEqual([1, 1, 1, 1]);
});

describe('the token of the first-run link', () => {
  test('stays the same until it is used', async () => {
    const { db, token } = await fresh();
    expect(await firstRunToken(db)).toBe(token);
  });

  test('is one, also when two ask for the first time together', async () => {
    const running = await testApp({ start: false, known: { apiKey: 'none', workspaceId: '' } });
    onTestFinished(() => running.stop());
    const tokens = await Promise.all([firstRunToken(running.app.db), firstRunToken(running.app.db)]);
    expect(tokens[0]).toBe(tokens[1]);
    expect(await firstRunToken(running.app.db)).toBe(tokens[0]);
  });

  test.each(['', 'wrong', 'x'.repeat(10_000)])('must be right: %.20j', async (token) => {
    const { setup, count } = await fresh();
    const { status, body } = await setup({ token });
    expect([status, body.error.code, body.error.field]).toEqual([403, 'setup_token_invalid', 'token']);
    expect(await count('users')).toBe(0);
  });
});

test.each<[object, string, string]>([
  [{ email: 'ann' }, 'address_invalid', 'email'],
  [{ email: '' }, 'address_invalid', 'email'],
  [{ email: undefined }, 'email_required', 'email'],
  [{ password: '' }, 'password_required', 'password'],
  [{ password: 'seven77' }, 'password_too_short', 'password'],
  [{ password: 'Password1' }, 'password_common', 'password'],
  [{ password: 'x'.repeat(5_000) }, 'password_too_long', 'password'],
  [{ workspace: '  ' }, 'workspace_required', 'workspace'],
  [{ workspace: 'x'.repeat(101) }, 'workspace_invalid', 'workspace'],
  [{ workspace: 'a\nb' }, 'workspace_invalid', 'workspace'],
  [{ worspace: 'Example' }, 'unknown_field', 'worspace'],
])('%j is refused with %s', async (changed, code, field) => {
  const { setup, count } = await fresh();
  const { status, body } = await setup(changed);
  expect([status, body.error.code, body.error.field]).toEqual([422, code, field]);
  expect(await count('workspaces')).toBe(0);
});
