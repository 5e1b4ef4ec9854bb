import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { Endpoint } from './endpoint.ts';
import { type FailureKind, fail, type Stop } from './failure.ts';

/** RFC 8996: nothing older is encryption. */
const MIN_VERSION = 'TLSv1.2';

/**
 * Goes on under TLS and judges the certificate. Nothing is written before it passed.
 * @throws Stop at `tls`; the socket is then destroyed
 */
export async function secure(
  socket: Socket,
  endpoint: Endpoint,
  timeoutMs: number,
  now: number,
): Promise<TLSSocket> {
  const secured = await handshake(socket, endpoint, timeoutMs);
  const refusal = judge(secured, endpoint, now);
  if (!refusal) return secured;
  secured.destroy();
  throw refusal;
}

function handshake(socket: Socket, endpoint: Endpoint, timeoutMs: number): Promise<TLSSocket> {
  const name = endpoint.tlsServerName ?? endpoint.host;
  return new Promise((resolve, reject) => {
    const secured = connectTls({
      socket,
      minVersion: MIN_VERSION,
      rejectUnauthorized: false, // judged below, where the certificate can still be named
      checkServerIdentity: () => undefined,
      ...(isIP(name) ? {} : { servername: name }),
      ...(endpoint.tlsCa === undefined ? {} : { ca: endpoint.tlsCa }),
    });
    const end = (failure: Stop): void => {
      clearTimeout(timer);
      secured.destroy();
      reject(failure);
    };
    const timer = setTimeout(
      () => end(fail('tls', 'timeout', { detail: 'the server stopped answering' })),
      timeoutMs,
    );
    const onError = (error: NodeJS.ErrnoException): void => end(handshakeFailure(error, endpoint));
    const onClose = (): void => end(fail('tls', 'closed', { detail: 'the server closed the connection' }));
    secured.once('error', onError);
    secured.once('close', onClose);
    secured.once('secureConnect', () => {
      clearTimeout(timer);
      secured.off('error', onError);
      secured.off('close', onClose);
      resolve(secured);
    });
  });
}

function handshakeFailure(error: NodeJS.ErrnoException, { security }: Endpoint): Stop {
  const { code = '' } = error;
  if (OUTDATED.test(code)) return fail('tls', 'tls_too_old');
  if (NOT_TLS.test(code) && security === 'ssl') return fail('tls', 'tls_mode_should_be_starttls');
  return fail('tls', 'tls_failed', {
    detail: NOT_TLS.test(code) ? 'the answer was not encrypted' : code || 'unknown reason',
  });
}

/** What OpenSSL says when something other than a TLS record comes in. */
const NOT_TLS = /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE|BAD_RECORD_TYPE)$/;
const OUTDATED =
  /^ERR_SSL_(UNSUPPORTED_PROTOCOL|TLSV1_ALERT_PROTOCOL_VERSION|(SSL\/TLS|(SSL|TLS)V\d+)_ALERT_HANDSHAKE_FAILURE|NO_SHARED_CIPHER|DH_KEY_TOO_SMALL|EE_KEY_TOO_SMALL|CA_MD_TOO_WEAK|LEGACY_SIGALG.*)$/;

function judge(secured: TLSSocket, endpoint: Endpoint, now: number): Stop | undefined {
  const certificate = secured.getPeerCertificate();
  if (endpoint.tlsFingerprint !== undefined) return judgePinned(certificate, endpoint.tlsFingerprint);
  if (!secured.authorized) return distrust(String(secured.authorizationError), certificate, now);
  const wanted = endpoint.tlsServerName ?? endpoint.host;
  if (!checkServerIdentity(wanted, certificate)) return undefined;
  return fail('tls', 'tls_name_mismatch', {
    names: certificateNames(certificate).join(', ') || 'nobody',
    wanted,
  });
}

/** Who pins a certificate means this one, whoever issued it, whatever it is called, however old it is. */
function judgePinned(certificate: PeerCertificate, pinned: string): Stop | undefined {
  if (hexOf(certificate.fingerprint256) === hexOf(pinned)) return undefined;
  return fail('tls', 'tls_untrusted', {
    detail: `its fingerprint is ${certificate.fingerprint256}, another one than you entered`,
  });
}

function hexOf(fingerprint: string): string {
  return fingerprint.replace(/[^0-9a-f]/gi, '').toLowerCase();
}

function distrust(reason: string, certificate: PeerCertificate, now: number): Stop {
  const kind: FailureKind = /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(reason)
    ? 'tls_expired'
    : 'tls_untrusted';
  return fail('tls', kind, {
    detail: REASONS[reason] ?? reason.toLowerCase().replaceAll('_', ' '),
    from: certificate.valid_from,
    to: certificate.valid_to,
    now: new Date(now).toISOString(),
  });
}

const REASONS: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'it was issued by an authority that is not public',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its issuer is unknown, or the server does not send the certificate between',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its issuer is unknown, or the server does not send the certificate between',
  UNABLE_TO_GET_ISSUER_CERT: 'its issuer is unknown, or the server does not send the certificate between',
  CERT_REVOKED: 'it was revoked',
};

/** The names a certificate was issued for. */
export function certificateNames({ subjectaltname, subject }: PeerCertificate): string[] {
  const names = subjectaltname?.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''));
  return names ?? [subject?.CN ?? []].flat();
}
