import type { Clock } from '../clock.ts';
import { errorText } from '../errors.ts';
import { failpoint, tuned } from '../failpoint.ts';
import { newToken } from '../ids.ts';
import type { Backlog } from '../messages/backlog.ts';
import { claimKey, laneOf, RENEW_EVERY_MS } from '../queue/delivery.ts';
import { claim, type DueLane, lanes, type MessageRow } from '../queue/queue.ts';
import { isPaced } from '../servers/pace.ts';
import type { Server } from '../servers/server.ts';
import { listAllServers } from '../servers/servers.ts';
import { type Briefing, briefingFor } from './briefing.ts';
import { type DeliverParts, deliver } from './deliver.ts';
import type { Gate } from './gate.ts';
import { Journal } from './journal.ts';
import { LaneKeeper, pacedFirst } from './lane-keeper.ts';
import type { Turn } from './next-state.ts';
import { Permits } from './permits.ts';
import { Sweeper } from './sweep.ts';
import type { Verdict } from './verdict.ts';

/** Messages one worker holds at a time: bounds its memory, and what a crash can make uncertain or late. */
const MAX_HELD = 300;
const MAX_CLAIM = 100;
/** A nudge makes it quick, the poll makes it right: what a lost nudge leaves is found this much later. */
const POLL_MS = 500;
/** An outcome that could not be stored is tried again this often, and for this long: the lease is renewed meanwhile. */
const STORE_AGAIN_MS = 1_000;
const STORE_FOR_MS = 300_000;

export interface WorkerParts extends Omit<DeliverParts, 'journal' | 'permits' | 'onRoom'> {
  gate: Gate;
  /** Told what is taken and what was sent, where calls are answered by the same process. */
  backlog?: Backlog | undefined;
  /** Told after the commit that settled a message. */
  onSettled?: ((messageId: string) => void) | undefined;
}

/** Claims due messages, delivers them, settles them, until told to stop. */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #clock: Clock;
  /** Random for each start: host names and process ids come back after a restart. */
  readonly owner = newToken();
  readonly #journal: Journal;
  readonly #permits: Permits;
  readonly #deliverParts: DeliverParts;
  readonly #keeper: LaneKeeper;
  readonly #sweeper: Sweeper;
  readonly #held = new Map<string, Promise<void>>();
  #running: Promise<void> | undefined;
  #stopping = false;
  #wake: (() => void) | undefined;
  #nudged = false;
  #looks = 0;
  #renewal: NodeJS.Timeout | undefined;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#journal = new Journal(parts.db, parts.clock, this.owner);
    const onRoom = () => this.nudge();
    this.#permits = new Permits(parts.db, onRoom);
    this.#deliverParts = { ...parts, journal: this.#journal, permits: this.#permits, onRoom };
    this.#keeper = new LaneKeeper(parts.db, parts.throttle, this.#permits);
    this.#sweeper = new Sweeper(parts.db);
  }

  start(): void {
    this.#renewal = setInterval(() => void this.#renew(), tuned('renewal', RENEW_EVERY_MS));
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
    if (await this.#parts.gate.closed()) return 0;
    const now = this.#clock.now();
    for (const id of await this.#sweeper.sweep(now)) this.#parts.onSettled?.(id);
    const servers = await listAllServers(this.#parts.db);
    const all = await lanes(this.#parts.db, now);
    this.#parts.backlog?.waitsOnlyFor(unroutedIn(all));
    const open = this.#parts.gate.open(all, servers);
    const due = pacedFirst(this.#rotated(open), servers, now);
    let found = 0;
    for (const [at, lane] of due.entries()) {
      const share = this.#share(due.length - at);
      const room = await this.#keeper.roomIn(lane, servers, now, share);
      if (room.urgent <= 0 && room.others <= 0) continue;
      const rows = await claim(this.#parts.db, lane.lane, this.owner, now, room);
      if (rows.length > 0) {
        this.#keeper.claimed(lane.lane, rows);
        this.#countTaken(lane.lane, rows.length);
        this.#take(rows, await this.#briefing(rows, servers, now));
      }
      found += rows.length;
    }
    return found;
  }

  /** @returns undefined when it could not be read: the rows are claimed already, and have to be given back */
  #briefing(rows: readonly MessageRow[], servers: readonly Server[], now: number) {
    return briefingFor(this.#parts.db, rows, servers, now).catch((error) => {
      this.#parts.log.error({ error: errorText(error) }, 'claimed messages could not be looked up');
      return undefined;
    });
  }

  /** Each look begins with another lane: where places are few, none is always the last. */
  #rotated<T>(lanes: readonly T[]): T[] {
    const first = lanes.length === 0 ? 0 : this.#looks++ % lanes.length;
    return [...lanes.slice(first), ...lanes.slice(0, first)];
  }

  #countTaken(lane: string, messages: number): void {
    const known = laneOf(lane);
    if (known.kind === 'unrouted') this.#parts.backlog?.taken(known.workspaceId, messages);
  }

  /** What is left of the worker's places is shared by the lanes still to be looked at: none starves another. */
  #share(lanesLeft: number): number {
    const free = MAX_HELD - this.#held.size;
    return Math.min(MAX_CLAIM, Math.ceil(free / lanesLeft));
  }

  #take(rows: readonly MessageRow[], briefing: Briefing | undefined): void {
    for (const row of rows) {
      // Claimed again while its turn before goes on here, be it that its outcome is stored and not yet answered, or that
      // this process stood still past its lease: one turn ends before the next begins.
      const before = this.#held.get(row.id) ?? Promise.resolve();
      const work: Promise<void> = before
        .then(() => this.#work(row, briefing))
        .catch((error) => {
          // A bug of ours: the lease ends by itself and the message is tried again, or found uncertain.
          const stack = error instanceof Error ? error.stack : undefined;
          this.#parts.log.error(
            { message: row.id, error: errorText(error), stack },
            'a delivery failed unexpectedly',
          );
        })
        .finally(() => {
          if (this.#held.get(row.id) === work) this.#held.delete(row.id);
          this.#permits.release(claimKey(row));
          if (this.#held.size === 0) this.nudge();
        });
      this.#held.set(row.id, work);
    }
  }

  async #work(row: MessageRow, briefing: Briefing | undefined): Promise<void> {
    failpoint('claimed');
    const verdict = this.#excuse(await deliver(this.#deliverParts, row, briefing));
    const isSettled = await this.#settle({ row, verdict, random: Math.random() });
    if (isSettled) failpoint('settled');
    else this.#parts.log.warn({ message: row.id }, 'the lease of a message was lost; its new holder decides');
    this.#parts.onSettled?.(row.id);
    if (verdict.kind === 'waits' && verdict.code === 'waiting_turn') this.#keeper.queued(verdict.lane);
    if (briefing && wasAccepted(verdict)) this.#countSent(row, verdict, briefing);
    else this.nudge();
  }

  /** What waits for a server's limits is not for want of room here, so it holds nobody back. */
  #countSent(row: MessageRow, verdict: Verdict, briefing: Briefing): void {
    const id = verdict.kind === 'attempted' ? verdict.server?.id : undefined;
    const server = briefing.serversOf(row).find((one) => one.id === id);
    if (server && !isPaced(server, this.#clock.now())) this.#parts.backlog?.sent(row.workspace_id);
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

  /** What is known is not given up for a database that is away for a moment. */
  async #settle(turn: Turn): Promise<boolean> {
    const until = this.#clock.monotonic() + STORE_FOR_MS;
    for (;;) {
      try {
        return await this.#journal.settle(turn);
      } catch (error) {
        if (this.#clock.monotonic() > until) {
          this.#journal.giveUp(turn);
          throw error;
        }
        this.#parts.log.error(
          { message: turn.row.id, error: errorText(error) },
          'an outcome could not be stored; trying again',
        );
      }
      await new Promise((resolve) => setTimeout(resolve, tuned('return', STORE_AGAIN_MS)));
    }
  }

  async #renew(): Promise<void> {
    const ids = [...this.#held.keys()];
    if (ids.length === 0) return;
    await this.#journal.renew(ids).catch((error) => {
      this.#parts.log.error({ error: errorText(error) }, 'leases could not be renewed');
    });
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

/** The workspaces of which something waits for its first look. */
function unroutedIn(due: readonly DueLane[]): Set<string> {
  const found = due.map(({ lane }) => laneOf(lane));
  return new Set(found.flatMap((lane) => (lane.kind === 'unrouted' ? [lane.workspaceId] : [])));
}

/** Any other end may leave a message that is due again at once, elsewhere. */
function wasAccepted(verdict: Verdict): boolean {
  return verdict.kind === 'attempted' && verdict.outcome.class === 'accepted';
}
