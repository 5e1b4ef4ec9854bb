import type { Clock } from '../clock.ts';
import type { HandOver, NewMessage, Reservation } from '../messages/hand-over.ts';
import { BULK, HIGH, NORMAL } from '../queue/delivery.ts';
import { leaseEnd, type MessageRow, type Room } from '../queue/queue.ts';
import { ClearLanes } from './clear-lanes.ts';

/** Messages of one workspace in hand, and of all. Each is late by a lease when the process dies. */
export const MAX_OF_WORKSPACE = 500;
export const MAX_IN_HAND = 1_000;
/** Their contents together: bounds the memory where messages are large. */
export const MAX_CHARACTERS = 16 * 1024 * 1024;
/** What has not begun by then goes back to its lane: in hand it can neither be cancelled nor be taken by another worker. */
export const MAX_WAIT_MS = 5_000;
/** Nor does it wait for long behind what stands in its lane: there the more important goes first. */
export const MAX_WAIT_FOR_LANE_MS = 500;

interface Waiting {
  row: MessageRow;
  /** Monotonic, ms. */
  since: number;
}

/** What of one workspace is in hand, oldest first, and announcements last. */
interface Pile {
  urgent: Waiting[];
  others: Waiting[];
  /** Their transactions are under way. */
  reserved: number;
}

export interface HandParts {
  clock: Clock;
  /** The worker's name in the leases. */
  owner: string;
  /** Told when something waits in hand. */
  onWaiting: () => void;
  /** Lets go of rows that came too late. */
  giveBack: (rows: readonly MessageRow[]) => void;
}

/**
 * Messages that were stored as held by this process's worker, and wait in memory for places at their servers. What the
 * database holds of a workspace goes first: new messages may wait in hand until its lane is empty. One for which there
 * is no room in hand waits in its lane, and goes after those that were in hand before it.
 */
export class Hand implements HandOver {
  readonly lanes = new ClearLanes();
  readonly #parts: HandParts;
  readonly #piles = new Map<string, Pile>();
  /** Workspaces whose messages waited for too long: until nothing stands in the lane, nothing more is taken of them. */
  readonly #shut = new Set<string>();
  #messages = 0;
  #characters = 0;
  #mayTakeOf: (workspaceId: string) => boolean = () => false;
  #isClosed = false;

  constructor(parts: HandParts) {
    this.#parts = parts;
  }

  /** From now on messages are taken of these workspaces. Before it is told the first time, of none. */
  takeOf(mayTakeOf: (workspaceId: string) => boolean): void {
    this.#mayTakeOf = mayTakeOf;
  }

  /** Nothing is taken any more. @returns what waits */
  close(): MessageRow[] {
    this.#isClosed = true;
    return this.workspaces().flatMap((id) => this.#takeAll(id));
  }

  reserve(messages: readonly NewMessage[]): Reservation {
    const lease = { owner: this.#parts.owner, until: leaseEnd(this.#parts.clock.now()) };
    const intoLanes = new Set<string>();
    const sizes = messages.map((message) => {
      const size = this.#reserveOne(message);
      if (size === undefined && !intoLanes.has(message.workspace_id)) {
        intoLanes.add(message.workspace_id);
        this.lanes.arrives(message.workspace_id, message.due_at);
      }
      return size;
    });
    return {
      leases: sizes.map((size) => (size === undefined ? undefined : lease)),
      end: (stored) => {
        this.#receive(stored);
        for (const [at, { workspace_id: id }] of messages.entries())
          if (sizes[at] !== undefined) this.#unreserve(id, sizes[at]);
        for (const id of intoLanes) this.lanes.arrived(id);
      },
    };
  }

  /** Workspaces of which something waits in hand. */
  workspaces(): string[] {
    return [...this.#piles].filter(([, pile]) => waitingIn(pile) > 0).map(([id]) => id);
  }

  rows(): MessageRow[] {
    return [...this.#piles.values()].flatMap(({ urgent, others }) =>
      [...urgent, ...others].map(({ row }) => row),
    );
  }

  /** Workspaces of which messages in hand may begin. What is urgent waits for nothing that stands in the lane. */
  ready(): string[] {
    return this.workspaces().filter((id) => this.#piles.get(id)!.urgent.length > 0 || this.goesFirst(id));
  }

  /** What stands in the lane of the workspace came after the first of what is in hand. */
  goesFirst(workspaceId: string): boolean {
    const first = this.#piles.get(workspaceId)?.others[0];
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
    const first = pile.urgent.splice(0, Math.max(0, urgent));
    const rest = upTo(pile.others, others - first.length, this.lanes.waitingSince(workspaceId));
    return this.#takenOut(workspaceId, pile, [...first, ...rest]);
  }

  #takenOut(workspaceId: string, pile: Pile, taken: readonly Waiting[]): MessageRow[] {
    for (const { row } of taken) this.#count(-1, -(row.content?.length ?? 0));
    this.#forgetEmpty(workspaceId, pile);
    return taken.map(({ row }) => row);
  }

  /** Takes out what is not to wait here any longer: too old, or of a workspace of which nothing is taken now. */
  takeStale(): MessageRow[] {
    const now = this.#parts.clock.monotonic();
    return this.workspaces().flatMap((id) => {
      if (!this.#mayTakeOf(id)) return this.#takeAll(id);
      const { urgent, others } = this.#piles.get(id)!;
      const hasWaited = (ms: number) => [...urgent, ...others].some((one) => one.since <= now - ms);
      const isStuck = others.length > 0 && !this.goesFirst(id) && hasWaited(MAX_WAIT_FOR_LANE_MS);
      if (!isStuck && !hasWaited(MAX_WAIT_MS)) return [];
      this.#shut.add(id);
      return this.#takeAll(id);
    });
  }

  #takeAll(workspaceId: string): MessageRow[] {
    const pile = this.#piles.get(workspaceId)!;
    return this.#takenOut(workspaceId, pile, [...pile.urgent.splice(0), ...pile.others.splice(0)]);
  }

  /** @returns the size of its content, or undefined when it is not to be taken */
  #reserveOne({ workspace_id: id, content }: NewMessage): number | undefined {
    if (!this.#isOpen(id)) return undefined;
    const size = content?.length ?? 0;
    const pile = this.#piles.get(id);
    const hasRoom =
      (pile === undefined || sizeOf(pile) < MAX_OF_WORKSPACE) &&
      this.#messages < MAX_IN_HAND &&
      this.#characters + size <= MAX_CHARACTERS;
    if (!hasRoom) return undefined;
    this.#pileOf(id).reserved++;
    this.#count(1, size);
    return size;
  }

  #isOpen(id: string): boolean {
    if (this.#isClosed || !this.#mayTakeOf(id)) return false;
    if (this.#shut.has(id) && !this.#piles.has(id) && this.lanes.isClear(id)) this.#shut.delete(id);
    return !this.#shut.has(id);
  }

  #unreserve(id: string, size: number): void {
    const pile = this.#piles.get(id)!;
    pile.reserved--;
    this.#count(-1, -size);
    this.#forgetEmpty(id, pile);
  }

  #receive(stored: readonly MessageRow[]): void {
    const isHeld = (row: MessageRow) => row.lease_owner === this.#parts.owner;
    const held = stored.filter(isHeld);
    for (const row of stored)
      if (!isHeld(row)) {
        this.lanes.arrives(row.workspace_id, dueOf(row));
        this.lanes.arrived(row.workspace_id);
      }
    if (this.#isClosed) {
      this.#parts.giveBack(held);
      return;
    }
    const since = this.#parts.clock.monotonic();
    for (const row of held) {
      const pile = this.#pileOf(row.workspace_id);
      const before = row.priority === NORMAL ? pile.others.findIndex((one) => one.row.priority === BULK) : -1;
      if (row.priority === HIGH) pile.urgent.push({ row, since });
      else pile.others.splice(before === -1 ? pile.others.length : before, 0, { row, since });
      this.#count(1, row.content?.length ?? 0);
    }
    if (held.length > 0) this.#parts.onWaiting();
  }

  #pileOf(id: string): Pile {
    const known = this.#piles.get(id) ?? { urgent: [], others: [], reserved: 0 };
    this.#piles.set(id, known);
    return known;
  }

  #forgetEmpty(id: string, pile: Pile): void {
    if (sizeOf(pile) === 0) this.#piles.delete(id);
  }

  #count(messages: number, characters: number): void {
    this.#messages += messages;
    this.#characters += characters;
  }
}

/** When its turn came, whatever its lease says, ms. */
export function dueOf({ send_at, created_at }: Pick<MessageRow, 'send_at' | 'created_at'>): number {
  return send_at ?? created_at;
}

/** Takes at most so many of the first, all of them due by then. */
function upTo(waiting: Waiting[], count: number, since: number): Waiting[] {
  const later = waiting.findIndex(({ row }) => dueOf(row) > since);
  return waiting.splice(0, Math.max(0, Math.min(count, later === -1 ? waiting.length : later)));
}

function sizeOf(pile: Pile): number {
  return pile.reserved + waitingIn(pile);
}

function waitingIn({ urgent, others }: Pile): number {
  return urgent.length + others.length;
}
