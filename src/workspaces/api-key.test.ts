import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { isWellFormed, newApiKey } from './api-key.ts';

describe('a key', () => {
  test('is recognized by its prefix, and every slip of the pen by its checksum', () => {
    const key = newApiKey();
    expect(key).toMatch(/^mw_live_[a-z2-9]{38}$/);
    expect(isWellFormed(key)).toBe(true);
    for (let at = 8; at < key.length; at++) {
      const slip = key[at] === 'a' ? 'b' : 'a';
      expect(isWellFormed(key.slice(0, at) + slip + key.slice(at + 1))).toBe(false);
    }
    for (const wrong of [
      '',
      key.slice(0, -1),
      `${key}a`,
      key.toUpperCase(),
      key.replace('mw_live_', 'mw_test_'),
    ])
      expect(isWellFormed(wrong)).toBe(false);
  });

  test('is never made twice', () => {
    expect(new Set(Array.from({ length: 100 }, newApiKey)).size).toBe(100);
  });
});

describe('calling with a key', () => {
  let clock: FakeClock;
  let running: TestApp;
  beforeEach(async () => {
    clock = new FakeClock();
    running = await testApp({ start: false, clock });
    return () => running.stop();
  });

  const withHeader = async (authorization: string | undefined) => {
    const response = await running.app.request('/v1/me', {
      headers: authorization === undefined ? {} : { authorization },
    });
    const body = (await response.json()) as { error?: { code: string; message: string } };
    return { status: response.status, code: body.error?.code, message: body.error?.message };
  };
  const idOfKey = async () => (await running.call('GET', '/v1/api-keys')).body.data[0].id;

  test.each([
    ['no header at all', undefined, 'api_key_missing'],
    ['an empty header', '', 'api_key_malformed'],
    ['another scheme', 'Basic b3duZXI6cGFzc3dvcmQ=', 'api_key_malformed'],
    ['no key', 'Bearer', 'api_key_malformed'],
    ['half a key', 'Bearer mw_live_abc', 'api_key_malformed'],
    ['somebody else’s token', 'Bearer sk_live_51Hxxxxxxxxxxxxxxxxxxxxxx', 'api_key_malformed'],
    ['a key of nobody', `Bearer ${newApiKey()}`, 'api_key_unknown'],
  ])('%s is 401 with a code of its own', async (_, header, code) => {
    expect(await withHeader(header)).toMatchObject({ status: 401, code });
  });

  test.each(['Bearer ', 'bearer ', 'BEARER  '])('%jand the key is enough', async (scheme) => {
    expect((await withHeader(`${scheme}${running.apiKey}`)).status).toBe(200);
  });

  test('a replaced key is told from one that never was', async () => {
    const { status, body } = await running.call('POST', `/v1/api-keys/${await idOfKey()}/regenerate`);
    expect(status).toBe(201);
    expect(body.key).not.toBe(running.apiKey);
    expect(body.ending).toBe(body.key.slice(-4));
    expect(await withHeader(`Bearer ${running.apiKey}`)).toMatchObject({
      status: 401,
      code: 'api_key_revoked',
    });
    expect((await withHeader(`Bearer ${body.key}`)).status).toBe(200);
  });

  test('a removed key stops at once, and cannot be removed or replaced again', async () => {
    const made = (await running.call('POST', '/v1/api-keys', { name: 'Shop' })).body;
    expect((await running.call('DELETE', `/v1/api-keys/${made.id}`)).status).toBe(204);
    expect(await withHeader(`Bearer ${made.key}`)).toMatchObject({ code: 'api_key_revoked' });
    for (const [method, path] of [
      ['DELETE', `/v1/api-keys/${made.id}`],
      ['POST', `/v1/api-keys/${made.id}/regenerate`],
    ] as const)
      expect(await running.call(method, path)).toMatchObject({
        status: 404,
        body: { error: { code: 'api_key_not_found' } },
      });
  });

  test('of two replacements at the same moment one wins', async () => {
    const id = await idOfKey();
    const answers = await Promise.all(
      [1, 2].map(() => running.call('POST', `/v1/api-keys/${id}/regenerate`)),
    );
    expect(answers.map((one) => one.status).sort()).toEqual([201, 404]);
  });

  test('an expired key is told so, from the very millisecond', async () => {
    await running.app.db.write((tx) =>
      tx
        .updateTable('api_keys')
        .set({ expires_at: clock.now() + 1 })
        .execute(),
    );
    expect((await withHeader(`Bearer ${running.apiKey}`)).status).toBe(200);
    clock.advance(1);
    expect(await withHeader(`Bearer ${running.apiKey}`)).toMatchObject({
      status: 401,
      code: 'api_key_expired',
    });
  });

  test('each refusal says what to do', async () => {
    expect((await withHeader(undefined)).message).toContain('Authorization: Bearer');
    expect((await withHeader('Bearer x')).message).toContain('mw_live_');
  });

  test('a key that only sends may not change settings', async () => {
    await running.app.db.write((tx) => tx.updateTable('api_keys').set({ scope: 'send' }).execute());
    expect(await running.call('PATCH', '/v1/workspace', { name: 'x' })).toMatchObject({
      status: 403,
      body: { error: { code: 'role_missing' } },
    });
    expect((await running.call('POST', '/v1/events', { email: 'ann@example.org', slug: 'x' })).status).toBe(
      202,
    );
  });

  test('the key is shown once, and stored only as a hash', async () => {
    const made = (await running.call('POST', '/v1/api-keys', { name: 'Shop' })).body;
    const list = (await running.call('GET', '/v1/api-keys')).body.data;
    expect(list).toHaveLength(2);
    const rows = await running.app.db.read.selectFrom('api_keys').selectAll().execute();
    for (const text of [JSON.stringify(list), JSON.stringify(rows)]) {
      expect(text).not.toContain(made.key);
      expect(text).not.toContain(running.apiKey);
    }
  });
});
