import type { Clock } from '../clock.ts';
import { errorText } from '../errors.ts';
import { recordEvents } from '../events/record.ts';
import { newToken } from '../ids.ts';
import { forgetOldKeys } from '../messages/idempotency.ts';
import { MARKED, RENEW_EVERY_MS, SANDBOX, UNROUTED, workspaceOfNobodyLane } from '../queue/delivery.ts';
import { changeIdle, claim, expire, inLane, lanes, type MessageRow, renew, reroute } from '../queue/queue.ts';
import { isWell } from '../servers/route.ts';
import type { Server } from '../servers/server.ts';
import { listAllServers } from '../servers/servers.ts';
import { type DeliverParts, deliver, expiredReason } from './deliver.ts';
import { settle } from './settle.ts';
import type { Verdict } from './verdict.ts';

/** Messages one worker holds at a time: bounds its memory, and what a crash can make uncertain or late. */
const MAX_HELD = 300;
const MAX_CLAIM = 100;
/** A nudge makes it quick, the poll makes it right: what a lost nudge leaves is found this much later. */
const POLL_MS = 500;
const SWEEP_EVERY_MS = 5_000;

export interface WorkerParts extends DeliverParts {
  /** Told after the commit that settled a message. */
  onSettled?: ((messageId: string) => void) | undefined;
}

/** Claims due messages, delivers them, settles them, until told to stop. */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #clock: Clock;
  /** Random for each start: host names and process ids come back after a restart. */
  readonly owner = newToken();
  readonly #held = new Map<string, Promise<void>>();
  /** For each lane that cannot move: by which look of the servers it was routed anew, and how many are still to go. */
  readonly #reconsidered = new Map<string, { look: string; left: number }>();
  #running: Promise<void> | undefined;
  #stopping = false;
  #wake: (() => void) | undefined;
  #nudged = false;
  #renewal: NodeJS.Timeout | undefined;
  #lastSweep = Number.NEGATIVE_INFINITY;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
  }

  start(): void {
    this.#renewal = setInterval(() => void this.#renew(), RENEW_EVERY_MS);
    this.#running = this.#run();
  }

  /** Something may be due. */
  nudge(): void {
    this.#nudged = true;
    this.#wake?.();
  }

  /** Stops claiming and waits for what is under way; sessions that have not begun a message are closed. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    this.nudge();
    await this.#running;
    await this.#parts.pool.close(drainMs);
    await Promise.all(this.#held.values());
    clearInterval(this.#renewal);
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#nudged = false;
      const found = await this.#round().catch((error) => {
        this.#parts.log.error({ error: errorText(error) }, 'the queue could not be read; trying again');
        return 0;
      });
      if (found === 0 && !this.#nudged && !this.#stopping) await this.#sleep();
    }
  }

  /** One look at the queue. @returns how many messages were taken */
  async #round(): Promise<number> {
    await this.#sweep();
    const servers = await listAllServers(this.#parts.db);
    let found = 0;
    for (const lane of await lanes(this.#parts.db)) {
      const limit = Math.min(MAX_CLAIM, MAX_HELD - this.#held.size, await this.#roomIn(lane, servers));
      if (limit <= 0) continue;
      const rows = await claim(this.#parts.db, lane, this.owner, this.#clock.now(), limit);
      for (const row of rows) this.#take(row);
      found += rows.length;
    }
    return found;
  }

  /** How many messages of a lane could be worked on now. */
  async #roomIn(lane: string, servers: readonly Server[]): Promise<number> {
    const now = this.#clock.now();
    const room = (server: Server) => this.#parts.throttle.claimable(server, now);
    if (lane === SANDBOX || lane === MARKED) return MAX_CLAIM;
    if (lane === UNROUTED)
      return servers.length === 0 ? MAX_CLAIM : servers.reduce((sum, server) => sum + room(server), 0);
    const workspaceId = workspaceOfNobodyLane(lane);
    if (workspaceId !== undefined) return this.#reconsider(lane, lookOf(servers, workspaceId));
    const server = servers.find((one) => one.id === lane);
    if (!server) {
      await reroute(this.#parts.db, lane);
      return 0;
    }
    if (!isWell(server, now)) return this.#reconsider(lane, wellBeside(server, servers, now));
    this.#reconsidered.delete(lane);
    return room(server);
  }

  /**
   * Lets the messages of a lane that cannot move be routed anew, once for each look of the servers that might take
   * them; those that find nobody come back, and cost nothing until the look changes. An empty look is nobody.
   */
  async #reconsider(lane: string, look: string): Promise<number> {
    const known = this.#reconsidered.get(lane);
    const left = known?.look === look ? known.left : await inLane(this.#parts.db, lane);
    const moved = left > 0 && look !== '' ? await reroute(this.#parts.db, lane) : 0;
    this.#reconsidered.set(lane, { look, left: moved === 0 ? 0 : left - moved });
    return 0;
  }

  #take(row: MessageRow): void {
    const work = this.#work(row)
      .catch((error) => {
        // A bug of ours, or a database that is gone: the lease ends by itself and the message is tried again.
        this.#parts.log.error(
          {
            message: row.id,
            error: errorText(error),
            stack: error instanceof Error ? error.stack : undefined,
          },
          'a delivery failed unexpectedly',
        );
      })
      .finally(() => {
        this.#held.delete(row.id);
        this.nudge();
      });
    this.#held.set(row.id, work);
  }

  async #work(row: MessageRow): Promise<void> {
    const verdict = this.#excuse(await deliver(this.#parts, row, this.owner));
    const storing = settle(this.#parts.db, row, this.owner, verdict, this.#clock.now(), Math.random());
    if (verdict.kind === 'attempted') this.#parts.settling.began(verdict.connection, storing);
    if (!(await storing))
      this.#parts.log.warn({ message: row.id }, 'the lease of a message was lost; its new holder decides');
    this.#parts.onSettled?.(row.id);
  }

  /** A session we closed ourselves while stopping is nobody's failure. */
  #excuse(verdict: Verdict): Verdict {
    const closed =
      this.#stopping &&
      verdict.kind === 'attempted' &&
      verdict.server !== null &&
      verdict.outcome.class === 'network';
    return closed ? { kind: 'returned', at: this.#clock.now() } : verdict;
  }

  async #renew(): Promise<void> {
    const ids = [...this.#held.keys()];
    if (ids.length === 0) return;
    await renew(this.#parts.db, this.owner, ids, this.#clock.now()).catch((error) => {
      this.#parts.log.error({ error: errorText(error) }, 'leases could not be renewed');
    });
  }

  /** Ends what has waited too long, wherever it stands. */
  async #sweep(): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#lastSweep < SWEEP_EVERY_MS) return;
    this.#lastSweep = now;
    const ended = await this.#parts.db.write(async (tx) => {
      const rows = await expire(tx, now);
      for (const row of rows)
        await changeIdle(tx, row.workspace_id, row.id, 'expired', now, {
          code: 'expired',
          reason: expiredReason(row),
        });
      await recordEvents(
        tx,
        rows.map((row) => ({
          workspaceId: row.workspace_id,
          type: 'message.expired' as const,
          messageId: row.id,
          at: now,
        })),
      );
      await forgetOldKeys(tx, now);
      return rows;
    });
    for (const row of ended) this.#parts.onSettled?.(row.id);
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Changes when a workspace's servers do. */
function lookOf(servers: readonly Server[], workspaceId: string): string {
  const own = servers.filter((server) => server.workspaceId === workspaceId);
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
