import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { secondWorkspace } from '../workspaces/testing.ts';
import { bodyHash, checkIdempotencyKey, forgetOldKeys, KEPT_MS } from './idempotency.ts';

const INLINE = { rcpt: 'ann@example.org', subject: 'Hello', text: 'Hello Ann' };

describe('a key', () => {
  test.each(['a', 'order-7', 'x'.repeat(255), 'with blank inside', '~!"#{}'])('%.30s is one', (key) => {
    expect(checkIdempotencyKey(new Headers({ 'idempotency-key': key }))).toBe(key);
  });

  test('may be missing', () => {
    expect(checkIdempotencyKey(new Headers())).toBeUndefined();
  });

  test.each(['', 'x'.repeat(256), 'sch\u00f6n', 'a\tb'])('%.30j is none', (key) => {
    expect(() => checkIdempotencyKey(new Headers({ 'idempotency-key': key }))).toThrow(
      expect.objectContaining({ code: 'idempotency_key_invalid', status: 400, field: 'Idempotency-Key' }),
    );
  });
});

test('the hash of a body does not depend on the order of its keys, and on everything else', () => {
  const hash = bodyHash({ a: 1, b: { c: [1, 2], d: null } });
  expect(bodyHash({ b: { d: null, c: [1, 2] }, a: 1 })).toBe(hash);
  for (const other of [{ a: 1, b: { c: [2, 1], d: null } }, { a: '1', b: { c: [1, 2], d: null } }, { a: 1 }])
    expect(bodyHash(other)).not.toBe(hash);
});

describe('a call with a key', () => {
  let clock: FakeClock;
  let running: TestApp;
  beforeEach(async () => {
    clock = new FakeClock();
    running = await testApp({ start: false, clock });
    return () => running.stop();
  });
  const send = (body: object, key = 'k1', headers: Record<string, string> = {}) =>
    running.call('POST', '/v1/messages', body, { 'idempotency-key': key, ...headers });
  const count = async () => (await running.app.db.read.selectFrom('messages').select('id').execute()).length;

  test('and the same body gets the first answer again', async () => {
    const first = await send({ ...INLINE, cc: ['bob@example.org'] });
    const again = await send({ cc: ['bob@example.org'], ...INLINE });
    expect([again.status, again.body]).toEqual([202, first.body]);
    expect([first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([
      null,
      'true',
    ]);
    expect(await count()).toBe(2);
  });

  test('and another body is refused, naming the first', async () => {
    const first = await send(INLINE);
    const { status, body } = await send({ ...INLINE, subject: 'Other' });
    expect([status, body.error.code, body.error.field]).toEqual([
      422,
      'idempotency_key_reused',
      'Idempotency-Key',
    ]);
    expect(body.error.detail).toEqual({ firstAt: '2026-11-23T12:00:00.000Z', id: first.body.id });
    expect(body.error.message).toBe(
      `This Idempotency-Key was used at 2026-11-23T12:00:00.000Z for ${first.body.id} with another body. Use a new key for a new message.`,
    );
    expect(await count()).toBe(1);
  });

  test('sent many times at the same moment is stored once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => send(INLINE)));
    const accepted = answers.filter((one) => one.status === 202);
    const waiting = answers.filter((one) => one.status === 409);
    // A call that meets the first one under way is told to wait; it is never a second message.
    expect([accepted.length, waiting.length]).toEqual([1, 9]);
    for (const one of waiting)
      expect([one.body.error.code, one.headers.get('retry-after')]).toEqual(['idempotency_in_progress', '1']);
    expect((await send(INLINE)).body).toEqual(accepted[0]!.body);
    expect(await count()).toBe(1);
  });

  test('and two bodies at the same moment: one wins', async () => {
    const answers = await Promise.all([send(INLINE), send({ ...INLINE, subject: 'Other' })]);
    expect(answers.map((one) => one.status).sort()).toEqual([202, 422]);
    expect(answers[1]!.body.error.detail.id).toBe(answers[0]!.body.id);
    expect(await count()).toBe(1);
  });

  test('and the other body may be the one that is right', async () => {
    const answers = await Promise.all([send({ ...INLINE, rcpt: 'ann' }), send(INLINE)]);
    expect(answers.map((one) => one.status)).toEqual([422, 202]);
    expect(answers[0]!.body.error.code).toBe('address_invalid');
  });

  test('that was refused may be mended and sent again under it', async () => {
    expect((await send({ ...INLINE, rcpt: 'ann' })).status).toBe(422);
    expect(
      (await send({ ...INLINE, templateSlug: 'unknown', subject: undefined, text: undefined })).status,
    ).toBe(404);
    expect((await send(INLINE)).status).toBe(202);
  });

  test('and an unusable one is refused before anything is stored', async () => {
    const { status, body } = await send(INLINE, 'x'.repeat(256));
    expect([status, body.error.code]).toEqual([400, 'idempotency_key_invalid']);
    expect(await count()).toBe(0);
  });

  test('of one workspace does not touch another’s', async () => {
    const other = await secondWorkspace(running.app.db, systemClock);
    const first = await send(INLINE);
    const second = await send({ ...INLINE, subject: 'Other' }, 'k1', {
      authorization: `Bearer ${other.apiKey}`,
    });
    expect([second.status, second.body.id === first.body.id]).toEqual([202, false]);
  });

  test('holds for every API key of the workspace', async () => {
    const { key } = (await running.call('POST', '/v1/api-keys', { name: 'Second' })).body;
    const first = await send(INLINE);
    const again = await send(INLINE, 'k1', { authorization: `Bearer ${key}` });
    expect(again.body).toEqual(first.body);
  });

  test('is remembered for seven days, and not longer', async () => {
    expect(KEPT_MS).toBe(7 * 24 * 3_600_000);
    const first = await send(INLINE);
    const forget = () => running.app.db.write((tx) => forgetOldKeys(tx, clock.now()));
    clock.advance(KEPT_MS);
    await forget();
    expect((await send(INLINE)).body.id).toBe(first.body.id);
    clock.advance(1);
    await forget();
    expect((await send(INLINE)).body.id).not.toBe(first.body.id);
  });

  test('works for a batch as a whole', async () => {
    const batch = (messages: object[]) =>
      running.call('POST', '/v1/messages/batch', { messages }, { 'idempotency-key': 'b1' });
    const first = await batch([INLINE, { rcpt: 'bad' }]);
    const again = await batch([INLINE, { rcpt: 'bad' }]);
    expect([again.status, again.body, again.headers.get('idempotent-replayed')]).toEqual([
      202,
      first.body,
      'true',
    ]);
    const reused = (await batch([INLINE])).body.error;
    expect([reused.code, reused.detail.id]).toEqual(['idempotency_key_reused', first.body.results[0].id]);
    expect(await count()).toBe(1);
  });
});
