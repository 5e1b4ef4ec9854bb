import { generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIPv4 } from 'node:net';
import * as der from './der.ts';

export type CertificateKind = 'good' | 'expired' | 'wrong-name' | 'self-signed';

export interface TestCertificate {
  certPem: string;
  keyPem: string;
  /** SHA-256, hex with colons. */
  fingerprint: string;
}

const DAY = 86_400_000;
const NAMES = ['localhost', '127.0.0.1'];

/** A throw-away certificate authority: its keys live in memory and are trusted by nobody who was not told to. */
export class TestAuthority {
  readonly caPem: string;
  readonly #now: number;
  readonly #name: Buffer;
  readonly #key: KeyObject;

  constructor(now: number) {
    const pair = newKeyPair();
    this.#now = now;
    this.#name = commonName('Mailwright demo authority');
    this.#key = pair.privateKey;
    const own = {
      subject: this.#name,
      publicKey: pair.publicKey,
      issuer: this.#name,
      signer: pair.privateKey,
    };
    const isAuthority = extension('2.5.29.19', der.sequence(der.boolean(true)), true);
    const mayIssue = extension('2.5.29.15', der.bitString(Buffer.of(0b0000_0110), 1), true); // certificates, lists
    this.caPem = toPem(
      certificate({ ...own, from: now - DAY, to: now + 365 * DAY, extensions: [isAuthority, mayIssue] }),
    );
  }

  /** A server certificate for localhost and 127.0.0.1, sound or with the one fault its kind names. */
  issue(kind: CertificateKind): TestCertificate {
    const pair = newKeyPair();
    const isSelfSigned = kind === 'self-signed';
    const names = kind === 'wrong-name' ? ['mail.example.net'] : NAMES;
    const subject = commonName(names[0]!);
    const certPem = toPem(
      certificate({
        subject,
        publicKey: pair.publicKey,
        issuer: isSelfSigned ? subject : this.#name,
        signer: isSelfSigned ? pair.privateKey : this.#key,
        from: this.#now - 30 * DAY,
        to: kind === 'expired' ? this.#now - DAY : this.#now + 90 * DAY,
        extensions: [extension('2.5.29.17', der.sequence(...names.map(alternativeName)))],
      }),
    );
    const keyPem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    return { certPem, keyPem, fingerprint: new X509Certificate(certPem).fingerprint256 };
  }
}

interface Contents {
  subject: Buffer;
  publicKey: KeyObject;
  issuer: Buffer;
  signer: KeyObject;
  from: number;
  to: number;
  extensions: Buffer[];
}

const ECDSA_WITH_SHA256 = der.sequence(der.objectId('1.2.840.10045.4.3.2'));
const VERSION_3 = der.explicit(0, der.integer(Buffer.of(2)));

/** RFC 5280 §4.1. */
function certificate(contents: Contents): Buffer {
  const toBeSigned = der.sequence(
    VERSION_3,
    der.integer(randomBytes(16)),
    ECDSA_WITH_SHA256,
    contents.issuer,
    der.sequence(der.utcTime(contents.from), der.utcTime(contents.to)),
    contents.subject,
    contents.publicKey.export({ type: 'spki', format: 'der' }),
    der.explicit(3, der.sequence(...contents.extensions)),
  );
  const signature = sign('sha256', toBeSigned, contents.signer);
  return der.sequence(toBeSigned, ECDSA_WITH_SHA256, der.bitString(signature));
}

function newKeyPair(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function commonName(name: string): Buffer {
  return der.sequence(der.set(der.sequence(der.objectId('2.5.4.3'), der.utf8String(name))));
}

function extension(id: string, content: Buffer, critical = false): Buffer {
  const mark = critical ? [der.boolean(true)] : [];
  return der.sequence(der.objectId(id), ...mark, der.octetString(content));
}

function alternativeName(name: string): Buffer {
  if (isIPv4(name)) return der.implicit(7, Buffer.from(name.split('.').map(Number)));
  return der.implicit(2, Buffer.from(name));
}

function toPem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
