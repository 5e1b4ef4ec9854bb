/**
 * The states of a delivery: one message on its way to one recipient. Nine are stored; the other words are read from
 * the due time, the lease and the attempts, so that no process ever has to move rows between them.
 * The table with the guarantees of each is docs/delivery-states.md.
 */
export type StoredState =
  | 'queued'
  | 'sent'
  | 'bounced'
  | 'failed'
  | 'uncertain'
  | 'blocked'
  | 'captured'
  | 'cancelled'
  | 'expired';

export type Status = StoredState | 'scheduled' | 'sending' | 'deferred' | 'delivered';

export const STATUSES: readonly Status[] = [
  'scheduled',
  'queued',
  'sending',
  'deferred',
  'captured',
  'sent',
  'delivered',
  'bounced',
  'failed',
  'uncertain',
  'blocked',
  'cancelled',
  'expired',
];

/** What the status is read from. */
export interface DeliveryTimes {
  state: string;
  dueAt: number;
  leaseOwner: string | null;
  attempts: number;
  sendAt: number | null;
}

export function statusOf(delivery: DeliveryTimes, now: number): Status {
  if (delivery.state !== 'queued') return delivery.state as StoredState;
  if (delivery.leaseOwner !== null && delivery.dueAt > now) return 'sending';
  if (delivery.attempts > 0) return 'deferred';
  return delivery.sendAt !== null && delivery.sendAt > now ? 'scheduled' : 'queued';
}

/** Nothing happens any more to a message in such a state. An uncertain one still waits for a decision. */
export function isFinal(state: string): boolean {
  return state !== 'queued' && state !== 'uncertain';
}

/**
 * The order in which messages of a lane are taken: a code must not wait behind a welcome mail, nor that behind a
 * newsletter.
 */
export const HIGH = 0;
export const NORMAL = 1;
export const BULK = 2;
export const PRIORITIES = [HIGH, NORMAL, BULK] as const;

/**
 * A lane is where a message waits for its turn. Each workspace has lanes of its own, so that the backlog of one never
 * stands before the messages of another. A lane named by a server's id holds what waits for that server.
 */
export const UNROUTED = 'new:';
const SANDBOX = 'sandbox:';
const NOBODY = 'none:';

/** Where messages start that are meant for a server: it is not chosen yet. */
export function unroutedLane(workspaceId: string): string {
  return UNROUTED + workspaceId;
}

/** Messages accepted in sandbox: captured, without waiting for any server. */
export function sandboxLane(workspaceId: string): string {
  return SANDBOX + workspaceId;
}

/** Where a workspace's messages wait while no server can take them. */
export function nobodyLane(workspaceId: string): string {
  return NOBODY + workspaceId;
}

/** Messages whose final dot may have left. One of them is due only when its holder is gone: then it is uncertain. */
export const MARKED = 'marked';

export type Lane =
  | { kind: 'unrouted' | 'sandbox' | 'nobody'; workspaceId: string }
  | { kind: 'marked' }
  | { kind: 'server'; serverId: string };

export function laneOf(name: string): Lane {
  if (name === MARKED) return { kind: 'marked' };
  const workspaceId = name.slice(name.indexOf(':') + 1);
  if (name.startsWith(UNROUTED)) return { kind: 'unrouted', workspaceId };
  if (name.startsWith(SANDBOX)) return { kind: 'sandbox', workspaceId };
  if (name.startsWith(NOBODY)) return { kind: 'nobody', workspaceId };
  return { kind: 'server', serverId: name };
}

/** Where a message starts, and where it returns to when its server is to be chosen anew. */
export function startLane(message: { live: boolean; workspaceId: string }): string {
  return message.live ? unroutedLane(message.workspaceId) : sandboxLane(message.workspaceId);
}

/** The lease: long enough for a stalled process to notice, short enough that its messages are not late by much. */
export const LEASE_MS = 60_000;
/** A holder renews this often; three renewals may fail before the lease is lost. */
export const RENEW_EVERY_MS = 15_000;

/** Names one claim of a message. Its id alone would also name an earlier claim, whose holder may still be at work. */
export function claimKey({ id, fence }: { id: string; fence: number }): string {
  return `${id}#${fence}`;
}
