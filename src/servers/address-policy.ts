import ipaddr from 'ipaddr.js';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { addressKind } from '../transport/addresses.ts';
import type { Outcome } from '../transport/outcome.ts';

/** What an installation says about private SMTP servers. */
export interface AddressPolicy {
  /** CIDRs allowed to everybody. */
  allowed: readonly string[];
  /** Nobody may use private addresses that are not in `allowed`. */
  forbidPrivate: boolean;
  /** The port Mailwright itself listens on: a server there would be ourselves. */
  ownPort: number;
}

export function addressPolicy(config: Config): AddressPolicy {
  return {
    allowed: config.smtpAllowPrivate,
    forbidPrivate: config.smtpPrivate === 'forbid',
    ownPort: config.port,
  };
}

/**
 * May a connection go to this address? Public ones always; private and loopback ones when the owner said so for this
 * server or the installation lists them; link-local, metadata and reserved ones never.
 */
export function mayConnect(policy: AddressPolicy, ip: string, port: number, allowPrivate: boolean): boolean {
  const kind = addressKind(ip);
  if (kind === 'public') return true;
  if (kind === 'forbidden') return false;
  if (kind === 'loopback' && port === policy.ownPort) return false;
  return listed(policy.allowed, ip) || (allowPrivate && !policy.forbidPrivate);
}

function listed(cidrs: readonly string[], ip: string): boolean {
  const address = ipaddr.process(ip);
  return cidrs.some((cidr) => {
    const [network, bits] = ipaddr.parseCIDR(cidr);
    return network.kind() === address.kind() && address.match([network, bits] as never);
  });
}

/** The refusal of a private address, in the words that fit who is asking. */
export function hostRefused(
  policy: AddressPolicy,
  outcome: Outcome,
  where: { host: string; port: number },
  mayAllow: boolean,
): AppError {
  const ip =
    /\b(?:\d{1,3}\.){3}\d{1,3}\b|\b[0-9a-f]*:[0-9a-f:.]+\b/i.exec(outcome.message)?.[0] ?? where.host;
  const kind = addressKind(ip);
  const forbidden = kind === 'forbidden' || (kind === 'loopback' && where.port === policy.ownPort);
  const canAllow = !forbidden && !policy.forbidPrivate;
  return new AppError('host_not_allowed', sentence(ip, where, forbidden, canAllow, mayAllow), {
    field: 'host',
    detail: { stage: outcome.stage, reply: null, ...where, address: ip, mayAllow: canAllow && mayAllow },
  });
}

function sentence(
  ip: string,
  where: { host: string; port: number },
  forbidden: boolean,
  canAllow: boolean,
  mayAllow: boolean,
): string {
  const what = ip === where.host ? `${ip} is` : `${where.host} points to ${ip},`;
  if (forbidden)
    return `${what} an address that can never be a mail server: link-local, reserved, or Mailwright itself.`;
  if (!canAllow)
    return `${what} a private address. This installation allows only those listed in SMTP_ALLOW_PRIVATE.`;
  if (mayAllow)
    return `${what} a private address. If it is your own mail server, allow it: send "allowPrivate": true.`;
  return `${what} a private address. The owner of the workspace can allow it, or the operator can list it in SMTP_ALLOW_PRIVATE.`;
}
