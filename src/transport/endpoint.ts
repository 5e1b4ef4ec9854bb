/** `ssl`: TLS from the first byte. `starttls`: required, there is no way back to plain text. */
export type Security = 'ssl' | 'starttls' | 'none';

/** Everything needed to open a session with one SMTP server. */
export interface Endpoint {
  host: string;
  port: number;
  security: Security;
  /** With `password` or not at all. */
  username?: string;
  password?: string;
  /** A fully qualified domain name or an address literal; empty takes the literal of the own end (RFC 5321 §4.1.3). */
  heloName: string;
  /** PEM certificates trusted instead of the public ones. */
  tlsCa?: string;
  /** SHA-256 of the one certificate to accept, hex with or without colons. */
  tlsFingerprint?: string;
  /** The name the certificate must carry, when it is not `host`. */
  tlsServerName?: string;
  /** The policy on addresses, decided above. Every address of the name must pass. */
  allowAddress: (ip: string) => boolean;
}

/** Whether a connection made for `a` may carry mail for `b`. The address policy is asked again at each connection. */
export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a === b || COMPARED.every((field) => a[field] === b[field]);
}

const COMPARED = [
  'host',
  'port',
  'security',
  'username',
  'password',
  'heloName',
  'tlsCa',
  'tlsFingerprint',
  'tlsServerName',
] as const;
