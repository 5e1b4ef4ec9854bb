import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { claimKey, LEASE_MS, unroutedLane } from '../queue/delivery.ts';
import { claim, type MessageRow } from '../queue/queue.ts';
import type { Db } from '../storage/db.ts';
import { ENGINES, insertRows, NOON, testDb, testFolder } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { Journal } from './journal.ts';
import { type Pages, StoredPages } from './page.ts';
import { accepted, SERVER, stored } from './testing.ts';

/** Of a process that stands still between two looks at the time. */
class StallingClock extends FakeClock {
  #pause = 0;

  stopAfterNextLook(ms: number): void {
    this.#pause = ms;
  }

  override now(): number {
    const now = super.now();
    this.advance(this.#pause);
    this.#pause = 0;
    return now;
  }
}

describe.each(ENGINES)('the journal on $engine', ({ engine, open }) => {
  async function held(
    count: number,
  ): Promise<{ db: Db; journal: Journal; rows: MessageRow[]; clock: StallingClock }> {
    const db = await testDb(testFolder(), open);
    await insertRows(db, ...Array.from({ length: count }, () => ({})));
    const room = { urgent: count, others: count };
    const rows = await claim(db, unroutedLane('wsp_test'), 'me', NOON, room);
    const clock = new StallingClock(NOON);
    return { db, journal: new Journal(new StoredPages(db, () => {}), clock, 'me'), rows, clock };
  }
  /** The same database, away for the next so many writes. */
  function failing(db: Db, clock: StallingClock, times: number): Journal {
    const write: Db['write'] = (work, options) =>
      times-- > 0 ? Promise.reject(new Error('The database is away.')) : db.write(work, options);
    return new Journal(new StoredPages({ ...db, write }, () => {}), clock, 'me');
  }

  test('writes outcomes and markers of many connections, each with its own answer', async () => {
    const { db, journal, rows } = await held(4);
    const [a, b, c, stale] = rows as [MessageRow, MessageRow, MessageRow, MessageRow];
    const answers = await Promise.all([
      journal.mark(b, SERVER, 'hash'),
      journal.settle(accepted(a)),
      journal.mark(c, SERVER, 'hash'),
      journal.mark({ ...stale, fence: stale.fence - 1 }, SERVER, 'hash'),
      journal.settle(accepted({ ...stale, fence: stale.fence - 1 })),
    ]);
    expect(answers).toEqual([true, true, true, false, false]);
    expect((await stored(db, a)).state).toBe('sent');
    expect((await stored(db, b)).dot_at).toBe(NOON);
    expect(await stored(db, stale)).toEqual(stale);
    const counts = await db.read.selectFrom('daily_counts').select(['word', 'count']).execute();
    expect(counts).toEqual([{ word: 'sent', count: 1 }]);
  });

  test('of two claims of one message in one group only the later one is answered with yes', async () => {
    // A worker that stood still past its lease may claim its own message again while its first turn wakes up.
    const { db, journal, rows } = await held(2);
    const [a, b] = rows as [MessageRow, MessageRow];
    const earlier = (row: MessageRow) => ({ ...row, fence: row.fence - 1 });
    const answers = await Promise.all([
      journal.mark(earlier(a), SERVER, 'hash'),
      journal.mark(a, SERVER, 'hash'),
      journal.settle(accepted(earlier(b))),
      journal.settle(accepted(b)),
    ]);
    expect(answers).toEqual([false, true, false, true]);
    const attempts = await db.read.selectFrom('attempts').select(['message_id', 'fence']).execute();
    expect(attempts).toEqual([{ message_id: b.id, fence: b.fence }]);
  });

  test('a marker commits with the outcome before it, or after it, never before', async () => {
    const { db, journal, rows } = await held(40);
    // A trigger in the database itself looks at every marker: is the outcome that came before it stored?
    await watchMarkers(db, engine);
    const connection = async (name: string, own: MessageRow[]) => {
      const settling: Promise<boolean>[] = [];
      for (const row of own) {
        expect(await journal.mark(row, { id: 'srv_1', name }, 'hash')).toBe(true);
        settling.push(journal.settle(accepted(row)));
      }
      expect(await Promise.all(settling)).not.toContain(false);
    };
    await Promise.all([0, 1, 2, 3].map((at) => connection(`c${at}`, rows.slice(at * 10, at * 10 + 10))));
    const { rows: seen } = await sql<{ unsettled: number }>`select unsettled from seen_markers`.execute(
      db.read,
    );
    expect(seen).toHaveLength(40);
    expect(Math.max(...seen.map((one) => Number(one.unsettled)))).toBe(0);
  });

  test('beside slow writes each connection has pages of its own: its outcome with its next marker', async () => {
    const { rows, clock } = await held(4);
    const [a, nextOfA, b, nextOfB] = rows as [MessageRow, MessageRow, MessageRow, MessageRow];
    const written: string[][] = [];
    const slow: Pages = {
      maxUnderWay: 4,
      commits: 0,
      async write({ turns, marks }) {
        written.push([
          ...turns.map(({ row }) => `outcome ${row.id}`),
          ...marks.map(({ id }) => `marker ${id}`),
        ]);
        clock.advance(5);
        return {
          settled: new Set(turns.map(({ row }) => claimKey(row))),
          marked: new Map(marks.map((one) => [claimKey(one), one.until])),
          renewed: new Set(),
        };
      },
      async close() {},
    };
    const journal = new Journal(slow, clock, 'me');
    await Promise.all([journal.mark(a, SERVER, 'hash'), journal.mark(b, SERVER, 'hash')]);
    written.length = 0;
    // As the pool does: who was before asks for its outcome some promises later than the next for its marker, or before.
    const answered = async (row: MessageRow, next: MessageRow) => {
      const marked = journal.mark(next, SERVER, 'hash');
      await Promise.resolve();
      expect(await Promise.all([journal.settle(accepted(row)), marked])).toEqual([true, true]);
    };
    await answered(a, nextOfA);
    await answered(b, nextOfB);
    expect(written).toEqual([
      [`outcome ${a.id}`, `marker ${nextOfA.id}`],
      [`outcome ${b.id}`, `marker ${nextOfB.id}`],
    ]);
  });

  test('a marker whose answer comes after the end of the lease lets no dot leave', async () => {
    const { db, journal, rows, clock } = await held(2);
    const [late, fresh] = rows as [MessageRow, MessageRow];
    expect(await journal.mark(fresh, SERVER, 'hash')).toBe(true);
    const answer = journal.mark(late, SERVER, 'hash');
    // The process stands still while the marker is being stored: it is, and the lease ends before anybody is told.
    clock.stopAfterNextLook(LEASE_MS);
    await expect(answer).rejects.toThrow('lease');
    expect((await stored(db, late)).dot_at).toBe(NOON);
    // The dot did not leave, so the marker may be taken back while nobody else has the message.
    await journal.settle({ row: late, at: NOON, random: 0.5, verdict: { kind: 'returned', at: NOON } });
    expect(await stored(db, late)).toMatchObject({ dot_at: null, state: 'queued', lease_owner: null });
  });

  test('an answer that is cut within a character is stored, and takes no others with it', async () => {
    const { db, journal, rows } = await held(2);
    const [long, other] = rows as [MessageRow, MessageRow];
    const text = `OK ${'x'.repeat(504)}\u{1f4ec}\u{1f4ec}`; // a reply is kept up to 512 units
    const answers = await Promise.all([
      journal.settle(accepted(long, text)),
      journal.settle(accepted(other)),
    ]);
    expect(answers).toEqual([true, true]);
    expect((await stored(db, long)).state).toBe('sent');
    const { reply } = await db.read
      .selectFrom('attempts')
      .select('reply')
      .where('message_id', '=', long.id)
      .executeTakeFirstOrThrow();
    expect(reply).toBe(`250 OK ${'x'.repeat(504)}\ufffd`);
  });

  test('no marker overtakes an outcome that could not be stored', async () => {
    const { db, rows, clock } = await held(3);
    const [a, b, c] = rows as [MessageRow, MessageRow, MessageRow];
    const journal = failing(db, clock, 2); // for both together, and for the outcome alone
    const outcome = accepted(a);
    const ends = await Promise.allSettled([journal.settle(outcome), journal.mark(b, SERVER, 'hash')]);
    expect(ends.map((end) => end.status)).toEqual(['rejected', 'rejected']);
    await expect(journal.mark(b, SERVER, 'hash')).rejects.toThrow('not stored yet');
    expect((await stored(db, b)).dot_at).toBe(null);
    // Together with the outcome it may be; and after it, as ever.
    expect(await Promise.all([journal.settle(outcome), journal.mark(b, SERVER, 'hash')])).toEqual([
      true,
      true,
    ]);
    expect(await journal.mark(c, SERVER, 'hash')).toBe(true);
  });

  test('an outcome that is given up holds up no marker', async () => {
    const { db, rows, clock } = await held(2);
    const [a, b] = rows as [MessageRow, MessageRow];
    const journal = failing(db, clock, 1);
    const outcome = accepted(a);
    await expect(journal.settle(outcome)).rejects.toThrow('away');
    await expect(journal.mark(b, SERVER, 'hash')).rejects.toThrow('not stored yet');
    journal.giveUp(outcome);
    expect(await journal.mark(b, SERVER, 'hash')).toBe(true);
  });

  test('one bad outcome takes no others with it, and holds up markers only until it is known to be bad', async () => {
    const { db, journal, rows } = await held(6);
    const [good, bad, marked, ...others] = rows as [MessageRow, MessageRow, MessageRow, ...MessageRow[]];
    // Its attempt is on record already: the key refuses a second one.
    await journal.settle(accepted(bad));
    await db.write((tx) =>
      tx
        .updateTable('messages')
        .set({ state: 'queued', lease_owner: 'me' })
        .where('id', '=', bad.id)
        .execute(),
    );
    const outcome = accepted(bad);
    const ends = await Promise.allSettled([
      journal.settle(accepted(good)),
      journal.settle(outcome),
      journal.mark(marked, SERVER, 'hash'),
    ]);
    expect(ends.map((end) => end.status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect((await stored(db, good)).state).toBe('sent');
    expect((await stored(db, marked)).dot_at).toBe(null);
    for (const other of others.slice(0, 2)) {
      await expect(journal.settle(outcome)).rejects.toThrow(); // again, and nothing says that others fare better
      await expect(journal.mark(marked, SERVER, 'hash')).rejects.toThrow('not stored yet');
      expect(await journal.settle(accepted(other))).toBe(true);
      await expect(journal.settle(outcome)).rejects.toThrow();
    }
    expect(await journal.mark(marked, SERVER, 'hash')).toBe(true);
    expect((await stored(db, marked)).dot_at).toBe(NOON);
  });
});

/** At each new marker: how many others of its connection stand. None, if the order is kept. */
async function watchMarkers(db: Db, engine: string): Promise<void> {
  const earlier = `select count(*) from messages where dot_at is not null and state = 'queued'
    and server_name = new.server_name and id <> new.id`;
  await db.write(async (tx) => {
    await sql.raw(`create table seen_markers (unsettled bigint)`).execute(tx);
    if (engine === 'sqlite') {
      await sql
        .raw(
          `create trigger watch after update of dot_at on messages when new.dot_at is not null and old.dot_at is null
           begin insert into seen_markers select (${earlier}); end`,
        )
        .execute(tx);
      return;
    }
    await sql
      .raw(
        `create function watch() returns trigger language plpgsql as $$ begin
           if new.dot_at is not null and old.dot_at is null then
             insert into seen_markers select (${earlier}); end if; return new; end $$`,
      )
      .execute(tx);
    await sql
      .raw(`create trigger watch after update on messages for each row execute function watch()`)
      .execute(tx);
  });
}
