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

/** Messages whose server is not chosen yet. */
export const UNROUTED = '';

/** Messages accepted in sandbox: captured, without waiting for any server. */
export const SANDBOX = 'sandbox';

/** Messages whose final dot may have left. One of them is due only when its holder is gone: then it is uncertain. */
export const MARKED = 'marked';

/** Where a workspace's messages wait while no server can take them. */
export function nobodyLane(workspaceId: string): string {
  return `none:${workspaceId}`;
}

export function workspaceOfNobodyLane(lane: string): string | undefined {
  return lane.startsWith('none:') ? lane.slice('none:'.length) : undefined;
}

/** The lease: long enough for a stalled process to notice, short enough that its messages are not late by much. */
export const LEASE_MS = 60_000;
/** A holder renews this often; three renewals may fail before the lease is lost. */
export const RENEW_EVERY_MS = 15_000;
