import { laneOf } from '../queue/delivery.ts';
import { type Pauses, pausesOf } from '../queue/pause.ts';
import type { DueLane } from '../queue/queue.ts';
import type { Server } from '../servers/server.ts';
import type { Db } from '../storage/db.ts';
import type { Disk } from '../storage/disk.ts';

/** Says whether messages may be claimed at all, and in which lanes. Looked at anew before each claim. */
export class Gate {
  readonly #db: Db;
  readonly #disk: Disk;
  #pauses: Pauses = new Map();

  constructor(db: Db, disk: Disk) {
    this.#db = db;
    this.#disk = disk;
  }

  /** @returns true when nothing may be claimed: sending is paused, or the disk is nearly full */
  async closed(): Promise<boolean> {
    this.#pauses = await pausesOf(this.#db);
    return this.#pauses.has('') || this.#disk.low;
  }

  /** As of the last look: whether a workspace's sending is paused. */
  isPaused(workspaceId: string): boolean {
    return this.#pauses.has(workspaceId);
  }

  /** The lanes in which messages may be claimed: those of a paused workspace stand as they are. */
  open(lanes: readonly DueLane[], servers: readonly Server[]): DueLane[] {
    return lanes.filter(({ lane }) => !this.#pauses.has(senderOf(lane, servers) ?? NOBODY));
  }
}

const NOBODY = 'nobody';

/** Whose sending a lane is. The sandbox sends nothing, and what is marked is not sent again. */
function senderOf(name: string, servers: readonly Server[]): string | undefined {
  const lane = laneOf(name);
  switch (lane.kind) {
    case 'unrouted':
    case 'nobody':
      return lane.workspaceId;
    case 'server':
      return servers.find((server) => server.id === lane.serverId)?.workspaceId;
    case 'sandbox':
    case 'marked':
      return undefined;
  }
}
