import type { Clock } from '../clock.ts';

/**
 * So many messages of a workspace may wait for their first turn while its servers take others: enough that no connection
 * waits for a call. A fifth of what a worker takes in hand (engine/hand.ts), so that calls which are let in find room.
 */
const HIGH_WATER = 100;
/** Who would add to more waits so long for it to shrink, and is then let in all the same. */
const MAX_WAIT_MS = 250;
/** Sending is under way while something was sent so lately. */
const SENDING_MS = 1_000;

interface Count {
  waiting: number;
  sentAt: number;
  /** Who waits for it to shrink. */
  held: Set<() => void>;
}

/**
 * Holds calls back a little while messages come in faster than they leave: otherwise a program that sends as fast as
 * it is answered would take all of this process for accepting, and sending would starve. Only what is due and could be
 * sent counts: while nothing of a workspace can be sent, nothing of it is held back. Where calls are answered by one
 * process and messages sent by another there is nothing to balance.
 */
export class Backlog {
  readonly #clock: Clock;
  readonly #counts = new Map<string, Count>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when there is room, at the latest after `MAX_WAIT_MS`. */
  async room(workspaceId: string): Promise<void> {
    const count = this.#counts.get(workspaceId);
    if (!count || count.waiting < HIGH_WATER) return;
    if (this.#clock.monotonic() - count.sentAt > SENDING_MS) return;
    await new Promise<void>((resolve) => {
      const go = () => {
        clearTimeout(timer);
        count.held.delete(go);
        resolve();
      };
      const timer = setTimeout(go, MAX_WAIT_MS);
      count.held.add(go);
    });
  }

  arrived(workspaceId: string, messages: number): void {
    this.#of(workspaceId).waiting += messages;
  }

  /** Messages got their first look: they are under way, or wait in the lane of a server. */
  taken(workspaceId: string, messages: number): void {
    const count = this.#of(workspaceId);
    count.waiting = Math.max(0, count.waiting - messages);
    // As many as left: all at once they would be a burst, and sending would wait for it.
    if (count.waiting < HIGH_WATER) for (const go of [...count.held].slice(0, messages)) go();
    if (count.waiting === 0) this.#counts.delete(workspaceId);
  }

  /** Of all other workspaces nothing waits any more: what was cancelled or expired is taken by nobody. */
  waitsOnlyFor(workspaceIds: ReadonlySet<string>): void {
    for (const [workspaceId, { waiting }] of this.#counts)
      if (!workspaceIds.has(workspaceId)) this.taken(workspaceId, waiting);
  }

  /** A server took one. */
  sent(workspaceId: string): void {
    const count = this.#counts.get(workspaceId);
    if (count) count.sentAt = this.#clock.monotonic();
  }

  #of(workspaceId: string): Count {
    const known = this.#counts.get(workspaceId) ?? {
      waiting: 0,
      sentAt: Number.NEGATIVE_INFINITY,
      held: new Set(),
    };
    this.#counts.set(workspaceId, known);
    return known;
  }
}
