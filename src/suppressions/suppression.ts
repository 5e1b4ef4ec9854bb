/** An address a workspace does not write to any more, and why. */
export interface Suppression {
  id: string;
  workspaceId: string;
  email: string;
  emailKey: string;
  reason: 'bounce' | 'complaint' | 'manual';
  code: string | null;
  reply: string | null;
  messageId: string | null;
  createdAt: number;
}

/** What the history says of a message that was not sent because of it. */
export function blockedReason(suppression: Suppression): string {
  const day = new Date(suppression.createdAt).toISOString().slice(0, 10);
  const why =
    suppression.reason === 'bounce'
      ? 'an earlier message bounced'
      : suppression.reason === 'complaint'
        ? 'the recipient complained'
        : 'it was blocked by hand';
  return `${suppression.email} is blocked since ${day}: ${why}.`;
}
