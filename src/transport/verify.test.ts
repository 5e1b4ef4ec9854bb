import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Endpoint } from './endpoint.ts';
import { endpointFor, fakeServer, faultyServer, refusalOf, SIGN_IN, USERS } from './testing.ts';
import { VERIFY_TIMEOUTS } from './timeouts.ts';
import { type VerifyOptions, verifyEndpoint } from './verify.ts';

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
    const outcome = await refusalOf(here, { lookup: rejecting(systemCode) });
    expect(outcome).toMatchObject({ code, stage: 'dns', class: 'network' });
    expect(outcome.message).toContain('mail.example.com');
  });

  test('no answer in time is dns_temporary', async () => {
    const lookup = (): Promise<string[]> => new Promise(() => {});
    expect(await refusalOf(here, { lookup, timeouts: { dns: 20 } })).toMatchObject({ code: 'dns_temporary' });
  });

  test('that could not be one is not looked up', async () => {
    const lookup = (): Promise<string[]> => Promise.reject(new Error('asked'));
    expect(await refusalOf({ ...here, host: 'mail example' }, { lookup })).toMatchObject({
      code: 'dns_not_found',
    });
  });

  test('with one forbidden address among good ones is host_not_allowed, and nothing is contacted', async () => {
    const server = await fakeServer({ security: 'none' });
    const outcome = await refusalOf(
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
    expect(await refusalOf(other, { lookup: async () => ['127.0.0.1'] })).toMatchObject({
      code: 'tls_name_mismatch',
    });
  });
});

describe('the connection', () => {
  test('to a closed port is connect_refused', async () => {
    const server = await fakeServer({ security: 'none' });
    await server.stop();
    const outcome = await refusalOf(endpointFor(server));
    expect(outcome).toMatchObject({ code: 'connect_refused', stage: 'connect' });
    expect(outcome.message).toContain(`nothing listens on port ${server.port}`);
  });

  test.each(['fin', 'rst', 'refuse'] as const)(
    'that ends with %s before the greeting is closed_before_greeting',
    async (fault) => {
      const server = await faultyServer('accept', fault);
      expect(await refusalOf(endpointFor(server))).toMatchObject({
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
    expect(await refusalOf(endpoint)).toMatchObject({ code: 'network_unreachable', stage: 'connect' });
  });
});

describe('the greeting', () => {
  const quick = { greeting: 300, probeAfter: 50 };

  test.each(['none', 'starttls'] as const)(
    'from a port that waits for TLS, entered as %s, is tls_mode_should_be_ssl',
    async (security) => {
      const server = await fakeServer({ security: 'ssl', users: USERS });
      const outcome = await refusalOf(endpointFor(server, { security, ...SIGN_IN }), {
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
    const server = await faultyServer('accept', 'hang');
    expect(await refusalOf(endpointFor(server), { timeouts: quick })).toMatchObject({
      code: 'greeting_timeout',
    });
    expect(server.totalConnections).toBe(2); // the session and the probe
  });

  test('that comes late is waited for', async () => {
    const greet = Promise.withResolvers<void>();
    const server = await faultyServer('greet', { delay: greet.promise });
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
    const server = await faultyServer('greet', { reply });
    const outcome = await refusalOf(endpointFor(server));
    expect(outcome).toMatchObject({ code: 'not_smtp', class: 'server_attention' });
    expect(outcome.message).toContain(`is a ${kind} server`);
    expect(JSON.stringify(outcome)).not.toContain(reply);
  });

  test.each([
    ['421 4.3.2 Too many connections', 'server_busy', 'server_deferral'],
    ['554 5.7.1 No access for 192.0.2.1', 'greeting_refused', 'server_attention'],
    ['250 Hello', 'protocol', 'network'],
  ])('%s is %s', async (reply, code, outcomeClass) => {
    const server = await faultyServer('greet', { reply });
    const outcome = await refusalOf(endpointFor(server));
    expect(outcome).toMatchObject({ code, class: outcomeClass, stage: 'greet', reply, suppress: false });
  });

  test.each(['endless-multiline', 'long-line'] as const)('%s ends the session', async (fault) => {
    const server = await faultyServer('greet', fault);
    expect(await refusalOf(endpointFor(server))).toMatchObject({ stage: 'greet' });
    await server.until(() => server.connections === 0);
  });
});

describe('EHLO', () => {
  test.each([
    ['421 4.3.2 Busy', 'server_busy', 'server_deferral'],
    ['550 5.7.1 Bad HELO', 'helo_refused', 'server_attention'],
  ])('answered by %s is %s', async (reply, code, outcomeClass) => {
    const server = await faultyServer('ehlo', { reply });
    expect(await refusalOf(endpointFor(server))).toMatchObject({ code, class: outcomeClass, stage: 'ehlo' });
  });

  test.each(['hang', 'fin', 'garbage'] as const)('answered by %s leaves nothing open', async (fault) => {
    const server = await faultyServer('ehlo', fault);
    const outcome = await refusalOf(endpointFor(server), { timeouts: { command: 100 } });
    expect(outcome).toMatchObject({ class: 'network', stage: 'ehlo', retry: true, suppress: false });
    await server.until(() => server.connections === 0);
  });
});

describe('time', () => {
  test('for everything together is bounded, whatever the stages take', async () => {
    const server = await faultyServer('ehlo', 'hang');
    const outcome = await refusalOf(endpointFor(server), { timeouts: { command: 3_600_000, opening: 150 } });
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
    const outcome = await refusalOf(endpoint, { timeouts: { connect: 200 } });
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
