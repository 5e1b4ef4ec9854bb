import { describe, expect, test } from 'vitest';
import { endpointFor, fakeServer, faultyServer, refusalOf, SIGN_IN, USERS } from './testing.ts';
import { verifyEndpoint } from './verify.ts';

describe('encryption', () => {
  test('from the first byte, on a port that starts in plain text, is tls_mode_should_be_starttls', async () => {
    const server = await fakeServer({ security: 'starttls' });
    const outcome = await refusalOf(endpointFor(server, { security: 'ssl' }));
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
      const outcome = await refusalOf(endpointFor(server, { security, ...SIGN_IN }));
      expect(outcome).toMatchObject({ code, stage: 'tls', class: 'server_attention', blame: 'server' });
      expect(outcome.message.toLowerCase()).toContain(words);
      expect(JSON.stringify([...server.commands])).not.toContain('AUTH');
    });

    test('a certificate of an authority nobody entered is tls_untrusted', async () => {
      const server = await fakeServer({ security });
      const { tlsCa: _, ...endpoint } = endpointFor(server, { security });
      expect(await refusalOf(endpoint)).toMatchObject({ code: 'tls_untrusted' });
    });

    test('TLS 1.1 is tls_too_old', async () => {
      const server = await fakeServer({ security, oldTls: true });
      expect(await refusalOf(endpointFor(server, { security }))).toMatchObject({ code: 'tls_too_old' });
    });

    test('a handshake that the server refuses in the language of TLS is tls_too_old', async () => {
      const server = await faultyServer('handshake', 'refuse', { security });
      expect(await refusalOf(endpointFor(server, { security }))).toMatchObject({ code: 'tls_too_old' });
    });

    test.each(['fin', 'hang', 'garbage'] as const)(
      'a handshake answered by %s is tls_failed',
      async (fault) => {
        const server = await faultyServer('handshake', fault, { security });
        const outcome = await refusalOf(endpointFor(server, { security }), { timeouts: { tls: 200 } });
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
    expect(await refusalOf(pinned)).toMatchObject({ code: 'tls_untrusted' });
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
    const outcome = await refusalOf(endpointFor(server, { security: 'starttls', ...SIGN_IN }));
    expect(outcome).toMatchObject({ code: 'starttls_missing', class: 'server_attention' });
    expect(server.commands.get(1)).toEqual(['EHLO client.example.com']);
  });

  test.each([
    ['454 4.7.0 TLS not available', 'starttls_temporary', 'server_deferral'],
    ['502 5.5.1 Not now', 'starttls_missing', 'server_attention'],
  ])('answered by %s is %s', async (reply, code, outcomeClass) => {
    const server = await faultyServer('starttls', { reply }, { security: 'starttls' });
    const outcome = await refusalOf(endpointFor(server, { security: 'starttls' }));
    expect(outcome).toMatchObject({ code, class: outcomeClass, stage: 'starttls', reply });
  });

  test('followed by more plain text is refused, so that nothing injected there is believed', async () => {
    const injected = '220 2.0.0 Go\r\n250-injected\r\n250 AUTH PLAIN';
    const server = await faultyServer(
      'starttls',
      { reply: injected },
      { security: 'starttls', users: USERS },
    );
    const outcome = await refusalOf(endpointFor(server, { security: 'starttls', ...SIGN_IN }));
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
