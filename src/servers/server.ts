import { AppError } from '../errors.ts';
import type { Security } from '../transport/endpoint.ts';
import type { ServerLimits } from './limits.ts';
import type { LearnedRate } from './rate.ts';

/** A customer's SMTP server. The password is not part of it: it stays sealed until a session needs it. */
export interface Server {
  id: string;
  workspaceId: string;
  type: string;
  name: string;
  region: string | null;
  host: string;
  port: number;
  security: Security;
  username: string | null;
  passwordSealed: string | null;
  heloName: string | null;
  /** `@example.com` for a whole domain, or one address; empty allows every From. */
  allowedFrom: string[];
  limits: ServerLimits;
  maxConnections: number;
  weight: number;
  costPerThousand: number | null;
  reserve: number | null;
  tlsCa: string | null;
  tlsFingerprint: string | null;
  tlsServerName: string | null;
  /** The owner said that this private address is an own mail server. */
  allowPrivate: boolean;
  capabilities: { size?: number; smtpUtf8?: boolean };
  validatedAt: number;
  createdAt: number;
  updatedAt: number;
  health: Health;
  /** The pace that it was found to take (rate.ts). */
  learned: LearnedRate;
}

/** How the server has been doing. It is well while `waitingUntil` is null. */
export interface Health {
  failures: number;
  waitingUntil: number | null;
  code: string | null;
  reason: string | null;
}

export const DEFAULT_MAX_CONNECTIONS = 5;
export const MAX_CONNECTIONS = 50;

/** A rule about a server and a From: is this address one it may send for? */
export function allowsFrom(allowedFrom: readonly string[], address: string): boolean {
  if (allowedFrom.length === 0) return true;
  const from = address.toLowerCase();
  const domain = from.slice(from.lastIndexOf('@'));
  return allowedFrom.some((one) => (one.startsWith('@') ? one === domain : one === from));
}

/** @throws AppError allowed_from_invalid */
export function checkAllowedFrom(list: readonly string[]): string[] {
  return list.map((entry) => {
    const text = entry.trim().toLowerCase();
    if (!/^[^\s@]*@[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(text)) {
      throw new AppError(
        'allowed_from_invalid',
        `"${entry.slice(0, 80)}" is neither a domain such as @example.com nor an address.`,
        { field: 'allowedFrom' },
      );
    }
    return text;
  });
}
