import { beforeEach, describe, expect, test } from 'vitest';
import { hold } from '../messages/hand-over.ts';
import { type NewMessage, rowOf } from '../messages/store.ts';
import { BULK, HIGH, NORMAL } from '../queue/delivery.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { Hand, MAX_WAIT_FOR_LANE_MS, MAX_WAIT_MS } from './hand.ts';
import { HandRoom, MAX_CHARACTERS, MAX_IN_HAND, MAX_OF_WORKSPACE } from './hand-room.ts';

const EVERY = { urgent: Number.POSITIVE_INFINITY, others: Number.POSITIVE_INFINITY };
const A = 'wsp_a';
const B = 'wsp_b';
const ALL = [A, B, 'wsp_1', 'wsp_2', 'wsp_3'];

let clock: FakeClock;
let hand: Hand;
let room: HandRoom;
let given: string[];
let woken: number;
let number = 0;
beforeEach(() => {
  clock = new FakeClock();
  given = [];
  woken = 0;
  hand = new Hand({
    clock,
    room: { openTo: (ids) => room.openTo(ids), left: (...args) => room.left(...args) },
    onWaiting: () => woken++,
    giveBack: (rows) => given.push(...rows.map((row) => row.id)),
  });
  room = new HandRoom(clock, 'me', hand);
  keepOnly(...ALL);
});

/** As a round of the worker does it. @returns what is not to wait any longer */
function keepOnly(...workspaceIds: string[]): string[] {
  return hand.keepOnly(new Set(workspaceIds)).map((row) => row.id);
}

function message(changed: Partial<NewMessage> = {}): NewMessage {
  const at = clock.now();
  const common = { state: 'queued', lease_owner: null, fence: 0, send_at: null, created_at: at };
  return { id: `m${++number}`, workspace_id: A, priority: NORMAL, ...common, ...changed } as NewMessage;
}

function many(count: number, changed: Partial<NewMessage> = {}): NewMessage[] {
  return Array.from({ length: count }, () => message(changed));
}

/** As the intake does it. @returns how many got a lease */
function store(...messages: NewMessage[]): number {
  const { leases, end } = room.reserve(messages);
  for (const [at, lease] of leases.entries()) if (lease) hold(messages[at]!, lease);
  end(messages.map(rowOf));
  return leases.filter((lease) => lease !== undefined).length;
}

const inHand = () => hand.rows().map((row) => row.id);
const taken = (id: string, room = EVERY) => hand.take(id, room).map((row) => row.id);

/** Of these workspaces something is found that is due a moment before now. */
function look(...found: string[]): void {
  hand.lanes.lookBegins();
  hand.lanes.found(new Map(found.map((id) => [id, clock.now() - 1])));
}

describe('what is handed over', () => {
  test('is stored with a lease of this worker, and waits in the order in which it came', () => {
    const [first, second] = [message(), message()];
    expect(store(first, second)).toBe(2);
    expect(first).toMatchObject({ lease_owner: 'me', fence: 1, due_at: clock.now() + 60_000 });
    expect([woken, hand.ready(), inHand()]).toEqual([1, [A], [first.id, second.id]]);
    expect(taken(A, { urgent: 1, others: 1 })).toEqual([first.id]);
    expect(taken(A)).toEqual([second.id]);
    expect([hand.workspaces(), inHand()]).toEqual([[], []]);
  });

  test('is taken urgent first, and that also where the others have no room', () => {
    const [bulk, normal, urgent] = [message({ priority: BULK }), message(), message({ priority: HIGH })];
    store(bulk, normal, urgent);
    expect(hand.fits(A, { urgent: 0, others: 0 })).toBe(false);
    expect(hand.fits(A, { urgent: 1, others: 0 })).toBe(true);
    expect(taken(A, { urgent: 1, others: 0 })).toEqual([urgent.id]);
    expect(hand.fits(A, { urgent: 1, others: 0 })).toBe(false);
    expect(taken(A, { urgent: 5, others: 5 })).toEqual([normal.id, bulk.id]);
  });

  test('is nothing before the worker has looked, of a workspace that cannot send, and after the end', () => {
    expect(new HandRoom(clock, 'me', hand).reserve([message()]).leases).toEqual([undefined]);
    keepOnly(B);
    expect(store(message())).toBe(0);
    expect(store(message({ workspace_id: B }))).toBe(1);
    expect(hand.close()).toHaveLength(1);
    void room.close();
    expect(store(message({ workspace_id: B }))).toBe(0);
  });

  test('is given back when its commit comes after the end', () => {
    const late = message();
    const { leases, end } = room.reserve([late]);
    hold(late, leases[0]!);
    hand.close();
    end([rowOf(late)]);
    expect([given, inHand()]).toEqual([[late.id], []]);
  });

  test('is not what was not stored, or was stored without the lease', () => {
    const [lost, blocked] = [message(), message()];
    const { end } = room.reserve([lost, blocked]);
    end([rowOf(blocked)]);
    expect([inHand(), hand.workspaces(), woken]).toEqual([[], [], 0]);
    // What stands in the lane now is older than what comes.
    expect(hand.lanes.isClear(A)).toBe(false);
  });
});

test('who closes the room waits for the transactions that are under way', async () => {
  const { end } = room.reserve([message()]);
  let isClosed = false;
  const closed = room.close().then(() => {
    isClosed = true;
  });
  await Promise.resolve();
  expect([isClosed, store(message())]).toEqual([false, 0]);
  end([]);
  await closed;
});

describe('what waits in the lane of a workspace', () => {
  test('goes before what is in hand, until it was claimed', () => {
    look(A);
    expect(store(message())).toBe(1);
    expect([hand.ready(), hand.goesFirst(A)]).toEqual([[], false]);
    hand.lanes.emptied(A);
    expect(hand.ready()).toEqual([A]);
  });

  test('holds up nothing urgent, and other messages not for long: then they go back, and priorities decide', () => {
    look(A);
    const [normal, urgent] = [message(), message({ priority: HIGH })];
    store(normal, urgent);
    expect([hand.ready(), taken(A)]).toEqual([[A], [urgent.id]]);
    clock.advance(MAX_WAIT_FOR_LANE_MS - 1);
    expect(keepOnly(...ALL)).toEqual([]);
    clock.advance(1);
    expect(keepOnly(...ALL)).toEqual([normal.id]);
    expect(store(message())).toBe(0);
  });

  test('concerns no other workspace', () => {
    look(A);
    store(message(), message({ workspace_id: B }));
    expect(hand.ready()).toEqual([B]);
  });
});

describe('in hand there is room', () => {
  test('for so many of a workspace: what follows waits in its lane, behind those and before what comes later', () => {
    expect(store(...many(MAX_OF_WORKSPACE))).toBe(MAX_OF_WORKSPACE);
    clock.advance(2);
    expect(store(message())).toBe(0);
    expect(store(message({ workspace_id: B }))).toBe(1);
    clock.advance(1);
    look(A);
    expect([hand.ready(), hand.goesFirst(A)]).toEqual([[A, B], true]);
    taken(A, { urgent: 0, others: MAX_OF_WORKSPACE - 1 });
    const [before] = inHand();
    const later = message();
    expect(store(later)).toBe(1);
    expect([taken(A), hand.ready(), hand.goesFirst(A)]).toEqual([[before], [B], false]);
    expect(hand.fits(A, EVERY)).toBe(false);
    hand.lanes.emptied(A);
    expect(taken(A)).toEqual([later.id]);
  });

  test('for so many altogether, those under way included', () => {
    const workspaces = ['wsp_1', 'wsp_2', 'wsp_3'];
    const quarter = MAX_IN_HAND / 4;
    const reservations = workspaces.map((id) => room.reserve(many(quarter, { workspace_id: id })));
    expect(store(...many(quarter + 1, { workspace_id: B }))).toBe(quarter);
    for (const { end } of reservations) end([]);
    expect(store(...many(quarter, { workspace_id: 'wsp_1' }))).toBe(quarter);
  });

  test('for contents of so many characters', () => {
    const half = 'x'.repeat(MAX_CHARACTERS / 2);
    expect(store(message({ content: half }), message({ content: half }))).toBe(2);
    expect(store(message({ workspace_id: B, content: 'x' }))).toBe(0);
    taken(A);
    look();
    expect(store(message({ workspace_id: B, content: 'x' }))).toBe(1);
  });

  test('again for what was reserved and not stored, also where its content is forgotten meanwhile', () => {
    const large = message({ content: 'x'.repeat(MAX_CHARACTERS) });
    const { end } = room.reserve([large]);
    large.content = null;
    end([]);
    expect(store(message({ content: 'x'.repeat(MAX_CHARACTERS) }))).toBe(1);
  });
});

describe('goes back to its lane', () => {
  test('what has waited too long, with all of its workspace, which is then shut until its lane is empty', () => {
    const [old, young] = [message(), message()];
    store(old);
    clock.advance(MAX_WAIT_MS - 1);
    store(young, message({ workspace_id: B }));
    expect(keepOnly(...ALL)).toEqual([]);
    clock.advance(1);
    expect(keepOnly(...ALL)).toEqual([old.id, young.id]);
    expect(hand.workspaces()).toEqual([B]);
    look(A);
    keepOnly(...ALL);
    expect(store(message())).toBe(0);
    look();
    keepOnly(...ALL);
    expect(store(message())).toBe(1);
  });

  test('at once what is of a workspace that was paused', () => {
    const [mine, other] = [message(), message({ workspace_id: B })];
    store(mine, other);
    expect(keepOnly(B)).toEqual([mine.id]);
    expect(inHand()).toEqual([other.id]);
  });
});
