import { AppError } from '../errors.ts';
import { addressKind } from '../transport/addresses.ts';
import { resolveHost } from '../transport/resolve.ts';
import type { Step } from '../transport/smtp.ts';
import { type Verified, verifyEndpoint } from '../transport/verify.ts';
import { type AddressPolicy, hostRefused } from './address-policy.ts';
import type { CheckLimit } from './check-limit.ts';
import { type Connection, otherProtocol } from './connection.ts';
import { connectionEndpoint } from './endpoint.ts';
import type { Server } from './server.ts';

/** The part of a server that a session is made of. */
export type Checked = Connection &
  Pick<Server, 'name' | 'heloName' | 'tlsCa' | 'tlsFingerprint' | 'tlsServerName' | 'allowPrivate'>;

export interface VerifyParts {
  policy: AddressPolicy;
  publicUrl: string;
  limit: CheckLimit;
  /** Who asks, for the limit on checks. */
  caller: string;
  now: number;
  /** May the caller allow private addresses? Decides the wording of a refusal. */
  mayAllowPrivate: boolean;
  onStep?: ((step: Step) => void) | undefined;
}

export type Verification = Extract<Verified, { ok: true }>;

/**
 * Opens a real session and signs in. Nothing is sent.
 * @throws AppError 422 with a code of docs/smtp-outcomes.md and `detail: {stage, reply, host, port}`
 */
export async function verify(checked: Checked, parts: VerifyParts): Promise<Verification> {
  const where = { host: checked.host, port: checked.port };
  const own = checked.allowPrivate && (await isPrivate(checked.host));
  const refusal = otherProtocol(checked.port);
  if (refusal && !own) throw refusal;
  if (!own) parts.limit.take(parts.caller, parts.now);
  const verified = await verifyEndpoint(connectionEndpoint(checked, parts), {
    serverName: checked.name,
    preset: checked.type,
    onStep: parts.onStep,
  });
  if (verified.ok) return verified;
  const { outcome } = verified;
  if (outcome.code === 'host_not_allowed')
    throw hostRefused(parts.policy, outcome, where, parts.mayAllowPrivate);
  throw new AppError(outcome.code, outcome.message, {
    field: fieldOf(outcome.code),
    detail: { stage: outcome.stage, reply: outcome.reply ?? null, ...where, steps: verified.steps },
  });
}

async function isPrivate(host: string): Promise<boolean> {
  const resolved = await resolveHost(host);
  return (
    resolved.ok &&
    resolved.addresses.every((ip) => addressKind(ip) === 'private' || addressKind(ip) === 'loopback')
  );
}

/** The field of the form that mends it. */
function fieldOf(code: string): string | undefined {
  if (/^(dns_|host_)/.test(code)) return 'host';
  if (/^(connect_|closed_before|greeting_timeout|not_smtp)/.test(code)) return 'port';
  if (/^(tls_mode|starttls_|auth_needs_tls|auth_not_offered|plaintext)/.test(code)) return 'security';
  if (code.startsWith('tls_')) return 'tlsCa';
  if (code.startsWith('auth_')) return 'password';
  if (code === 'helo_refused') return 'heloName';
  return undefined;
}
