import { describe, expect, test } from 'vitest';
import { endpointFor, fakeServer, faultyServer, refusalOf, SIGN_IN, USERS } from './testing.ts';
import { verifyEndpoint } from './verify.ts';

describe('sign-in', () => {
  const tls = { security: 'starttls', ...SIGN_IN } as const;

  test('that is not offered is auth_not_offered: it never counts as tried', async () => {
    const server = await fakeServer({ security: 'starttls' });
    expect(await refusalOf(endpointFor(server, tls))).toMatchObject({
      code: 'auth_not_offered',
      stage: 'auth',
    });
  });

  test.each([
    ['AUTH CRAM-MD5', 'CRAM-MD5', false],
    ['AUTH XOAUTH2 OAUTHBEARER', 'XOAUTH2, OAUTHBEARER', true],
  ])('with %s only is auth_mechanism', async (offer, list, needsOauth) => {
    const server = await fakeServer({ security: 'starttls', users: USERS, extensions: [offer] });
    const outcome = await refusalOf(endpointFor(server, tls));
    expect(outcome.code).toBe('auth_mechanism');
    expect(outcome.message).toContain(`accepts only ${list}`);
    expect(outcome.message.includes('OAuth')).toBe(needsOauth);
  });

  test.each([['AUTH PLAIN'], ['AUTH LOGIN'], ['AUTH=LOGIN PLAIN']])('works with %s', async (offer) => {
    const server = await fakeServer({ security: 'starttls', users: USERS, extensions: [offer] });
    expect(await verifyEndpoint(endpointFor(server, tls))).toMatchObject({ ok: true, signedIn: true });
  });

  test('goes on with LOGIN where PLAIN turns out unknown', async () => {
    const server = await fakeServer({
      security: 'starttls',
      users: USERS,
      script: [{ stage: 'auth', fault: { reply: '504 5.5.4 Unrecognized' }, match: { nth: 1 } }],
    });
    expect(await verifyEndpoint(endpointFor(server, tls))).toMatchObject({ ok: true });
    expect(server.commands.get(1)).toContain('AUTH LOGIN');
  });

  test('with credentials too long for one line waits for the prompt', async () => {
    const password = 'p'.repeat(600);
    const server = await fakeServer({ security: 'starttls', users: { demo: password } });
    expect(await verifyEndpoint(endpointFor(server, { ...tls, password }))).toMatchObject({ ok: true });
    expect(server.commands.get(1)).toContain('AUTH PLAIN');
  });

  test('with LOGIN answers two prompts and no third', async () => {
    const server = await fakeServer({
      security: 'starttls',
      users: USERS,
      extensions: ['AUTH LOGIN'],
      script: [{ stage: 'auth', fault: { reply: '334 T25lIG1vcmU6' } }],
    });
    expect(await refusalOf(endpointFor(server, tls))).toMatchObject({ code: 'protocol', stage: 'auth' });
    await server.until(() => server.connections === 0);
    expect(server.commands.get(1)?.slice(-3)).toEqual(['AUTH LOGIN', '***', '***']);
  });

  const gmail = 'gmail';
  test.each([
    ['535 5.7.8 Error: authentication failed', 'generic', 'auth_rejected', 'server_attention'],
    ['535 authentication failed', undefined, 'auth_rejected', 'server_attention'],
    ['535-5.7.8 Username and Password not accepted', gmail, 'auth_app_password', 'server_attention'],
    ['534-5.7.9 Application-specific password required', gmail, 'auth_app_password', 'server_attention'],
    ['534-5.7.14 Please log in via your web browser', gmail, 'auth_web_login', 'server_attention'],
    [
      '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled',
      'generic',
      'auth_basic_disabled',
      'server_attention',
    ],
    [
      '550 5.7.30 Basic authentication is not supported',
      'microsoft365',
      'auth_basic_disabled',
      'server_attention',
    ],
    ['535 Authentication Credentials Invalid', 'aws_ses', 'auth_ses', 'server_attention'],
    ['535 5.7.8 Error: authentication failed', 'postmark', 'auth_postmark', 'server_attention'],
    ['535 Incorrect authentication data', 'mailchimp', 'auth_mandrill', 'server_attention'],
    ['535 Authentication Failed', 'zeptomail', 'auth_or_credits', 'server_attention'],
    ['530 5.7.0 Must issue a STARTTLS command first', 'generic', 'auth_needs_tls', 'server_attention'],
    ['538 5.7.11 Encryption required', 'generic', 'auth_needs_tls', 'server_attention'],
    ['504 5.5.4 Unrecognized authentication type', 'generic', 'auth_mechanism', 'server_attention'],
    ['454 4.7.0 Temporary authentication failure', 'generic', 'auth_temporary', 'server_deferral'],
    ['421 4.7.0 Too many login attempts', gmail, 'auth_temporary', 'server_deferral'],
    ['432 4.7.12 A password transition is needed', 'generic', 'auth_account', 'server_attention'],
    ['525 5.7.13 User account disabled', 'generic', 'auth_account', 'server_attention'],
    ['535 5.7.0 Your account is locked', 'generic', 'auth_account', 'server_attention'],
  ])('answered by %s (%s) is %s', async (line, preset, code, outcomeClass) => {
    const reply = line.replace(/^(\d{3})-(.*)$/, '$1-$2\r\n$1 see the help pages');
    const server = await faultyServer('auth', { reply }, { security: 'starttls', users: USERS });
    const outcome = await refusalOf(endpointFor(server, tls), { preset });
    expect(outcome).toMatchObject({ code, class: outcomeClass, stage: 'auth', suppress: false });
    expect(outcome.message).not.toMatch(/[{}]|undefined/);
  });

  test('with a wrong password really fails', async () => {
    const server = await fakeServer({ security: 'ssl', users: USERS });
    const endpoint = endpointFor(server, { ...tls, security: 'ssl', password: 'wrong' });
    expect(await refusalOf(endpoint)).toMatchObject({
      code: 'auth_rejected',
      replyCode: 535,
      enhanced: '5.7.8',
    });
  });

  test('without encryption is allowed to this machine', async () => {
    const server = await fakeServer({ security: 'none', users: USERS });
    expect(await verifyEndpoint(endpointFor(server, { ...tls, security: 'none' }))).toMatchObject({
      ok: true,
    });
  });

  test('never shows a secret that the server echoes', async () => {
    const password = 'canary-7d1f';
    const blob = Buffer.from(`\0demo\0${password}`).toString('base64');
    const base64 = Buffer.from(password).toString('base64');
    const server = await faultyServer(
      'auth',
      { reply: `535 no: ${password} ${blob} ${base64}` },
      { security: 'starttls', users: { demo: password } },
    );
    const verified = await verifyEndpoint(endpointFor(server, { ...tls, password }));
    const shown = JSON.stringify([verified, [...server.commands]]);
    expect(verified).toMatchObject({ ok: false, outcome: { reply: '535 no: *** *** ***' } });
    for (const secret of [password, blob, base64]) expect(shown).not.toContain(secret);
  });
});
