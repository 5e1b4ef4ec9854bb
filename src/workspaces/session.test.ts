import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { OWNER, type TestApp, testApp } from '../testing/test-app.ts';
import { ABSOLUTE_MS, endedCookie, fromOwnPage, IDLE_MS, sessionCookie, sessionToken } from './session.ts';

describe('the cookie', () => {
  test('can be read by nobody but the server, and not be sent by other sites', () => {
    expect(sessionCookie('abc', false)).toBe(
      'mailwright_session=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000',
    );
    expect(sessionCookie('abc', true)).toBe(`${sessionCookie('abc', false)}; Secure`);
    expect(endedCookie(false)).toBe('mailwright_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0');
  });

  test.each([
    ['mailwright_session=abc', 'abc'],
    ['other=1; mailwright_session=abc; last=2', 'abc'],
    ['mailwright_session=', undefined],
    ['xmailwright_session=abc', undefined],
    ['', undefined],
  ])('in %j is %s', (cookie, token) => {
    expect(sessionToken(new Headers({ cookie }))).toBe(token);
  });
});

describe('a call comes from an own page', () => {
  test.each<[Record<string, string>, boolean]>([
    [{ 'sec-fetch-site': 'same-origin' }, true],
    [{ 'sec-fetch-site': 'none' }, true],
    [{ 'sec-fetch-site': 'same-site' }, false],
    [{ 'sec-fetch-site': 'cross-site' }, false],
    [{ 'sec-fetch-site': 'cross-site', origin: 'http://mail.example.com' }, false],
    [{ origin: 'http://mail.example.com' }, true],
    [{ origin: 'https://mail.example.com' }, true],
    [{ origin: 'http://mail.example.com:8080' }, false],
    [{ origin: 'http://evil.example.com' }, false],
    [{ origin: 'http://mail.example.com.evil.example' }, false],
    [{ origin: 'null' }, false],
    [{}, false],
  ])('%j: %s', (headers, expected) => {
    expect(fromOwnPage(new Headers({ host: 'mail.example.com', ...headers }))).toBe(expected);
  });
});

describe('a session', () => {
  let clock: FakeClock;
  let running: TestApp;
  beforeEach(async () => {
    clock = new FakeClock();
    running = await testApp({ start: false, clock });
    return () => running.stop();
  });

  const OWN = { 'sec-fetch-site': 'same-origin' };
  const call = async (method: string, path: string, headers: Record<string, string>, body?: unknown) => {
    const response = await running.app.request(path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, code: text && JSON.parse(text).error?.code };
  };
  const signIn = async (headers: Record<string, string> = {}) => {
    const answer = await call('POST', '/v1/session', headers, {
      email: OWNER.email,
      password: OWNER.password,
    });
    return {
      set: answer.headers.get('set-cookie')!,
      cookie: answer.headers.get('set-cookie')!.split(';')[0]!,
    };
  };
  const me = (cookie: string) => call('GET', '/v1/me', { cookie });

  test('is signed in with any spelling of the address', async () => {
    const answer = await call(
      'POST',
      '/v1/session',
      {},
      { email: ' Owner@EXAMPLE.com ', password: OWNER.password },
    );
    expect(answer.status).toBe(201);
  });

  test('ends with signing out, and only that one', async () => {
    const [one, two] = [await signIn(), await signIn()];
    expect(one.cookie).not.toBe(two.cookie);
    const out = await call('DELETE', '/v1/session', { cookie: one.cookie, ...OWN });
    expect([out.status, out.headers.get('set-cookie')]).toEqual([204, endedCookie(false)]);
    expect(await me(one.cookie)).toMatchObject({ status: 401, code: 'session_ended' });
    expect((await me(two.cookie)).status).toBe(200);
  });

  test('ends twelve hours after its last use', async () => {
    const { cookie } = await signIn();
    clock.advance(IDLE_MS - 1);
    expect((await me(cookie)).status).toBe(200);
    clock.advance(IDLE_MS - 1);
    expect((await me(cookie)).status).toBe(200);
    clock.advance(IDLE_MS);
    expect(await me(cookie)).toMatchObject({ status: 401, code: 'session_ended' });
  });

  test('ends after thirty days however much it is used', async () => {
    const { cookie } = await signIn();
    for (let passed = 0; passed < ABSOLUTE_MS - IDLE_MS; passed += IDLE_MS / 2) {
      clock.advance(IDLE_MS / 2);
      expect((await me(cookie)).status).toBe(200);
    }
    clock.advance(IDLE_MS);
    expect(await me(cookie)).toMatchObject({ status: 401, code: 'session_ended' });
  });

  test('changes nothing for another site, and still reads', async () => {
    const { cookie } = await signIn();
    const rename = (headers: Record<string, string>) =>
      call('PATCH', '/v1/workspace', { cookie, ...headers }, { name: 'Renamed' });
    const foreign: Record<string, string>[] = [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example' },
    ];
    for (const headers of foreign)
      expect(await rename(headers)).toMatchObject({ status: 403, code: 'cross_site' });
    expect((await running.call('GET', '/v1/workspace')).body.name).toBe(OWNER.workspace);
    expect((await rename(OWN)).status).toBe(200);
    expect((await me(cookie)).status).toBe(200);
  });

  test('of somebody who has both is that of the key', async () => {
    const { cookie } = await signIn();
    const answer = await call('GET', '/v1/me', { cookie, authorization: 'Bearer wrong' });
    expect(answer).toMatchObject({ status: 401, code: 'api_key_malformed' });
  });

  test.each(['mailwright_session=wrong', `mailwright_session=${'x'.repeat(5_000)}`])(
    'is not made up: %.30s',
    async (cookie) => {
      expect(await me(cookie)).toMatchObject({ status: 401, code: 'session_ended' });
    },
  );

  test('is stored only as a hash', async () => {
    const { cookie } = await signIn();
    const rows = await running.app.db.read.selectFrom('sessions').selectAll().execute();
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(cookie.split('=')[1]);
  });

  test('is Secure behind https, as the proxy or the settings say', async () => {
    expect((await signIn()).set).not.toContain('Secure');
    expect((await signIn({ 'x-forwarded-proto': 'https' })).set).toContain('; Secure');
    const https = await testApp({ start: false, clock, env: { PUBLIC_URL: 'https://mail.example.com' } });
    onTestFinished(() => https.stop());
    const answer = await https.call('POST', '/v1/session', { email: OWNER.email, password: OWNER.password });
    expect(answer.headers.get('set-cookie')).toContain('; Secure');
  });
});
