import type { Clock } from '../clock.ts';
import { errorText } from '../errors.ts';
import { tuned } from '../failpoint.ts';
import { RENEW_EVERY_MS } from '../queue/delivery.ts';
import type { MessageRow, Room } from '../queue/queue.ts';
import { isPaced } from '../servers/pace.ts';
import { isWell } from '../servers/route.ts';
import type { Server } from '../servers/server.ts';
import { listAllServers } from '../servers/servers.ts';
import { type Briefing, briefingFor } from './briefing.ts';
import type { Calls } from './calls.ts';
import { Claims, rotated } from './claims.ts';
import type { DeliverParts } from './deliver.ts';
import type { Gate } from './gate.ts';
import { dueOf, Hand } from './hand.ts';
import { Journal } from './journal.ts';
import { LaneKeeper } from './lane-keeper.ts';
import type { Pages } from './page.ts';
import { Permits } from './permits.ts';
import { Sweeper } from './sweep.ts';
import { Turns } from './turns.ts';
import type { Verdict } from './verdict.ts';

/** Messages one worker holds at a time: bounds its memory, and what a crash can make uncertain or late. */
const MAX_HELD = 300;
/** Of these, so many may have been handed over: what waits in the database always finds places too. */
const MAX_HANDED = 200;
/** A nudge makes it quick, the poll makes it right: what a lost nudge leaves is found this much later. */
const POLL_MS = 500;

export interface WorkerParts extends Omit<DeliverParts, 'journal' | 'permits' | 'onRoom'> {
  gate: Gate;
  /** The worker's name in the leases, random for each start: host names and process ids come back after a restart. */
  owner: string;
  /** Told what becomes of what is stored, where calls are answered by the same process. */
  calls?: Calls | undefined;
  /** Where outcomes and markers are written. */
  pages: Pages;
  /** Told after the commit that expired a message. */
  onExpired?: ((messageId: string) => void) | undefined;
}

/** Takes what is handed over and claims what is due, delivers it, settles it, until told to stop. */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #clock: Clock;
  /** Takes over what is accepted by the same process. */
  readonly hand: Hand;
  readonly #journal: Journal;
  readonly #keeper: LaneKeeper;
  readonly #claims: Claims;
  readonly #sweeper: Sweeper;
  readonly #turns: Turns;
  readonly #givenBack = new Set<Promise<void>>();
  /** By workspace, as of the last round. */
  #servers: ReadonlyMap<string, readonly Server[]> = new Map();
  #running: Promise<void> | undefined;
  #stopping = false;
  #wake: (() => void) | undefined;
  #nudged = true;
  #hasRoom = false;
  /** Something is due that could not be taken at the last look. */
  #isMoreDue = false;
  #starts = 0;
  #renewal: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;

  constructor(parts: WorkerParts) {
    const { db, clock, log, owner, calls } = parts;
    this.#parts = parts;
    this.#clock = clock;
    this.#journal = new Journal(parts.pages, clock, owner);
    const permits = new Permits(db, () => this.nudge());
    const onRoom = () => this.#roomCame();
    this.#keeper = new LaneKeeper(db, parts.throttle, permits);
    this.#sweeper = new Sweeper(db);
    this.#turns = new Turns({
      clock,
      log,
      journal: this.#journal,
      permits,
      deliver: { ...parts, journal: this.#journal, permits, onRoom },
      onVerdict: (row, verdict, briefing) => this.#told(row, verdict, briefing),
      onOver: () => {
        if (this.#turns.size === 0) this.#roomCame();
      },
    });
    this.hand = new Hand({
      clock,
      room: calls?.room,
      onWaiting: () => this.#wake?.(),
      giveBack: (rows) => this.#giveBack(rows),
    });
    this.#claims = new Claims({
      ...parts,
      backlog: calls?.backlog,
      keeper: this.#keeper,
      hand: this.hand,
      free: () => MAX_HELD - this.#turns.size,
      take: async (rows) => this.#turns.take(rows, await this.#briefing(rows)),
    });
  }

  start(): void {
    this.#renewal = setInterval(() => void this.#renew(), tuned('renewal', RENEW_EVERY_MS));
    this.#poll = setInterval(() => this.nudge(), POLL_MS);
    this.#running = this.#run();
  }

  /** Something may be due. */
  nudge(): void {
    this.#nudged = true;
    this.#wake?.();
  }

  /**
   * Stops claiming, gives back what waits in hand, and waits for what is under way; sessions that have not begun a
   * message are closed.
   */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    this.#turns.stop();
    this.#giveBack(this.hand.close());
    clearInterval(this.#poll);
    this.nudge();
    await this.#running;
    await this.#parts.pool.close(drainMs);
    await this.#turns.over();
    await Promise.all(this.#givenBack);
    clearInterval(this.#renewal);
    await this.#journal.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const isDone = !this.#isWanted() || (await this.#tryRound());
      if ((!isDone || !this.#isWanted()) && !this.#stopping) await this.#sleep();
    }
  }

  #isWanted(): boolean {
    return this.#isLookWanted() || this.#startable(this.#clock.now()).length > 0;
  }

  #isLookWanted(): boolean {
    const { hand } = this;
    return (
      this.#nudged ||
      (this.#hasRoom && this.#isMoreDue) ||
      hand.workspaces().some((id) => hand.lanes.needsLook(id))
    );
  }

  /** @returns false when the database did not answer: then it is tried again after a while */
  #tryRound(): Promise<boolean> {
    return this.#round().then(
      () => true,
      (error) => {
        this.#parts.log.error({ error: errorText(error) }, 'the queue could not be read; trying again');
        return false;
      },
    );
  }

  /** Looks at the queue where that is wanted, and begins what is in hand. */
  async #round(): Promise<void> {
    const isLook = this.#isLookWanted();
    if (isLook) this.#nudged = false;
    this.#hasRoom = false;
    const isClosed = await this.#parts.gate.closed();
    const now = this.#clock.now();
    const servers = await listAllServers(this.#parts.db);
    this.#servers = Map.groupBy(servers, (server) => server.workspaceId);
    this.#giveBack(this.hand.keepOnly(new Set(isClosed ? [] : this.#thatCanSend(now))));
    if (isClosed) return;
    if (isLook) await this.#look(servers, now);
    await this.#startHanded(now);
  }

  /** Workspaces; what of others is paused, paced or has no well server waits in its lane. */
  #thatCanSend(now: number): string[] {
    const canSend = ([id, own]: [string, readonly Server[]]) =>
      !this.#parts.gate.isPaused(id) &&
      own.some((server) => isWell(server, now)) &&
      !own.some((server) => isPaced(server, now));
    return [...this.#servers].filter(canSend).map(([id]) => id);
  }

  async #look(servers: readonly Server[], now: number): Promise<void> {
    for (const id of await this.#sweeper.sweep(now)) this.#parts.onExpired?.(id);
    const { isMoreDue, isWorthAnother } = await this.#claims.look(servers, now);
    this.#isMoreDue = isMoreDue;
    if (isWorthAnother) this.#nudged = true;
  }

  async #startHanded(now: number): Promise<void> {
    if (this.#stopping) return;
    const ready = rotated(this.#startable(now), this.#starts++);
    const rows: MessageRow[] = [];
    for (const [at, id] of ready.entries()) {
      const share = this.#shareForHand(ready.length - at, rows.length);
      const taken = this.hand.take(id, this.#placesOf(id, now, share));
      this.#parts.calls?.backlog.taken(id, taken.length);
      rows.push(...taken);
    }
    if (rows.length > 0) this.#turns.takeHanded(rows, await this.#briefing(rows));
  }

  /** Workspaces with messages in hand for which there is room now. */
  #startable(now: number): string[] {
    const share = this.#shareForHand(1, 0);
    return this.hand.ready().filter((id) => this.hand.fits(id, this.#placesOf(id, now, share)));
  }

  #placesOf(workspaceId: string, now: number, share: number): Room {
    return this.#keeper.placesAt(this.#servers.get(workspaceId) ?? [], now, share);
  }

  /** One share more than there are workspaces: none takes the last place from one that comes later. */
  #shareForHand(workspacesLeft: number, taken: number): number {
    const free = Math.min(MAX_HANDED - this.#turns.handed, MAX_HELD - this.#turns.size) - taken;
    return Math.max(0, Math.floor(free / (workspacesLeft + 1)));
  }

  /** Lets messages that were handed over wait in their lanes. */
  #giveBack(rows: readonly MessageRow[]): void {
    if (rows.length === 0) return;
    const workspaces = new Set(rows.map((row) => row.workspace_id));
    const since = Math.min(...rows.map(dueOf));
    for (const id of workspaces) this.hand.lanes.arrives(id, since);
    const given = this.#turns.giveBack(rows).then(() => {
      for (const id of workspaces) this.hand.lanes.arrived(id);
      this.#givenBack.delete(given);
      this.nudge();
    });
    this.#givenBack.add(given);
  }

  /** @returns undefined when it could not be read: the rows are held already, and have to be given back */
  #briefing(rows: readonly MessageRow[]): Promise<Briefing | undefined> {
    return briefingFor(this.#parts.db, rows, this.#servers, this.#clock.now()).catch((error) => {
      this.#parts.log.error({ error: errorText(error) }, 'held messages could not be looked up');
      return undefined;
    });
  }

  /** A turn was settled: more may be due now. */
  #told(row: MessageRow, verdict: Verdict, briefing: Briefing | undefined): void {
    if (verdict.kind === 'waits' && verdict.code === 'waiting_turn') this.#keeper.queued(verdict.lane);
    if (briefing && wasAccepted(verdict)) this.#countSent(row, verdict, briefing);
    else this.nudge();
  }

  /** What waits for a server's limits is not for want of room here, so it holds nobody back. */
  #countSent(row: MessageRow, verdict: Verdict, briefing: Briefing): void {
    const id = verdict.kind === 'attempted' ? verdict.server?.id : undefined;
    const server = briefing.serversOf(row).find((one) => one.id === id);
    if (server && !isPaced(server, this.#clock.now())) this.#parts.calls?.backlog.sent(row.workspace_id);
  }

  #roomCame(): void {
    this.#hasRoom = true;
    this.#wake?.();
  }

  async #renew(): Promise<void> {
    const rows = [...this.#turns.rows(), ...this.hand.rows()];
    if (rows.length === 0) return;
    await this.#journal.renew(rows).catch((error) => {
      this.#parts.log.error({ error: errorText(error) }, 'leases could not be renewed');
    });
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** Any other end may leave a message that is due again at once, elsewhere. */
function wasAccepted(verdict: Verdict): boolean {
  return verdict.kind === 'attempted' && verdict.outcome.class === 'accepted';
}
