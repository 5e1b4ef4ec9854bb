import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { type Answer, type TestApp, testApp } from '../testing/test-app.ts';
import { fakeServer } from '../transport/testing.ts';

/** A password that would be found wherever it leaks to. */
const PASSWORD = 'canary-7f3a91-horse';
const USERS = { shop: PASSWORD };

let clock: FakeClock;
let running: TestApp;
beforeEach(async () => {
  clock = new FakeClock();
  running = await testApp({ start: false, clock });
  return () => running.stop();
});

async function smtp(options: Partial<Parameters<typeof fakeServer>[0]> = {}) {
  const server = await fakeServer({ security: 'starttls', users: USERS, ...options });
  const input = {
    type: 'generic',
    name: 'Ours',
    host: '127.0.0.1',
    port: server.port,
    security: options.security ?? 'starttls',
    username: 'shop',
    password: PASSWORD,
    tlsCa: server.caPem,
    allowPrivate: true,
  };
  return { server, input };
}

const servers = async () => (await running.call('GET', '/v1/servers')).body.data;
const refusal = ({ status, body }: Answer) => [status, body.error?.code, body.error?.field];

describe('connecting a server', () => {
  test.each(['starttls', 'ssl', 'none'] as const)('over %s signs in, then stores it', async (security) => {
    const { server, input } = await smtp({ security });
    const { status, body } = await running.call('POST', '/v1/servers', input);
    expect([status, body.id]).toEqual([201, expect.stringMatching(/^srv_/)]);
    expect(body).toMatchObject({
      name: 'Ours',
      host: '127.0.0.1',
      port: server.port,
      security,
      hasPassword: true,
    });
    expect(body.health).toEqual({ status: 'well', until: null, code: null, reason: null, failures: 0 });
    expect(await servers()).toEqual([body]);
    expect((await running.call('GET', '/v1/workspace')).body.mode).toBe('live');
    const said = [...server.commands.values()].flat().join('\n');
    expect(said).toContain('AUTH');
    expect(said).not.toMatch(/MAIL|RCPT|DATA/);
  });

  test('needs no user where the server needs none, and a name is found for it', async () => {
    const { input } = await smtp({ security: 'none', users: {} });
    const { username: _u, password: _p, name: _n, tlsCa: _t, ...bare } = input;
    const { status, body } = await running.call('POST', '/v1/servers', bare);
    expect([status, body.name, body.hasPassword]).toEqual([201, '127.0.0.1', false]);
  });

  test('keeps every field that the API takes', async () => {
    const { input } = await smtp();
    const more = {
      heloName: 'mail.example.com',
      allowedFrom: ['@Example.com', 'ann@example.org'],
      limits: { perSecond: 5, perDay: 1000 },
      maxConnections: 3,
      weight: 2,
      costPerThousand: 0.1,
      reserve: 10,
      tlsServerName: 'localhost',
    };
    const { body } = await running.call('POST', '/v1/servers', { ...input, ...more });
    expect(body).toMatchObject({ ...more, allowedFrom: ['@example.com', 'ann@example.org'] });
    expect((await running.call('GET', `/v1/servers/${body.id}`)).body).toEqual(body);
  });

  test('can be tried without storing anything', async () => {
    const { input } = await smtp();
    const { status, body } = await running.call('POST', '/v1/servers/verify', input);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ok: true,
      signedIn: true,
      certificate: { names: ['localhost', '127.0.0.1'] },
    });
    expect(body.steps.map((step: { name: string }) => step.name)).toEqual(['connect', 'encrypt', 'sign_in']);
    expect(await servers()).toEqual([]);
  });

  test('tells its steps as they happen, when asked', async () => {
    const { input } = await smtp();
    const { body } = await running.call('POST', '/v1/servers', input, { accept: 'text/event-stream' });
    const events = (body as string)
      .trim()
      .split('\n\n')
      .map((event) => event.split('\n')[0]);
    expect(events.filter((name) => name === 'event: step').length).toBeGreaterThanOrEqual(3);
    expect(events.at(-1)).toBe('event: done');
    expect(await servers()).toHaveLength(1);
  });
});

describe('a server that does not work is not stored', () => {
  test('a wrong password', async () => {
    const { server, input } = await smtp();
    const answer = await running.call('POST', '/v1/servers', { ...input, password: 'wrong' });
    expect(refusal(answer)).toEqual([422, 'auth_rejected', 'password']);
    expect(answer.body.error.detail).toMatchObject({
      stage: 'auth',
      reply: expect.stringMatching(/^535/),
      host: '127.0.0.1',
      port: server.port,
    });
    expect(await servers()).toEqual([]);
  });

  test('a host where nobody listens', async () => {
    const { server, input } = await smtp();
    await server.stop();
    const answer = await running.call('POST', '/v1/servers', input);
    expect(refusal(answer)).toEqual([422, 'connect_refused', 'port']);
    expect(await servers()).toEqual([]);
  });

  test('encryption that the server does not speak', async () => {
    const { input } = await smtp({ security: 'none' });
    const tls = await running.call('POST', '/v1/servers', { ...input, security: 'ssl' });
    expect(refusal(tls)).toEqual([422, 'tls_mode_should_be_starttls', 'security']);
    const starttls = await running.call('POST', '/v1/servers', { ...input, security: 'starttls' });
    expect(refusal(starttls)).toEqual([422, 'starttls_missing', 'security']);
    expect(await servers()).toEqual([]);
  });

  test('a certificate that nobody vouches for', async () => {
    const { server, input } = await smtp();
    const answer = await running.call('POST', '/v1/servers', { ...input, tlsCa: null });
    expect(refusal(answer)).toEqual([422, 'tls_untrusted', 'tlsCa']);
    expect([...server.commands.values()].flat().join()).not.toContain('AUTH');
    expect(await servers()).toEqual([]);
  });

  test.each<[object, string, string]>([
    [{ allowedFrom: ['nonsense'] }, 'allowed_from_invalid', 'allowedFrom'],
    [{ heloName: 'not a host' }, 'helo_invalid', 'heloName'],
    [{ tlsCa: 'no certificate' }, 'tls_ca_invalid', 'tlsCa'],
    [{ tlsFingerprint: 'abc' }, 'tls_fingerprint_invalid', 'tlsFingerprint'],
    [{ tlsServerName: 'a b' }, 'tls_server_name_invalid', 'tlsServerName'],
    [{ name: 'x'.repeat(101) }, 'name_invalid', 'name'],
    [{ limits: { perDay: 0 } }, 'limit_invalid', 'limits.perDay'],
    [{ limits: { perDay: -5 } }, 'limit_invalid', 'limits.perDay'],
    [{ limits: { perDay: 'ten' } }, 'limit_invalid', 'limits.perDay'],
    [{ maxConnections: 51 }, 'max_connections_invalid', 'maxConnections'],
    [{ security: 'tls' }, 'security_invalid', 'security'],
    [{ pasword: 'x' }, 'unknown_field', 'pasword'],
  ])('%j', async (wrong, code, field) => {
    const { input } = await smtp();
    expect(refusal(await running.call('POST', '/v1/servers', { ...input, ...wrong }))).toEqual([
      422,
      code,
      field,
    ]);
    expect(await servers()).toEqual([]);
  });
});

describe('a private address', () => {
  test('is refused before anything is sent there, unless the owner allows it', async () => {
    const { server, input } = await smtp();
    const answer = await running.call('POST', '/v1/servers', { ...input, allowPrivate: false });
    expect(refusal(answer)).toEqual([422, 'host_not_allowed', 'host']);
    expect(answer.body.error.detail).toMatchObject({ address: '127.0.0.1', mayAllow: true });
    expect(server.totalConnections).toBe(0);
  });

  test('is allowed to everybody by the operator’s list', async () => {
    const listed = await testApp({ start: false, env: { SMTP_ALLOW_PRIVATE: '127.0.0.0/8' } });
    onTestFinished(() => listed.stop());
    const { input } = await smtp();
    expect((await listed.call('POST', '/v1/servers', { ...input, allowPrivate: false })).status).toBe(201);
  });

  test('is closed to the owner too, where the operator says so', async () => {
    const strict = await testApp({ start: false, env: { SMTP_PRIVATE: 'forbid' } });
    onTestFinished(() => strict.stop());
    const { server, input } = await smtp();
    expect(refusal(await strict.call('POST', '/v1/servers', input))).toEqual([
      422,
      'host_not_allowed',
      'host',
    ]);
    expect(server.totalConnections).toBe(0);
  });

  test('may use any port; elsewhere those of other protocols are refused unseen', async () => {
    const { input } = await smtp();
    const imap = { ...input, port: 993, allowPrivate: false };
    expect(refusal(await running.call('POST', '/v1/servers', imap))).toEqual([422, 'port_not_smtp', 'port']);
    const own = await running.call('POST', '/v1/servers', { ...imap, port: 9200, allowPrivate: true });
    expect(own.body.error.code).toBe('connect_refused');
  });

  test('checks of others are limited to 60 a minute', async () => {
    const { input } = await smtp();
    const check = () => running.call('POST', '/v1/servers/verify', { ...input, allowPrivate: false });
    for (let at = 0; at < 60; at++) expect((await check()).body.error.code).toBe('host_not_allowed');
    const refused = await check();
    expect([...refusal(refused), refused.headers.get('retry-after')]).toEqual([
      429,
      'too_many_checks',
      undefined,
      '60',
    ]);
    expect((await running.call('POST', '/v1/servers/verify', input)).status).toBe(200);
    clock.advance(60_000);
    expect((await check()).status).toBe(422);
  });
});

test('the password is in no answer, and in no file in clear', async () => {
  const { input } = await smtp();
  const answers: Answer[] = [
    await running.call('POST', '/v1/servers/verify', input),
    await running.call('POST', '/v1/servers', { ...input, tlsCa: null }),
    await running.call('POST', '/v1/servers', { ...input, username: 'other' }),
    await running.call('POST', '/v1/servers', { ...input, pasword: PASSWORD }),
    await running.call('POST', '/v1/servers', { ...input, port: PASSWORD }),
    await running.call('POST', '/v1/servers', { ...input, password: [PASSWORD] }),
    await running.call('POST', '/v1/servers', input),
    await running.call('GET', '/v1/servers'),
  ];
  const { id } = answers[6]!.body;
  answers.push(
    await running.call('GET', `/v1/servers/${id}`),
    await running.call('PATCH', `/v1/servers/${id}`, { password: PASSWORD, host: 'localhost' }),
    await running.call('POST', `/v1/servers/${id}/verify`, undefined, { accept: 'text/event-stream' }),
    await running.call('DELETE', `/v1/servers/${id}`),
    await running.call('POST', '/v1/servers', input),
  );
  expect(answers.map((one) => one.status)).toEqual([
    200, 422, 422, 422, 422, 422, 201, 200, 200, 200, 200, 200, 201,
  ]);

  const spellings = [PASSWORD, base64(PASSWORD), base64(`\0shop\0${PASSWORD}`), base64(`shop\0${PASSWORD}`)];
  const places = [
    ...answers.map((one) => JSON.stringify([one.body, [...one.headers]])),
    ...readdirSync(running.dataDir).map((name) => readFileSync(join(running.dataDir, name), 'latin1')),
  ];
  for (const place of places) for (const spelling of spellings) expect(place.includes(spelling)).toBe(false);
  // The same search does find what is stored in clear.
  expect(places.some((place) => place.includes('shop'))).toBe(true);
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1); // the last letter depends on what follows
}
