/** An address a workspace does not write to any more, and why. */
export interface Suppression {
  id: string;
  workspaceId: string;
  email: string;
  emailKey: string;
  reason: SuppressionReason;
  source: SuppressionSource;
  code: string | null;
  reply: string | null;
  messageId: string | null;
  serverId: string | null;
  serverName: string | null;
  createdAt: number;
  /** Null: for good. */
  expiresAt: number | null;
}

export const REASONS = ['bounce', 'complaint', 'manual'] as const;
export type SuppressionReason = (typeof REASONS)[number];

/** How it came to be known: a server refused the recipient in a session, or a person said so. */
export type SuppressionSource = 'smtp' | 'manual';

/** A block that has run out stops nothing. */
export function isActive(suppression: Suppression, now: number): boolean {
  return suppression.expiresAt === null || suppression.expiresAt > now;
}

/** What the history says of a message that was not sent because of it. */
export function blockedReason({ email, reason, code, createdAt, expiresAt }: Suppression): string {
  const until = expiresAt === null ? '' : ` until ${day(expiresAt)}`;
  const why = expiresAt !== null && reason === 'bounce' ? whyForNow(code) : WHY[reason];
  return `${email} is blocked since ${day(createdAt)}${until}: ${why}.`;
}

/** What may pass blocks only after it came again and again (policy.ts). */
function whyForNow(code: string | null): string {
  return code === 'mailbox_full'
    ? 'its mailbox was full again and again'
    : 'mail to it was refused on several days';
}

const WHY: Record<SuppressionReason, string> = {
  bounce: 'an earlier message bounced',
  complaint: 'the recipient complained',
  manual: 'it was blocked by hand',
};

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
