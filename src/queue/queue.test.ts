import { describe, expect, test } from 'vitest';
import type { Db } from '../storage/db.ts';
import { ENGINES, insertRows, NOON, testDb, testFolder } from '../storage/testing.ts';
import { claimKey, LEASE_MS, unroutedLane } from './delivery.ts';
import {
  type Change,
  changeIdle,
  claim,
  expire,
  freeAllLeases,
  lanes,
  type Mark,
  type MessageRow,
  mark,
  release,
  renew,
  reroute,
} from './queue.ts';

const NEW = unroutedLane('wsp_test');
const SERVER = { serverId: 'srv_1', serverName: 'One', bodyHash: 'first', until: NOON + LEASE_MS };
type Hold = Pick<Mark, 'id' | 'fence' | 'owner'>;
const marked = async (db: Db, hold: Hold, now: number) =>
  (await db.write((tx) => mark(tx, [{ ...hold, ...SERVER }], now))).has(claimKey(hold));
const released = async (db: Db, row: MessageRow, change: Change) =>
  (await db.write((tx) => release(tx, [{ row, owner: 'me', change }]))).has(claimKey(row));
const upTo = (limit: number) => ({ urgent: limit, others: limit });

// The queue's contract with the database: true on every engine, or mail is lost or doubled.
describe.each(ENGINES)('the queue on $engine', ({ open }) => {
  const fresh = () => testDb(testFolder(), open);

  describe('claim', () => {
    test('gives each row to exactly one of several claimers', async () => {
      const place = testFolder();
      const handles = [await testDb(place, open), await testDb(place, open)];
      const ids = await insertRows(handles[0]!, ...Array.from({ length: 40 }, () => ({})));
      const claims = await Promise.all(
        Array.from({ length: 6 }, (_, at) => claim(handles[at % 2]!, NEW, `owner-${at}`, NOON, upTo(9))),
      );
      const taken = claims.flatMap((rows) => rows.map((row) => row.id));
      expect(taken.sort()).toEqual([...ids].sort());
      for (const [at, rows] of claims.entries())
        for (const row of rows) expect(row.lease_owner).toBe(`owner-${at}`);
    });

    test('takes the oldest first, high priority before them, and no more than asked', async () => {
      const db = await fresh();
      const [young, old, urgent] = await insertRows(
        db,
        { due_at: NOON - 1_000 },
        { due_at: NOON - 2_000 },
        { due_at: NOON, priority: 0 },
      );
      const taken = async () => (await claim(db, NEW, 'me', NOON, upTo(1))).map((row) => row.id);
      expect([await taken(), await taken(), await taken(), await taken()]).toEqual([
        [urgent],
        [old],
        [young],
        [],
      ]);
    });

    test('leaves what is not due, stands in another lane or is over', async () => {
      const db = await fresh();
      const [due] = await insertRows(
        db,
        {},
        { due_at: NOON + 1 },
        { lane: 'srv_1' },
        { state: 'sent', final_at: NOON },
      );
      expect((await claim(db, NEW, 'me', NOON, upTo(10))).map((row) => row.id)).toEqual([due]);
    });

    test('gives a row again when its lease ran out, with a higher fence', async () => {
      const db = await fresh();
      const [id] = await insertRows(db, {});
      const [first] = await claim(db, NEW, 'one', NOON, upTo(1));
      expect(first).toMatchObject({ id, fence: 1, lease_owner: 'one', due_at: NOON + LEASE_MS });
      expect(await claim(db, NEW, 'two', NOON + LEASE_MS - 1, upTo(1))).toEqual([]);
      const [second] = await claim(db, NEW, 'two', NOON + LEASE_MS, upTo(1));
      expect(second).toMatchObject({ id, fence: 2, lease_owner: 'two' });
    });
  });

  describe('a held row', () => {
    async function held(): Promise<{ db: Db; row: MessageRow; hold: Hold }> {
      const db = await fresh();
      await insertRows(db, {});
      const [row] = await claim(db, NEW, 'me', NOON, upTo(1));
      return { db, row: row!, hold: { id: row!.id, fence: row!.fence, owner: 'me' } };
    }

    test('gets its marker once', async () => {
      const { db, hold } = await held();
      expect(await marked(db, hold, NOON + 5)).toBe(true);
      expect(await rowOf(db, hold.id)).toMatchObject({
        dot_at: NOON + 5,
        server_id: 'srv_1',
        server_name: 'One',
      });
      expect(await marked(db, hold, NOON + 6)).toBe(false);
      expect(await rowOf(db, hold.id)).toMatchObject({ dot_at: NOON + 5 });
    });

    test.each<[string, (hold: Hold) => Hold, number]>([
      ['a stale fence', (hold) => ({ ...hold, fence: hold.fence - 1 }), NOON],
      ['another owner', (hold) => ({ ...hold, owner: 'you' }), NOON],
      ['a lease that ran out', (hold) => hold, NOON + LEASE_MS],
      ['an unknown row', (hold) => ({ ...hold, id: 'msg_unknown' }), NOON],
    ])('gets no marker with %s', async (_, changed, now) => {
      const { db, hold } = await held();
      expect(await marked(db, changed(hold), now)).toBe(false);
      expect(await rowOf(db, hold.id)).toMatchObject({ dot_at: null, server_id: null });
    });

    test('gets no marker when it is over', async () => {
      const { db, hold } = await held();
      await db.write((tx) => tx.updateTable('messages').set({ state: 'cancelled' }).execute());
      expect(await marked(db, hold, NOON)).toBe(false);
    });

    test('is let go of with its next state', async () => {
      const { db, row, hold } = await held();
      expect(await released(db, row, { state: 'sent', final_at: NOON })).toBe(true);
      expect(await rowOf(db, hold.id)).toMatchObject({ state: 'sent', lease_owner: null, final_at: NOON });
      expect(await released(db, row, { state: 'failed' })).toBe(false);
    });

    test('a stale holder releases nothing', async () => {
      const { db, row, hold } = await held();
      const [taken] = await claim(db, NEW, 'you', NOON + LEASE_MS, upTo(1));
      expect(await released(db, row, { state: 'failed', reason: 'stale' })).toBe(false);
      expect(await rowOf(db, hold.id)).toEqual(taken);
    });

    test('is not changed by others while it is held, nor while a marker stands', async () => {
      const { db, hold } = await held();
      const cancel = (now: number) =>
        db.write((tx) => changeIdle(tx, 'wsp_test', hold.id, 'queued', now, { state: 'cancelled' }));
      expect(await cancel(NOON)).toBe(false);
      await marked(db, hold, NOON);
      expect(await cancel(NOON + LEASE_MS)).toBe(false);
      expect(await rowOf(db, hold.id)).toMatchObject({ state: 'queued', lease_owner: 'me' });
    });

    test('may be changed once its lease ran out without a marker, and only from the state that is expected', async () => {
      const { db, hold } = await held();
      const change = (from: string, workspaceId = 'wsp_test') =>
        db.write((tx) => changeIdle(tx, workspaceId, hold.id, from, NOON + LEASE_MS, { state: 'cancelled' }));
      expect(await change('uncertain')).toBe(false);
      expect(await change('queued', 'wsp_other')).toBe(false);
      expect(await change('queued')).toBe(true);
    });
  });

  test('renew prolongs what is held and reports what is lost', async () => {
    const db = await fresh();
    await insertRows(db, {}, {}, {}, {});
    const rows = await claim(db, NEW, 'me', NOON, upTo(4));
    const [kept, taken, over, late] = rows.map((row) => row.id);
    await db.write(async (tx) => {
      await tx.updateTable('messages').set({ lease_owner: 'you' }).where('id', '=', taken!).execute();
      await tx.updateTable('messages').set({ state: 'sent' }).where('id', '=', over!).execute();
      await tx.updateTable('messages').set({ due_at: NOON }).where('id', '=', late!).execute();
    });
    const now = NOON + 15_000;
    expect(
      await db.write((tx) =>
        renew(
          tx,
          'me',
          rows.map((row) => row.id),
          now,
        ),
      ),
    ).toEqual(new Set([claimKey({ id: kept!, fence: 1 })]));
    expect(await rowOf(db, kept!)).toMatchObject({ due_at: now + LEASE_MS, lease_owner: 'me' });
    expect(await rowOf(db, taken!)).toMatchObject({ due_at: NOON + LEASE_MS });
    expect(await db.write((tx) => renew(tx, 'me', [], now))).toEqual(new Set());
  });

  test('many rows get their next states in one statement, each guarded by its own lease', async () => {
    const db = await fresh();
    await insertRows(db, {}, {}, { sensitive: 1, content: 'canary' }, { content: 'kept' });
    const claimed = await claim(db, NEW, 'me', NOON, upTo(4));
    const rows = claimed.sort((a, b) => (a.id < b.id ? -1 : 1));
    const [sent, lost, secret, again] = rows as [MessageRow, MessageRow, MessageRow, MessageRow];
    const stale = { ...lost, fence: lost.fence - 1 };
    const changes: [MessageRow, Change][] = [
      [sent, { state: 'sent', final_at: NOON, code: 'accepted', reason: "It's 'quoted' \\ “said”" }],
      [stale, { state: 'failed' }],
      [secret, { state: 'bounced', final_at: NOON }],
      [again, { due_at: NOON + 5, attempts: 1, route: null, possible_duplicate: 1 }],
    ];
    const done = await db.write((tx) =>
      release(
        tx,
        changes.map(([row, change]) => ({ row, owner: 'me', change })),
      ),
    );
    expect([...done].sort()).toEqual([sent, secret, again].map(claimKey).sort());
    expect(await rowOf(db, sent.id)).toEqual({
      ...sent,
      ...changes[0]![1],
      lease_owner: null,
    });
    expect(await rowOf(db, lost.id)).toEqual(lost);
    expect((await rowOf(db, secret.id)).content).toBeNull();
    expect(await rowOf(db, again.id)).toEqual({ ...again, ...changes[3]![1], lease_owner: null });
  });

  test('lanes are those in which something is due, each once, with what is urgent there', async () => {
    const db = await fresh();
    expect(await lanes(db, NOON)).toEqual([]);
    await insertRows(
      db,
      { lane: 'srv_2', due_at: NOON - 7 },
      {},
      { lane: 'srv_1', priority: 0, due_at: NOON - 5 },
      { lane: 'srv_1', priority: 2, due_at: NOON - 9 },
      { lane: 'srv_1' },
      { lane: 'srv_3', state: 'sent' },
      { lane: 'srv_4', due_at: NOON + 1 },
    );
    expect(await lanes(db, NOON)).toEqual([
      { lane: NEW, urgentAt: null, othersAt: NOON },
      { lane: 'srv_1', urgentAt: NOON - 5, othersAt: NOON - 9 },
      { lane: 'srv_2', urgentAt: null, othersAt: NOON - 7 },
    ]);
  });

  test('reroute empties one lane into the unrouted one', async () => {
    const db = await fresh();
    const [a, b, c, d] = await insertRows(
      db,
      { lane: 'srv_1' },
      { lane: 'srv_1' },
      { lane: 'srv_2' },
      { lane: 'srv_1', state: 'sent' },
    );
    expect(await reroute(db, 'srv_1')).toBe(2);
    expect(await reroute(db, 'srv_1')).toBe(0);
    const found = await Promise.all([a, b, c, d].map((id) => rowOf(db, id!)));
    expect(found.map((row) => row.lane)).toEqual([NEW, NEW, 'srv_2', 'srv_1']);
  });

  test('expire ends what nobody holds and no marker stands on', async () => {
    const db = await fresh();
    const past = { expires_at: NOON };
    const [over, fallen] = await insertRows(
      db,
      past,
      { ...past, lease_owner: 'gone', due_at: NOON },
      { ...past, lease_owner: 'me', due_at: NOON + 1 },
      { ...past, dot_at: NOON - 1, lease_owner: 'gone', due_at: NOON },
      { ...past, state: 'uncertain' },
      { expires_at: NOON + 1 },
    );
    const rows = await db.write((tx) => expire(tx, NOON));
    expect(rows.map((row) => row.id).sort()).toEqual([over, fallen].sort());
    expect(await rowOf(db, fallen!)).toMatchObject({ state: 'expired', final_at: NOON, lease_owner: null });
    expect(await db.write((tx) => expire(tx, NOON))).toEqual([]);
  });

  test('freeAllLeases makes what was held due now and keeps its markers', async () => {
    const db = await fresh();
    const [plain, marked, waiting] = await insertRows(
      db,
      { lease_owner: 'gone', due_at: NOON + 9_000 },
      { lease_owner: 'gone', due_at: NOON + 9_000, dot_at: NOON - 1 },
      { due_at: NOON + 9_000 },
    );
    expect(await freeAllLeases(db, NOON)).toBe(2);
    const claimed = await claim(db, NEW, 'me', NOON, upTo(10));
    expect(new Map(claimed.map((row) => [row.id, row.dot_at]))).toEqual(
      new Map([
        [plain, null],
        [marked, NOON - 1],
      ]),
    );
    expect(await rowOf(db, waiting!)).toMatchObject({ due_at: NOON + 9_000, lease_owner: null });
  });
});

function rowOf(db: Db, id: string): Promise<MessageRow> {
  return db.read.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}
