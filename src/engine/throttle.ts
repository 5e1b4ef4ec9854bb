import type { Server } from '../servers/server.ts';

/** Messages on their way per connection: one on the wire, the others ready, so that no connection waits for the database. */
const READY_PER_CONNECTION = 4;

/** How many messages are on their way to each server, and whether one more may join. */
export class Throttle {
  readonly #used = new Map<string, number>();
  /** How many places each server had when one was last taken. */
  readonly #places = new Map<string, number>();

  /**
   * Room that is left. A server that comes back from waiting gets one message as a probe. Urgent messages find as many
   * places again as there are connections: a code does not wait until those before it have left.
   */
  room(server: Server, now: number, urgent = false): number {
    const places = capacityOf(server, now);
    const extra = urgent && places > 1 ? server.maxConnections : 0;
    return Math.max(0, places + extra - (this.#used.get(server.id) ?? 0));
  }

  /** Room worth a claim: a claim is a commit, so it waits until half of the places are free. */
  claimable(server: Server, now: number): number {
    const room = this.room(server, now);
    return room * 2 >= capacityOf(server, now) ? room : 0;
  }

  take(server: Server, now: number, urgent = false): boolean {
    if (this.room(server, now, urgent) === 0) return false;
    this.#used.set(server.id, (this.#used.get(server.id) ?? 0) + 1);
    this.#places.set(server.id, capacityOf(server, now));
    return true;
  }

  /** @returns whether the server just came to have room worth a claim */
  give(serverId: string): boolean {
    const used = (this.#used.get(serverId) ?? 0) - 1;
    if (used > 0) this.#used.set(serverId, used);
    else this.#used.delete(serverId);
    return used <= 0 || used === Math.floor((this.#places.get(serverId) ?? 0) / 2);
  }
}

function capacityOf(server: Server, now: number): number {
  const { waitingUntil } = server.health;
  if (waitingUntil !== null && waitingUntil > now) return 0;
  return waitingUntil === null ? server.maxConnections * READY_PER_CONNECTION : 1;
}
