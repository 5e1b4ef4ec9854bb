import { laneOf } from '../queue/delivery.ts';
import { claim, type DueLane, lanes, type MessageRow, type Room } from '../queue/queue.ts';
import type { Server } from '../servers/server.ts';
import type { Db } from '../storage/db.ts';
import type { Calls } from './calls.ts';
import type { Gate } from './gate.ts';
import type { Hand } from './hand.ts';
import { isEmptied, type LaneKeeper, pacedFirst } from './lane-keeper.ts';

const MAX_CLAIM = 100;

export interface ClaimsParts {
  db: Db;
  owner: string;
  gate: Gate;
  keeper: LaneKeeper;
  hand: Hand;
  backlog: Calls['backlog'] | undefined;
  /** How many more the worker can hold. */
  free: () => number;
  /** Begins the turns of what was claimed. */
  take: (rows: readonly MessageRow[]) => Promise<void>;
}

/** What a look at the queue left in it. */
export interface Looked {
  /** Something is due for which there was no room. */
  isMoreDue: boolean;
  /** As many as there was room for were taken of a lane: there may be more, and more room. */
  isWorthAnother: boolean;
}

/** Looks at the lanes and claims what is due and has room. */
export class Claims {
  readonly #parts: ClaimsParts;
  #looks = 0;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
  }

  async look(servers: readonly Server[], now: number): Promise<Looked> {
    const all = await this.#due(now);
    const open = this.#parts.gate.open(all, servers);
    const next = open.filter((lane) => !this.#isBehindHand(lane, now));
    const due = pacedFirst(rotated(next, this.#looks++), servers, now);
    const looked: Looked = { isMoreDue: next.length < open.length, isWorthAnother: false };
    for (const [at, lane] of due.entries()) {
      const room = await this.#parts.keeper.roomIn(lane, servers, now, this.#share(due.length - at));
      const taken = await this.#claim(lane, room, now);
      if (isEmptied(lane, room, taken, now)) {
        this.#emptied(lane);
        continue;
      }
      looked.isMoreDue = true;
      looked.isWorthAnother ||= taken > 0;
    }
    return looked;
  }

  async #due(now: number): Promise<DueLane[]> {
    const { db, hand, backlog } = this.#parts;
    hand.lanes.lookBegins();
    const due = await lanes(db, now);
    const since = new Map<string, number>();
    for (const { lane, urgentAt, othersAt } of due) {
      const id = unroutedOf(lane);
      if (id !== undefined) since.set(id, Math.min(urgentAt ?? othersAt!, othersAt ?? urgentAt!));
    }
    hand.lanes.found(since);
    backlog?.waitsOnlyFor(new Set([...since.keys(), ...hand.workspaces()]));
    return due;
  }

  /** What came later than what is in hand waits for it; what is urgent does not. */
  #isBehindHand({ lane, urgentAt }: DueLane, now: number): boolean {
    const id = unroutedOf(lane);
    const isUrgent = urgentAt !== null && urgentAt <= now;
    return id !== undefined && !isUrgent && this.#parts.hand.goesFirst(id);
  }

  /** What is left of the worker's places is shared by the lanes still to be looked at: none starves another. */
  #share(lanesLeft: number): number {
    return Math.min(MAX_CLAIM, Math.ceil(this.#parts.free() / lanesLeft));
  }

  /** @returns how many were taken */
  async #claim({ lane }: DueLane, room: Room, now: number): Promise<number> {
    const { db, owner, keeper, backlog, take } = this.#parts;
    if (room.urgent <= 0 && room.others <= 0) return 0;
    const rows = await claim(db, lane, owner, now, room);
    if (rows.length === 0) return 0;
    keeper.claimed(lane, rows);
    const id = unroutedOf(lane);
    if (id !== undefined) backlog?.taken(id, rows.length);
    await take(rows);
    return rows.length;
  }

  #emptied({ lane }: DueLane): void {
    const id = unroutedOf(lane);
    if (id !== undefined) this.#parts.hand.lanes.emptied(id);
  }
}

/** The workspace whose messages wait in the lane for their first look. */
function unroutedOf(lane: string): string | undefined {
  const known = laneOf(lane);
  return known.kind === 'unrouted' ? known.workspaceId : undefined;
}

/** Begins with another one each time: where places are few, none is always the last. */
export function rotated<T>(all: readonly T[], times: number): T[] {
  const first = all.length === 0 ? 0 : times % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
