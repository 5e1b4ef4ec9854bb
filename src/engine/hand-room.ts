import type { Clock } from '../clock.ts';
import type { HandOver, Lease, NewMessage, Reservation } from '../messages/hand-over.ts';
import { leaseEnd, type MessageRow } from '../queue/queue.ts';
import { dueOf } from './hand.ts';

/** Messages of one workspace in hand, and of all. Each is late by a lease when the process dies. */
export const MAX_OF_WORKSPACE = 500;
export const MAX_IN_HAND = 1_000;
/** Their contents together: bounds the memory where messages are large. */
export const MAX_CHARACTERS = 16 * 1024 * 1024;

/** The hand, as those who store messages know it: in this thread, or in the one that sends. */
export interface Receiver {
  /** A transaction begins that adds to the lane of a workspace. @param since when the first of it is due, ms */
  arrives(workspaceId: string, since: number): void;
  /** A transaction is over. @param held rows that are in hand from now on @param arrived told before by `arrives` */
  receive(held: readonly MessageRow[], arrived: readonly string[]): void;
}

/**
 * Knows how much is in hand, and gives leases to what still has room there. It is asked where calls are stored, and told
 * by the hand what has left it and whose messages may come; what it is told late does no harm, since the hand gives back
 * what it does not want.
 */
export class HandRoom implements HandOver {
  readonly #clock: Clock;
  readonly #owner: string;
  readonly #hand: Receiver;
  readonly #ofWorkspace = new Map<string, number>();
  #open: ReadonlySet<string> = new Set();
  #messages = 0;
  #characters = 0;
  #reservations = 0;
  #isClosed = false;
  #whenOver = (): void => {};

  /** @param owner the worker's name in the leases */
  constructor(clock: Clock, owner: string, hand: Receiver) {
    this.#clock = clock;
    this.#owner = owner;
    this.#hand = hand;
  }

  /** From now on messages of these workspaces have room. Before it is told the first time, none have. */
  openTo(workspaceIds: ReadonlySet<string>): void {
    this.#open = workspaceIds;
  }

  /** Messages have left the hand, whereto ever. */
  left(workspaceId: string, messages: number, characters: number): void {
    this.#messages -= messages;
    this.#characters -= characters;
    const before = this.#ofWorkspace.get(workspaceId)!;
    if (before > messages) this.#ofWorkspace.set(workspaceId, before - messages);
    else this.#ofWorkspace.delete(workspaceId);
  }

  /** Nothing has room any more. Resolves when all reservations are ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#reservations === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenOver = resolve;
    });
  }

  reserve(messages: readonly NewMessage[]): Reservation {
    const lease = { owner: this.#owner, until: leaseEnd(this.#clock.now()) };
    const sizes = messages.map((message) => this.#reserveOne(message));
    const arrived = this.#intoLanes(messages.filter((_, at) => sizes[at] === undefined));
    this.#reservations++;
    return {
      leases: sizes.map((size): Lease | undefined => (size === undefined ? undefined : lease)),
      end: (stored) => this.#end(messages, sizes, stored, arrived),
    };
  }

  /** @returns the size of its content, or undefined when there is no room for it */
  #reserveOne({ workspace_id: id, content }: NewMessage): number | undefined {
    const size = content?.length ?? 0;
    const hasRoom =
      !this.#isClosed &&
      this.#open.has(id) &&
      (this.#ofWorkspace.get(id) ?? 0) < MAX_OF_WORKSPACE &&
      this.#messages < MAX_IN_HAND &&
      this.#characters + size <= MAX_CHARACTERS;
    if (!hasRoom) return undefined;
    this.#ofWorkspace.set(id, (this.#ofWorkspace.get(id) ?? 0) + 1);
    this.#messages++;
    this.#characters += size;
    return size;
  }

  #end(
    messages: readonly NewMessage[],
    sizes: readonly (number | undefined)[],
    stored: readonly MessageRow[],
    arrived: readonly string[],
  ): void {
    const held = stored.filter((row) => row.lease_owner === this.#owner);
    const isHeld = new Set(held.map((row) => row.id));
    for (const [at, { id, workspace_id }] of messages.entries())
      if (sizes[at] !== undefined && !isHeld.has(id)) this.left(workspace_id, 1, sizes[at]);
    const all = [...arrived, ...this.#intoLanes(stored.filter((row) => !isHeld.has(row.id)))];
    if (held.length + all.length > 0) this.#hand.receive(held, all);
    this.#reservations--;
    if (this.#reservations === 0) this.#whenOver();
  }

  /** Announces messages that have to wait in their lanes. @returns their workspaces */
  #intoLanes(messages: readonly Pick<MessageRow, 'workspace_id' | 'send_at' | 'created_at'>[]): string[] {
    const byWorkspace = Map.groupBy(messages, (one) => one.workspace_id);
    for (const [id, own] of byWorkspace) this.#hand.arrives(id, Math.min(...own.map(dueOf)));
    return [...byWorkspace.keys()];
  }
}
