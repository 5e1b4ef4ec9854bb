import type { Clock } from '../clock.ts';
import { HIGH, NORMAL } from '../queue/delivery.ts';
import type { MessageRow, Room } from '../queue/queue.ts';
import { ClearLanes } from './clear-lanes.ts';
import type { HandRoom, Receiver } from './hand-room.ts';

/** What has not begun by then goes back to its lane: in hand it can neither be cancelled nor be taken by another worker. */
export const MAX_WAIT_MS = 5_000;
/** Nor does it wait for long behind what stands in its lane: there the more important goes first. */
export const MAX_WAIT_FOR_LANE_MS = 500;

interface Waiting {
  row: MessageRow;
  /** Monotonic, ms. */
  since: number;
}

/** What of one workspace is in hand, each in the order in which it came. */
interface Pile {
  urgent: Waiting[];
  normal: Waiting[];
  bulk: Waiting[];
}

export interface HandParts {
  clock: Clock;
  /** Told whose messages may come and what has left, where messages are stored by the same process. */
  room?: Pick<HandRoom, 'openTo' | 'left'> | undefined;
  /** Told when something waits in hand. */
  onWaiting: () => void;
  /** Lets go of rows that came too late. */
  giveBack: (rows: readonly MessageRow[]) => void;
}

/**
 * Messages that were stored as held by this process's worker, and wait in memory for places at their servers. What the
 * database holds of a workspace goes first: new messages may wait in hand until its lane is empty. One for which there
 * is no room in hand (hand-room.ts) waits in its lane, and goes after those that were in hand before it.
 */
export class Hand implements Receiver {
  readonly lanes = new ClearLanes();
  readonly #parts: HandParts;
  readonly #piles = new Map<string, Pile>();
  /** Workspaces whose messages waited for too long: until nothing stands in the lane, nothing more is taken of them. */
  readonly #shut = new Set<string>();
  /** Workspaces whose messages may wait here. */
  #mayWait: ReadonlySet<string> = new Set();
  /** What the room was told last. */
  #told: ReadonlySet<string> = new Set();
  #isClosed = false;

  constructor(parts: HandParts) {
    this.#parts = parts;
  }

  /** Nothing is taken any more. @returns what waits */
  close(): MessageRow[] {
    this.#isClosed = true;
    return this.workspaces().flatMap((id) => this.#takeAll(id));
  }

  arrives(workspaceId: string, since: number): void {
    this.lanes.arrives(workspaceId, since);
  }

  receive(held: readonly MessageRow[], arrived: readonly string[]): void {
    for (const id of arrived) this.lanes.arrived(id);
    if (held.length === 0) return;
    if (this.#isClosed) {
      this.#parts.giveBack(held);
      return;
    }
    const since = this.#parts.clock.monotonic();
    for (const row of held) this.#add({ row, since });
    this.#parts.onWaiting();
  }

  #add(one: Waiting): void {
    const { priority, workspace_id: id } = one.row;
    const { urgent, normal, bulk } = this.#pileOf(id);
    (priority === HIGH ? urgent : priority === NORMAL ? normal : bulk).push(one);
  }

  /** Workspaces of which something waits in hand. */
  workspaces(): string[] {
    return [...this.#piles.keys()];
  }

  rows(): MessageRow[] {
    return [...this.#piles.values()].flatMap((pile) => all(pile)).map(({ row }) => row);
  }

  /** Workspaces of which messages in hand may begin. What is urgent waits for nothing that stands in the lane. */
  ready(): string[] {
    return this.workspaces().filter((id) => this.#piles.get(id)!.urgent.length > 0 || this.goesFirst(id));
  }

  /** What stands in the lane of the workspace came after the first of what is in hand. */
  goesFirst(workspaceId: string): boolean {
    const pile = this.#piles.get(workspaceId);
    const first = pile?.normal[0] ?? pile?.bulk[0];
    return first !== undefined && dueOf(first.row) <= this.lanes.waitingSince(workspaceId);
  }

  /** Whether any of what may begin of the workspace fits into the room. */
  fits(workspaceId: string, { urgent, others }: Room): boolean {
    const isUrgent = (this.#piles.get(workspaceId)?.urgent.length ?? 0) > 0;
    return (urgent > 0 && isUrgent) || (others > 0 && this.goesFirst(workspaceId));
  }

  /** Takes out as many as may begin and there is room for, urgent ones first. */
  take(workspaceId: string, { urgent, others }: Room): MessageRow[] {
    const pile = this.#piles.get(workspaceId);
    if (!pile) return [];
    const since = this.lanes.waitingSince(workspaceId);
    const first = pile.urgent.splice(0, Math.max(0, urgent));
    const normal = upTo(pile.normal, others - first.length, since);
    const room = pile.normal.length > 0 ? 0 : others - first.length - normal.length;
    const taken = [...first, ...normal, ...upTo(pile.bulk, room, since)];
    if (!firsts(pile).some(Boolean)) this.#piles.delete(workspaceId);
    return this.#left(workspaceId, taken);
  }

  /**
   * From now on only messages of these workspaces may wait here.
   * @returns what is not to wait any longer: of other workspaces, or too old
   */
  keepOnly(workspaceIds: ReadonlySet<string>): MessageRow[] {
    this.#mayWait = workspaceIds;
    for (const id of this.#shut) if (!this.#piles.has(id) && this.lanes.isClear(id)) this.#shut.delete(id);
    const stale = this.#takeStale(); // on its way to the lane when this is asked again
    this.#tellRoom();
    return stale;
  }

  #takeStale(): MessageRow[] {
    const now = this.#parts.clock.monotonic();
    return this.workspaces().flatMap((id) => {
      if (!this.#mayWait.has(id)) return this.#takeAll(id);
      const pile = this.#piles.get(id)!;
      const hasWaited = (ms: number) => firsts(pile).some((one) => one && one.since <= now - ms);
      const hasOthers = pile.normal.length + pile.bulk.length > 0;
      const isStuck = hasOthers && !this.goesFirst(id) && hasWaited(MAX_WAIT_FOR_LANE_MS);
      if (!isStuck && !hasWaited(MAX_WAIT_MS)) return [];
      this.#shut.add(id);
      return this.#takeAll(id);
    });
  }

  /** What changes seldom is not said each time. */
  #tellRoom(): void {
    const open = [...this.#mayWait].filter((id) => !this.#shut.has(id));
    if (open.length === this.#told.size && open.every((id) => this.#told.has(id))) return;
    this.#told = new Set(open);
    this.#parts.room?.openTo(this.#told);
  }

  #takeAll(workspaceId: string): MessageRow[] {
    const pile = this.#piles.get(workspaceId)!;
    this.#piles.delete(workspaceId);
    return this.#left(workspaceId, all(pile));
  }

  #left(workspaceId: string, taken: readonly Waiting[]): MessageRow[] {
    const rows = taken.map(({ row }) => row);
    const characters = rows.reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
    if (rows.length > 0) this.#parts.room?.left(workspaceId, rows.length, characters);
    return rows;
  }

  #pileOf(id: string): Pile {
    const known = this.#piles.get(id) ?? { urgent: [], normal: [], bulk: [] };
    this.#piles.set(id, known);
    return known;
  }
}

/** When its turn came, whatever its lease says, ms. */
export function dueOf({ send_at, created_at }: Pick<MessageRow, 'send_at' | 'created_at'>): number {
  return send_at ?? created_at;
}

/** Takes at most so many of the first, all of them due by then. */
function upTo(waiting: Waiting[], count: number, since: number): Waiting[] {
  let taken = 0;
  while (taken < count && taken < waiting.length && dueOf(waiting[taken]!.row) <= since) taken++;
  return waiting.splice(0, taken);
}

function all({ urgent, normal, bulk }: Pile): Waiting[] {
  return [...urgent, ...normal, ...bulk];
}

/** The oldest of each kind. */
function firsts({ urgent, normal, bulk }: Pile): (Waiting | undefined)[] {
  return [urgent[0], normal[0], bulk[0]];
}
