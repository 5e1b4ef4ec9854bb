import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Fault, FaultStage } from '../demo-smtp/script.ts';
import type { FakeServer, FakeServerOptions } from '../demo-smtp/server.ts';
import type { Endpoint } from './endpoint.ts';
import type { Outcome } from './outcome.ts';
import { endpointFor, fakeServer } from './testing.ts';
import { VERIFY_TIMEOUTS } from './timeouts.ts';
import { type VerifyOptions, verifyEndpoint } from './verify.ts';

const SIGN_IN = { username: 'demo', password: 'correct horse' };
const USERS = { demo: 'correct horse' };

async function outcomeOf(endpoint: Endpoint, options: VerifyOptions = {}): Promise<Outcome> {
  const verified = await verifyEndpoint(endpoint, { serverName: 'Test server', ...options });
  if (verified.ok) throw new Error('The verification passed.');
  return verified.outcome;
}

async function scripted(
  stage: FaultStage,
  fault: Fault,
  options: Partial<FakeServerOptions> = {},
): Promise<FakeServer> {
  return fakeServer({ security: 'none', script: [{ stage, fault }], ...options });
}

describe('a server that is as it was entered', () => {
  test.each(['none', 'starttls', 'ssl'] as const)(
    'passes with security %s, and MAIL is never said',
    async (security) => {
      const server = await fakeServer({ security, users: USERS });
      const verified = await verifyEndpoint(endpointFor(server, { security, ...SIGN_IN }));
      expect(verified).toMatchObject({
        ok: true,
        signedIn: true,
        capabilities: { pipelining: true, hello: 'EHLO' },
      });
      expect(verified.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
        'connect ok',
        security === 'none' ? 'encrypt skipped' : 'encrypt ok',
        'sign_in ok',
      ]);
      const said = server.commands.get(1) ?? [];
      expect(said.at(-1)).toBe('QUIT');
      expect(said.filter((command) => /^(MAIL|RCPT|DATA)/.test(command))).toEqual([]);
    },
  );

  test('tells its certificate', async () => {
    const server = await fakeServer({ security: 'ssl' });
    const verified = await verifyEndpoint(endpointFor(server, { security: 'ssl' }));
    expect(verified).toMatchObject({
      ok: true,
      signedIn: false,
      certificate: {
        subject: 'localhost',
        issuer: 'Mailwright demo authority',
        names: ['localhost', '127.0.0.1'],
        fingerprint: server.fingerprint,
      },
    });
  });

  test('needs no sign-in where none is entered', async () => {
    const server = await fakeServer({ security: 'none' });
    const verified = await verifyEndpoint(endpointFor(server));
    expect(verified).toMatchObject({ ok: true, signedIn: false });
    expect(verified.steps.at(-1)).toMatchObject({ name: 'sign_in', status: 'skipped' });
  });

  test('tells every step while it runs and when it ended', async () => {
    const server = await fakeServer({ security: 'starttls', users: USERS });
    const seen: string[] = [];
    const onStep: VerifyOptions['onStep'] = ({ name, status }) => seen.push(`${name} ${status}`);
    await verifyEndpoint(endpointFor(server, { security: 'starttls', ...SIGN_IN, password: 'wrong' }), {
      onStep,
    });
    expect(seen).toEqual([
      'connect running',
      'connect ok',
      'encrypt running',
      'encrypt ok',
      'sign_in running',
      'sign_in failed',
    ]);
  });

  test('is greeted by the address literal of our end when there is no name', async () => {
    const server = await fakeServer({ security: 'none' });
    await verifyEndpoint(endpointFor(server, { heloName: '' }));
    expect(server.commands.get(1)?.[0]).toBe('EHLO [127.0.0.1]');
  });

  test('is greeted with HELO when it does not know EHLO', async () => {
    const server = await fakeServer({
      security: 'none',
      script: [{ stage: 'ehlo', fault: { reply: '502 5.5.1 Unknown' }, match: { nth: 1 } }],
    });
    const verified = await verifyEndpoint(endpointFor(server));
    expect(verified).toMatchObject({
      ok: true,
      capabilities: { hello: 'HELO', pipelining: false, auth: [] },
    });
  });
});

describe('the name', () => {
  const here: Endpoint = {
    host: 'mail.example.com',
    port: 25,
    security: 'none',
    heloName: '',
    allowAddress: () => true,
  };
  const rejecting = (code: string) => async (): Promise<string[]> => {
    throw Object.assign(new Error(code), { code });
  };

  test.each([
    ['ENOTFOUND', 'dns_not_found'],
    ['EAI_AGAIN', 'dns_temporary'],
    ['ESERVFAIL', 'dns_temporary'],
  ])('%s is %s', async (systemCode, code) => {
    const outcome = await outcomeOf(here, { lookup: rejecting(systemCode) });
    expect(outcome).toMatchObject({ code, stage: 'dns', class: 'network' });
    expect(outcome.message).toContain('mail.example.com');
  });

  test('no answer in time is dns_temporary', async () => {
    const lookup = (): Promise<string[]> => new Promise(() => {});
    expect(await outcomeOf(here, { lookup, timeouts: { dns: 20 } })).toMatchObject({ code: 'dns_temporary' });
  });

  test('that could not be one is not looked up', async () => {
    const lookup = (): Promise<string[]> => Promise.reject(new Error('asked'));
    expect(await outcomeOf({ ...here, host: 'mail example' }, { lookup })).toMatchObject({
      code: 'dns_not_found',
    });
  });

  test('with one forbidden address among good ones is host_not_allowed, and nothing is contacted', async () => {
    const server = await fakeServer({ security: 'none' });
    const outcome = await outcomeOf(
      { ...here, port: server.port, allowAddress: (ip) => ip !== '169.254.169.254' },
      { lookup: async () => ['127.0.0.1', '169.254.169.254'] },
    );
    expect(outcome).toMatchObject({ code: 'host_not_allowed', stage: 'dns', class: 'server_attention' });
    expect(outcome.message).toContain(
      'mail.example.com points to 169.254.169.254, an address that is never a mail server',
    );
    expect(server.totalConnections).toBe(0);
  });

  test('is looked up once, and the next address is tried when the first does not answer', async () => {
    const server = await fakeServer({ security: 'none' });
    let asked = 0;
    const lookup = async (): Promise<string[]> => {
      asked++;
      return ['127.0.0.2', '127.0.0.1']; // the server listens on the second only
    };
    expect(await verifyEndpoint({ ...here, port: server.port }, { lookup })).toMatchObject({ ok: true });
    expect(asked).toBe(1);
  });

  test('is the name the certificate must carry, also when the connection goes to the address', async () => {
    const server = await fakeServer({ security: 'ssl' });
    const endpoint = endpointFor(server, { security: 'ssl', host: 'localhost' });
    expect(await verifyEndpoint(endpoint, { lookup: async () => ['127.0.0.1'] })).toMatchObject({ ok: true });
    const other = { ...endpoint, host: 'mail.example.com' };
    expect(await outcomeOf(other, { lookup: async () => ['127.0.0.1'] })).toMatchObject({
      code: 'tls_name_mismatch',
    });
  });
});

describe('the connection', () => {
  test('to a closed port is connect_refused', async () => {
    const server = await fakeServer({ security: 'none' });
    await server.stop();
    const outcome = await outcomeOf(endpointFor(server));
    expect(outcome).toMatchObject({ code: 'connect_refused', stage: 'connect' });
    expect(outcome.message).toContain(`nothing listens on port ${server.port}`);
  });

  test.each(['fin', 'rst', 'refuse'] as const)(
    'that ends with %s before the greeting is closed_before_greeting',
    async (fault) => {
      const server = await scripted('accept', fault);
      expect(await outcomeOf(endpointFor(server))).toMatchObject({
        code: 'closed_before_greeting',
        class: 'network',
      });
    },
  );

  test('to an address without a route is network_unreachable', async () => {
    const endpoint: Endpoint = {
      host: '255.255.255.255',
      port: 25,
      security: 'none',
      heloName: '',
      allowAddress: () => true,
    };
    expect(await outcomeOf(endpoint)).toMatchObject({ code: 'network_unreachable', stage: 'connect' });
  });
});

describe('the greeting', () => {
  const quick = { greeting: 300, probeAfter: 50 };

  test.each(['none', 'starttls'] as const)(
    'from a port that waits for TLS, entered as %s, is tls_mode_should_be_ssl',
    async (security) => {
      const server = await fakeServer({ security: 'ssl', users: USERS });
      const outcome = await outcomeOf(endpointFor(server, { security, ...SIGN_IN }), {
        timeouts: { probeAfter: 50 },
      });
      expect(outcome).toMatchObject({
        code: 'tls_mode_should_be_ssl',
        stage: 'greet',
        class: 'server_attention',
      });
      expect(JSON.stringify([...server.commands])).not.toContain('AUTH');
    },
  );

  test('that never comes, from a port that does not speak TLS either, is greeting_timeout', async () => {
    const server = await scripted('accept', 'hang');
    expect(await outcomeOf(endpointFor(server), { timeouts: quick })).toMatchObject({
      code: 'greeting_timeout',
    });
    expect(server.totalConnections).toBe(2); // the session and the probe
  });

  test('that comes late is waited for', async () => {
    const greet = Promise.withResolvers<void>();
    const server = await scripted('greet', { delay: greet.promise });
    const verified = verifyEndpoint(endpointFor(server), { timeouts: { probeAfter: 20 } });
    await server.until(() => server.totalConnections === 2); // silence was looked into
    greet.resolve();
    expect(await verified).toMatchObject({ ok: true });
  });

  test.each([
    ['HTTP/1.1 400 Bad Request', 'web'],
    ['+OK ready', 'POP3'],
    ['* OK IMAP4rev1 ready', 'IMAP'],
    ['SSH-2.0-OpenSSH_9.9', 'SSH'],
    ['root password: hunter2', 'different'],
  ])('%s is not_smtp, and only the kind is told', async (reply, kind) => {
    const server = await scripted('greet', { reply });
    const outcome = await outcomeOf(endpointFor(server));
    expect(outcome).toMatchObject({ code: 'not_smtp', class: 'server_attention' });
    expect(outcome.message).toContain(`is a ${kind} server`);
    expect(JSON.stringify(outcome)).not.toContain(reply);
  });

  test.each([
    ['421 4.3.2 Too many connections', 'server_busy', 'server_deferral'],
    ['554 5.7.1 No access for 192.0.2.1', 'greeting_refused', 'server_attention'],
    ['250 Hello', 'protocol', 'network'],
  ])('%s is %s', async (reply, code, outcomeClass) => {
    const server = await scripted('greet', { reply });
    const outcome = await outcomeOf(endpointFor(server));
    expect(outcome).toMatchObject({ code, class: outcomeClass, stage: 'greet', reply, suppress: false });
  });

  test.each(['endless-multiline', 'long-line'] as const)('%s ends the session', async (fault) => {
    const server = await scripted('greet', fault);
    expect(await outcomeOf(endpointFor(server))).toMatchObject({ stage: 'greet' });
    await server.until(() => server.connections === 0);
  });
});

describe('encryption', () => {
  test('from the first byte, on a port that starts in plain text, is tls_mode_should_be_starttls', async () => {
    const server = await fakeServer({ security: 'starttls' });
    const outcome = await outcomeOf(endpointFor(server, { security: 'ssl' }));
    expect(outcome).toMatchObject({
      code: 'tls_mode_should_be_starttls',
      stage: 'tls',
      class: 'server_attention',
    });
  });

  describe.each(['ssl', 'starttls'] as const)('with %s', (security) => {
    test.each([
      ['self-signed', 'tls_untrusted', 'self-signed'],
      ['expired', 'tls_expired', 'its operator must renew it'],
      ['wrong-name', 'tls_name_mismatch', 'the certificate is for mail.example.net, not 127.0.0.1'],
    ] as const)('a certificate that is %s is %s', async (certificate, code, words) => {
      const server = await fakeServer({ security, certificate, users: USERS });
      const outcome = await outcomeOf(endpointFor(server, { security, ...SIGN_IN }));
      expect(outcome).toMatchObject({ code, stage: 'tls', class: 'server_attention', blame: 'server' });
      expect(outcome.message.toLowerCase()).toContain(words);
      expect(JSON.stringify([...server.commands])).not.toContain('AUTH');
    });

    test('a certificate of an authority nobody entered is tls_untrusted', async () => {
      const server = await fakeServer({ security });
      const { tlsCa: _, ...endpoint } = endpointFor(server, { security });
      expect(await outcomeOf(endpoint)).toMatchObject({ code: 'tls_untrusted' });
    });

    test('TLS 1.1 is tls_too_old', async () => {
      const server = await fakeServer({ security, oldTls: true });
      expect(await outcomeOf(endpointFor(server, { security }))).toMatchObject({ code: 'tls_too_old' });
    });

    test.each(['fin', 'hang', 'garbage'] as const)(
      'a handshake answered by %s is tls_failed',
      async (fault) => {
        const server = await scripted('handshake', fault, { security });
        const outcome = await outcomeOf(endpointFor(server, { security }), { timeouts: { tls: 200 } });
        expect(outcome).toMatchObject({ code: 'tls_failed', stage: 'tls', class: 'network' });
      },
    );
  });

  test('with the pinned fingerprint any certificate passes, with another one none', async () => {
    const server = await fakeServer({ security: 'ssl', certificate: 'self-signed' });
    const { tlsCa: _, ...endpoint } = endpointFor(server, { security: 'ssl' });
    const lowerCaseWithoutColons = server.fingerprint.replaceAll(':', '').toLowerCase();
    for (const tlsFingerprint of [server.fingerprint, lowerCaseWithoutColons]) {
      expect(await verifyEndpoint({ ...endpoint, tlsFingerprint })).toMatchObject({ ok: true });
    }
    const good = await fakeServer({ security: 'ssl' });
    const pinned = endpointFor(good, { security: 'ssl', tlsFingerprint: server.fingerprint });
    expect(await outcomeOf(pinned)).toMatchObject({ code: 'tls_untrusted' });
  });

  test('with another TLS name that name is asked for', async () => {
    const server = await fakeServer({ security: 'ssl', certificate: 'wrong-name' });
    const endpoint = endpointFor(server, { security: 'ssl', tlsServerName: 'mail.example.net' });
    expect(await verifyEndpoint(endpoint)).toMatchObject({ ok: true });
  });
});

describe('STARTTLS', () => {
  test('that was taken out of the offer is starttls_missing, and no credentials are sent', async () => {
    const server = await fakeServer({ security: 'none', users: USERS });
    const outcome = await outcomeOf(endpointFor(server, { security: 'starttls', ...SIGN_IN }));
    expect(outcome).toMatchObject({ code: 'starttls_missing', class: 'server_attention' });
    expect(server.commands.get(1)).toEqual(['EHLO client.example.com']);
  });

  test.each([
    ['454 4.7.0 TLS not available', 'starttls_temporary', 'server_deferral'],
    ['502 5.5.1 Not now', 'starttls_missing', 'server_attention'],
  ])('answered by %s is %s', async (reply, code, outcomeClass) => {
    const server = await scripted('starttls', { reply }, { security: 'starttls' });
    const outcome = await outcomeOf(endpointFor(server, { security: 'starttls' }));
    expect(outcome).toMatchObject({ code, class: outcomeClass, stage: 'starttls', reply });
  });

  test('followed by more plain text is refused, so that nothing injected there is believed', async () => {
    const injected = '220 2.0.0 Go\r\n250-injected\r\n250 AUTH PLAIN';
    const server = await scripted('starttls', { reply: injected }, { security: 'starttls', users: USERS });
    const outcome = await outcomeOf(endpointFor(server, { security: 'starttls', ...SIGN_IN }));
    expect(outcome).toMatchObject({ code: 'tls_failed', stage: 'tls' });
    expect(outcome.message).toContain('sent more than its answer');
    expect(JSON.stringify([...server.commands])).not.toContain('AUTH');
  });

  test('is followed by a second EHLO, and only that one counts', async () => {
    const server = await fakeServer({
      security: 'starttls',
      users: USERS,
      script: [{ stage: 'ehlo', fault: { reply: '250-demo\r\n250-STARTTLS\r\n250 SIZE 1' } }],
    });
    const verified = await verifyEndpoint(endpointFor(server, { security: 'starttls', ...SIGN_IN }));
    expect(verified).toMatchObject({ ok: true, capabilities: { size: 50_000_000, starttls: false } });
  });
});

describe('EHLO', () => {
  test.each([
    ['421 4.3.2 Busy', 'server_busy', 'server_deferral'],
    ['550 5.7.1 Bad HELO', 'helo_refused', 'server_attention'],
  ])('answered by %s is %s', async (reply, code, outcomeClass) => {
    const server = await scripted('ehlo', { reply });
    expect(await outcomeOf(endpointFor(server))).toMatchObject({ code, class: outcomeClass, stage: 'ehlo' });
  });

  test.each(['hang', 'fin', 'garbage'] as const)('answered by %s leaves nothing open', async (fault) => {
    const server = await scripted('ehlo', fault);
    const outcome = await outcomeOf(endpointFor(server), { timeouts: { command: 100 } });
    expect(outcome).toMatchObject({ class: 'network', stage: 'ehlo', retry: true, suppress: false });
    await server.until(() => server.connections === 0);
  });
});

describe('sign-in', () => {
  const tls = { security: 'starttls', ...SIGN_IN } as const;

  test('that is not offered is auth_not_offered: it never counts as tried', async () => {
    const server = await fakeServer({ security: 'starttls' });
    expect(await outcomeOf(endpointFor(server, tls))).toMatchObject({
      code: 'auth_not_offered',
      stage: 'auth',
    });
  });

  test.each([
    ['AUTH CRAM-MD5', 'CRAM-MD5', false],
    ['AUTH XOAUTH2 OAUTHBEARER', 'XOAUTH2, OAUTHBEARER', true],
  ])('with %s only is auth_mechanism', async (offer, list, needsOauth) => {
    const server = await fakeServer({ security: 'starttls', users: USERS, extensions: [offer] });
    const outcome = await outcomeOf(endpointFor(server, tls));
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
    expect(await outcomeOf(endpointFor(server, tls))).toMatchObject({ code: 'protocol', stage: 'auth' });
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
    const server = await scripted('auth', { reply }, { security: 'starttls', users: USERS });
    const outcome = await outcomeOf(endpointFor(server, tls), { preset });
    expect(outcome).toMatchObject({ code, class: outcomeClass, stage: 'auth', suppress: false });
    expect(outcome.message).not.toMatch(/[{}]|undefined/);
  });

  test('with a wrong password really fails', async () => {
    const server = await fakeServer({ security: 'ssl', users: USERS });
    const endpoint = endpointFor(server, { ...tls, security: 'ssl', password: 'wrong' });
    expect(await outcomeOf(endpoint)).toMatchObject({
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
    const server = await scripted(
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

describe('time', () => {
  test('for everything together is bounded, whatever the stages take', async () => {
    const server = await scripted('ehlo', 'hang');
    const outcome = await outcomeOf(endpointFor(server), { timeouts: { command: 3_600_000, opening: 150 } });
    expect(outcome).toMatchObject({ code: 'connection_lost', stage: 'ehlo' });
  });

  test('is at most 15 s at a form', () => {
    expect(VERIFY_TIMEOUTS.opening + VERIFY_TIMEOUTS.quit).toBeLessThan(15_000);
    expect(VERIFY_TIMEOUTS.dns).toBeLessThan(VERIFY_TIMEOUTS.opening);
  });

  test('of connecting is bounded where nothing answers', async () => {
    const port = await portThatAnswersNothing();
    const endpoint: Endpoint = {
      host: '127.0.0.1',
      port,
      security: 'none',
      heloName: '',
      allowAddress: () => true,
    };
    const outcome = await outcomeOf(endpoint, { timeouts: { connect: 200 } });
    expect(outcome).toMatchObject({ code: 'connect_timeout', stage: 'connect', class: 'network' });
  });
});

/** A listener that accepts nothing and whose queue of connections is full: the next one gets no answer at all. */
async function portThatAnswersNothing(): Promise<number> {
  const worker = new Worker(LISTEN_AND_FREEZE, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  onTestFinished(async () => {
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  });
  await once(fillers[0]!, 'connect');
  return port;
}

const LISTEN_AND_FREEZE = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;
