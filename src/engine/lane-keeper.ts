import { claimKey, laneOf } from '../queue/delivery.ts';
import { type DueLane, inLane, type MessageRow, type Room, reroute } from '../queue/queue.ts';
import { isPaced } from '../servers/pace.ts';
import { isWell } from '../servers/route.ts';
import type { Server } from '../servers/server.ts';
import type { Db } from '../storage/db.ts';
import type { Permits } from './permits.ts';
import type { Throttle } from './throttle.ts';

const NO_ROOM: Room = { urgent: 0, others: 0 };

/** Says how many messages of a lane could be worked on now, and empties lanes whose messages may go elsewhere. */
export class LaneKeeper {
  readonly #db: Db;
  readonly #throttle: Throttle;
  readonly #permits: Permits;
  /** For each lane that cannot move: by which look of the servers it was routed anew, and how many are still to go. */
  readonly #reconsidered = new Map<string, { look: string; left: number }>();

  constructor(db: Db, throttle: Throttle, permits: Permits) {
    this.#db = db;
    this.#throttle = throttle;
    this.#permits = permits;
  }

  /**
   * A message came into the lane of a server for want of room, not knowing that the server rests meanwhile: those that
   * stand there are to be looked at anew.
   */
  queued(lane: string): void {
    this.#reconsidered.delete(lane);
  }

  /** At most `share` messages. */
  async roomIn(due: DueLane, servers: readonly Server[], now: number, share: number): Promise<Room> {
    const room = await this.#room(due.lane, servers, now);
    const urgentIsDue = due.urgentAt !== null && due.urgentAt <= now;
    const othersAreDue = due.othersAt !== null && due.othersAt <= now;
    return {
      urgent: urgentIsDue ? Math.min(room.urgent, share) : 0,
      others: othersAreDue ? Math.min(room.others, share) : 0,
    };
  }

  /** Room at servers none of which is paced, for at most `share` messages that are held already. */
  placesAt(servers: readonly Server[], now: number, share: number): Room {
    const rooms = servers.map((server) => this.#roomByPlaces(server, now));
    const { urgent, others } = rooms.reduce(plus, NO_ROOM);
    return { urgent: Math.min(urgent, share), others: Math.min(others, share) };
  }

  /** Messages of a lane were claimed. */
  claimed(name: string, rows: readonly MessageRow[]): void {
    const lane = laneOf(name);
    if (lane.kind === 'server') this.#permits.reserve(lane.serverId, rows.map(claimKey));
  }

  async #room(name: string, servers: readonly Server[], now: number): Promise<Room> {
    const lane = laneOf(name);
    switch (lane.kind) {
      case 'sandbox':
      case 'marked':
        return unbounded();
      case 'unrouted': {
        const own = ofWorkspace(servers, lane.workspaceId);
        return own.length === 0 ? unbounded() : this.#roomAtAny(own, now);
      }
      case 'nobody':
        return this.#reconsider(name, lookOf(servers, lane.workspaceId));
      case 'server':
        return this.#roomInLaneOf(lane.serverId, servers, now);
    }
  }

  async #roomInLaneOf(serverId: string, servers: readonly Server[], now: number): Promise<Room> {
    const server = servers.find((one) => one.id === serverId);
    if (!server) {
      await reroute(this.#db, serverId);
      return NO_ROOM;
    }
    if (!isWell(server, now)) return this.#reconsider(serverId, wellBeside(server, servers, now));
    this.#reconsidered.delete(serverId);
    return this.#roomAt(server, now);
  }

  async #roomAt(server: Server, now: number): Promise<Room> {
    const room = this.#roomByPlaces(server, now);
    if (!isPaced(server, now) || (room.urgent === 0 && room.others === 0)) return room;
    const credit = await this.#permits.ask(server, now);
    return { urgent: Math.min(room.urgent, credit), others: Math.min(room.others, credit) };
  }

  async #roomAtAny(servers: readonly Server[], now: number): Promise<Room> {
    let sum = NO_ROOM;
    for (const server of servers) sum = plus(sum, await this.#roomToRoute(server, now));
    return sum;
  }

  /**
   * What is not routed yet is taken beyond the credit of a server only where that is worth a write: once it stands in
   * the lane of the server, an urgent message is the first there, and one with long to wait says until when.
   */
  async #roomToRoute(server: Server, now: number): Promise<Room> {
    const all = this.#roomByPlaces(server, now);
    const { others } = await this.#roomAt(server, now);
    return this.#permits.waitsLong(server.id, now) ? all : { urgent: all.urgent, others };
  }

  #roomByPlaces(server: Server, now: number): Room {
    return {
      urgent: this.#throttle.room(server, now, true),
      others: this.#throttle.claimable(server, now),
    };
  }

  /**
   * Lets the messages of a lane that cannot move be routed anew, once for each look of the servers that might take
   * them; those that find nobody come back, and cost nothing until the look changes. An empty look is nobody.
   */
  async #reconsider(lane: string, look: string): Promise<Room> {
    const known = this.#reconsidered.get(lane);
    const left = known?.look === look ? known.left : await inLane(this.#db, lane);
    const moved = left > 0 && look !== '' ? await reroute(this.#db, lane) : 0;
    this.#reconsidered.set(lane, { look, left: moved === 0 ? 0 : left - moved });
    return NO_ROOM;
  }
}

function ofWorkspace(servers: readonly Server[], workspaceId: string): Server[] {
  return servers.filter((server) => server.workspaceId === workspaceId);
}

function plus(one: Room, other: Room): Room {
  return { urgent: one.urgent + other.urgent, others: one.others + other.others };
}

function unbounded(): Room {
  return { urgent: Number.POSITIVE_INFINITY, others: Number.POSITIVE_INFINITY };
}

/** Whether a claim of as many as there was room for took all that was due in a lane. */
export function isEmptied(due: DueLane, room: Room, taken: number, now: number): boolean {
  const othersAreDue = due.othersAt !== null && due.othersAt <= now;
  return taken < (othersAreDue ? room.others : room.urgent);
}

/** Changes when a workspace's servers do. */
function lookOf(servers: readonly Server[], workspaceId: string): string {
  const own = ofWorkspace(servers, workspaceId);
  return own.map((server) => `${server.id}:${server.updatedAt}`).join();
}

/** The well servers of the same workspace, to which messages may move that are not bound to this one. */
function wellBeside(server: Server, servers: readonly Server[], now: number): string {
  const others = servers.filter((one) => one.workspaceId === server.workspaceId && one.id !== server.id);
  return others
    .filter((one) => isWell(one, now))
    .map((one) => one.id)
    .join();
}

/** What waits for a paced server goes before what has no server yet: it came first, and both use the same credit. */
export function pacedFirst(due: readonly DueLane[], servers: readonly Server[], now: number): DueLane[] {
  const paced = new Set(servers.filter((server) => isPaced(server, now)).map((server) => server.id));
  return paced.size === 0
    ? [...due]
    : due.toSorted((a, b) => Number(paced.has(b.lane)) - Number(paced.has(a.lane)));
}
