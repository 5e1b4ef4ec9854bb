import { describe, expect, onTestFinished, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { OWNER, testApp } from '../testing/test-app.ts';
import { LoginLimit } from './login-limit.ts';

const MINUTE = 60_000;

describe('the limit', () => {
  const KEYS = ['account:ann', 'caller:192.0.2.1'];
  const waits = (limit: LoginLimit, now: number, keys = KEYS): number => {
    try {
      limit.check(keys, now);
      return 0;
    } catch (error) {
      return (error as { detail: { retryAfterSeconds: number } }).detail.retryAfterSeconds;
    }
  };

  test('lets ten wrong tries through, then asks for waits that double up to a quarter of an hour', () => {
    const limit = new LoginLimit();
    const seen: number[] = [];
    let now = 0;
    for (let tries = 0; tries < 17; tries++) {
      const wait = waits(limit, now);
      seen.push(wait);
      now += wait * 1_000;
      limit.tried(KEYS, now);
    }
    expect(seen).toEqual([...Array(10).fill(0), 30, 60, 120, 240, 480, 900, 900]);
  });

  test('counts an account whoever calls, and a caller whatever account', () => {
    const limit = new LoginLimit();
    for (let at = 0; at < 10; at++) limit.tried(KEYS, 0);
    expect(waits(limit, 0, ['account:ann', 'caller:198.51.100.1'])).toBe(30);
    expect(waits(limit, 0, ['account:bob', 'caller:192.0.2.1'])).toBe(30);
    expect(waits(limit, 0, ['account:bob', 'caller:198.51.100.1'])).toBe(0);
  });

  test('forgets after an hour without a try, and after a success', () => {
    const limit = new LoginLimit();
    for (let at = 0; at < 12; at++) limit.tried(KEYS, 0);
    limit.tried(KEYS, 61 * MINUTE);
    expect(waits(limit, 61 * MINUTE)).toBe(0);
    for (let at = 0; at < 12; at++) limit.tried(KEYS, 61 * MINUTE);
    limit.succeeded(KEYS);
    expect(waits(limit, 61 * MINUTE)).toBe(0);
  });

  test('does not grow without end', () => {
    const limit = new LoginLimit();
    for (let at = 0; at < 25_000; at++) limit.tried([`account:${at}`], 0);
    // It is full of accounts nobody has tried since: the last ones still count.
    for (let at = 0; at < 10; at++) limit.tried(KEYS, 1);
    expect(waits(limit, 1)).toBe(30);
  });
});

describe('signing in', () => {
  async function program() {
    const clock = new FakeClock();
    const running = await testApp({ start: false, clock });
    onTestFinished(() => running.stop());
    const signIn = (password: string, email = OWNER.email) =>
      running.call('POST', '/v1/session', { email, password }, { authorization: '' });
    return { ...running, clock, signIn };
  }

  test('with the wrong password and as nobody sound the same', async () => {
    const { signIn } = await program();
    const answers = [
      await signIn('wrong'),
      await signIn('wrong', 'nobody@example.com'),
      await signIn('wrong', 'x'),
    ];
    for (const { status, body, headers } of answers) {
      expect([status, body]).toEqual([401, answers[0]!.body]);
      expect(headers.get('set-cookie')).toBeNull();
    }
    expect(answers[0]!.body.error.code).toBe('sign_in_refused');
  });

  test('waits after ten wrong ones, also with the right password, and works when the time has passed', async () => {
    const { signIn, clock } = await program();
    for (let tries = 0; tries < 10; tries++) expect((await signIn('wrong')).status).toBe(401);
    const refused = await signIn(OWNER.password);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('30');
    expect(refused.body.error.message).toContain('30 seconds');
    clock.advance(29_999);
    expect((await signIn(OWNER.password)).status).toBe(429);
    clock.advance(1);
    expect((await signIn(OWNER.password)).status).toBe(201);
    expect((await signIn('wrong')).status).toBe(401);
  });

  test('many at the same moment are counted before they are hashed', async () => {
    const { signIn } = await program();
    const answers = await Promise.all(Array.from({ length: 14 }, () => signIn('wrong')));
    const statuses = answers.map((one) => one.status).sort();
    expect(statuses).toEqual([...Array(10).fill(401), ...Array(4).fill(429)]);
  });
});
