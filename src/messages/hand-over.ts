import type { MessageRow } from '../queue/queue.ts';
import type { NewMessage } from './store.ts';

export type { NewMessage } from './store.ts';

/** A claim that is stored with the message itself. */
export interface Lease {
  owner: string;
  /** ms */
  until: number;
}

/**
 * Takes messages for sending in the moment in which they are stored, where the process that accepts them also sends:
 * they are not looked for, claimed and read again.
 */
export interface HandOver {
  /** Asked before the transaction, for messages that could leave at once. Each reservation is ended. */
  reserve(messages: readonly NewMessage[]): Reservation;
}

export interface Reservation {
  /** For each message, in order: the lease it is stored with; undefined where it is to wait in its lane. */
  leases: readonly (Lease | undefined)[];
  /** The transaction is over. @param stored those of the messages that could leave now; none when it failed */
  end(stored: readonly MessageRow[]): void;
}

export function hold(message: NewMessage, { owner, until }: Lease): void {
  Object.assign(message, { lease_owner: owner, fence: 1, due_at: until });
}

export function letGo(message: NewMessage): void {
  Object.assign(message, { lease_owner: null, fence: 0, due_at: message.send_at ?? message.created_at });
}
