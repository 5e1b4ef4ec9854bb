import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { armFailPoints } from '../failpoint.ts';
import { createLog } from '../log.ts';
import { claimKey, LEASE_MS } from '../queue/delivery.ts';
import { claim, freeAllLeases, type MessageRow } from '../queue/queue.ts';
import { readLog } from '../storage/append-log.ts';
import type { Db } from '../storage/db.ts';
import { readSetting } from '../storage/settings.ts';
import { insertRows, NOON, testDb, testFolder } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { Journal } from './journal.ts';
import { behindLog, LoggedPages } from './logged-pages.ts';
import type { Turn } from './next-state.ts';
import { accepted, heldByMe, LANE, markOf, pageOf, refused, SERVER, stored, unsteady } from './testing.ts';

// A disk that refuses a flush, or is slow. It cannot be ordered for a test, so the call of the system answers as it would.
const disk = vi.hoisted(() => ({ refusals: 0, isSlow: false, waiting: [] as ((error?: Error) => void)[] }));
vi.mock(import('node:fs'), async (original) => {
  const fs = await original();
  const fdatasync = (file: number, done: (error: Error | null) => void) => {
    if (disk.refusals-- > 0) done(new Error('EIO'));
    else if (disk.isSlow) disk.waiting.push((error) => done(error ?? null));
    else fs.fdatasync(file, done);
  };
  return { ...fs, fdatasync: fdatasync as typeof fs.fdatasync };
});
beforeEach(() => {
  Object.assign(disk, { refusals: 0, isSlow: false, waiting: [] });
  armFailPoints({ strikes: [], without: [], waits: { return: 1 } });
  onTestFinished(() => armFailPoints(undefined));
});

const log = createLog('silent');

/** Messages that this worker holds, and the pages of its log. */
async function held(count: number) {
  const { folder, db, rows } = await heldByMe(count);
  const clock = new FakeClock(NOON);
  const { db: shaky, state } = unsteady(db);
  const told: string[] = [];
  let onTold = (): void => {};
  const onStored = (ids: readonly string[]) => {
    told.push(...ids);
    onTold();
  };
  const pages = (await LoggedPages.open({ db: shaky, clock, log, folder, onStored }))!;
  let isClosed = false;
  const close = async () => {
    isClosed = true;
    await pages.close();
  };
  onTestFinished(() => (isClosed ? undefined : close()));
  const path = join(folder, readdirSync(folder).find((name) => name.endsWith('.log'))!);
  return {
    folder,
    db,
    /** The same, as the pages see it. */
    shaky,
    state,
    rows,
    clock,
    pages,
    close,
    /** Lets the database stand still. @returns what lets it go on */
    stand(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      state.open = promise;
      return resolve;
    },
    /** Resolves when the database knows the ends of so many messages. */
    async worked(ends: number): Promise<void> {
      while (told.length < ends)
        await new Promise<void>((resolve) => {
          onTold = resolve;
        });
    },
    /** What the next start would find. */
    async left(): Promise<string[]> {
      const [, last] = (await readSetting(db, 'journal_log'))!.split(' ');
      return (await readLog(path, Number(last)))!;
    },
    stored: (row: MessageRow) => stored(db, row),
  };
}

const full = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
const turns = async (count: number) => {
  for (let at = 0; at < count; at++) await new Promise((turn) => setImmediate(turn));
};

describe('what a server accepted, and a marker', () => {
  test('are on the disk before the database knows, which learns all of it a moment later', async () => {
    const { db, rows, pages, stand, stored, worked, left } = await held(2);
    const [sent, marked] = rows;
    const goOn = stand();
    const written = await pages.write(pageOf({ turns: [accepted(sent)], marks: [markOf(marked)] }));
    expect(written.settled).toEqual(new Set([claimKey(sent)]));
    expect(written.marked).toEqual(new Map([[claimKey(marked), NOON + LEASE_MS]]));
    expect((await left()).join()).toContain(sent.id);
    expect([await stored(sent), await stored(marked)]).toEqual([sent, marked]);
    goOn();
    await worked(1);
    expect(await stored(sent)).toMatchObject({
      state: 'sent',
      final_at: NOON,
      attempts: 1,
      lease_owner: null,
    });
    expect(await stored(marked)).toMatchObject({ state: 'queued', dot_at: NOON, lane: 'marked' });
    const attempts = await db.read.selectFrom('attempts').select(['message_id', 'reply', 'at']).execute();
    expect(attempts).toEqual([{ message_id: sent.id, reply: '250 OK', at: NOON }]);
    const events = await db.read.selectFrom('events').select(['type', 'message_id']).execute();
    expect(events).toEqual([{ type: 'message.sent', message_id: sent.id }]);
    const counts = await db.read.selectFrom('daily_counts').select(['word', 'count']).execute();
    expect(counts).toEqual([{ word: 'sent', count: 1 }]);
    expect(await left()).toEqual([]);
  });

  test('of one message, the marker never reaches its row', async () => {
    const { db, rows, pages, stored, worked } = await held(2);
    const [ended, open] = rows;
    await db.write(async (tx) => {
      await sql`create table seen (id text)`.execute(tx);
      await sql`create trigger watch after update of dot_at on messages when new.dot_at is not null
        begin insert into seen values (new.id); end`.execute(tx);
    });
    await pages.write(pageOf({ marks: [markOf(ended), markOf(open)] }));
    await pages.write(pageOf({ turns: [accepted(ended)] }));
    await worked(1);
    const { rows: seen } = await sql`select id from seen`.execute(db.read);
    expect(seen).toEqual([{ id: open.id }]);
    expect((await stored(ended)).state).toBe('sent');
  });

  test('a claim is not marked twice', async () => {
    const { rows, pages } = await held(2);
    const [first, second] = rows;
    await pages.write(pageOf({ marks: [markOf(first)] }));
    const { marked } = await pages.write(pageOf({ marks: [markOf(first), markOf(second)] }));
    expect([...marked.keys()]).toEqual([claimKey(second)]);
  });
});

describe('what others act on is stored in the database', () => {
  test('a refusal: after all that the log holds', async () => {
    const { rows, pages, stored, left } = await held(2);
    const [sent, bounced] = rows;
    await pages.write(pageOf({ turns: [accepted(sent)] }));
    await pages.write(pageOf({ turns: [refused(bounced)] }));
    expect((await stored(bounced)).state).toBe('failed');
    expect((await stored(sent)).state).toBe('sent');
    expect(await left()).toEqual([]);
  });

  test('and what comes meanwhile waits for it', async () => {
    const { rows, pages, stand, left } = await held(2);
    const goOn = stand();
    const ends: string[] = [];
    const both = [
      pages.write(pageOf({ turns: [refused(rows[0])] })).then(() => ends.push('refusal')),
      pages.write(pageOf({ turns: [accepted(rows[1])] })).then(() => ends.push('outcome')),
    ];
    await turns(3);
    expect(await left()).toEqual([]);
    goOn();
    await Promise.all(both);
    expect(ends).toEqual(['refusal', 'outcome']);
  });

  test('a marker and an outcome whose lease ends soon', async () => {
    const { rows, pages, clock, stored, left } = await held(2);
    clock.advance(LEASE_MS / 2 + 1);
    const now = clock.now();
    await pages.write(pageOf({ now, marks: [markOf(rows[0])] }));
    expect((await stored(rows[0])).dot_at).toBe(now);
    await pages.write(pageOf({ now, turns: [accepted(rows[1])] }));
    expect((await stored(rows[1])).state).toBe('sent');
    expect(await left()).toEqual([]);
  });

  test('so who lost a lease is told', async () => {
    const { db, rows, pages, clock, stored } = await held(2);
    clock.advance(LEASE_MS);
    const now = clock.now();
    await claim(db, LANE, 'other', now, { urgent: 2, others: 2 });
    const written = await pages.write(pageOf({ now, turns: [accepted(rows[0])], marks: [markOf(rows[1])] }));
    expect([written.settled.size, written.marked.size]).toEqual([0, 0]);
    expect(await stored(rows[0])).toMatchObject({ lease_owner: 'other', state: 'queued' });
  });

  test.each([
    ['by another', 'other'],
    ['and taken again by the same worker', 'me'],
  ])('a lease that was lost, %s, is not renewed, and its marker is refused', async (_, owner) => {
    const { db, rows, pages, clock, left } = await held(1);
    const [row] = rows;
    const journal = new Journal(pages, clock, 'me');
    clock.advance(LEASE_MS);
    await claim(db, LANE, owner, clock.now(), { urgent: 1, others: 1 });
    await journal.renew([row]);
    expect(await journal.mark(row, SERVER, 'hash')).toBe(false);
    expect(await left()).toEqual([]);
  });

  test('a lease that was renewed lasts: its marker goes to the log again', async () => {
    const { rows, pages, clock, stored, left } = await held(1);
    const [row] = rows;
    const journal = new Journal(pages, clock, 'me');
    clock.advance(LEASE_MS - 1);
    await journal.renew([row]);
    expect((await stored(row)).due_at).toBe(clock.now() + LEASE_MS);
    expect(await journal.mark(row, SERVER, 'hash')).toBe(true);
    expect(await left()).toHaveLength(1);
  });
});

describe('a page that was under way behind one that failed', () => {
  test('is not answered with yes when the flush of that one failed', async () => {
    const { rows, pages, stored, worked } = await held(2);
    const [outcome, next] = rows;
    disk.isSlow = true;
    const first = pages.write(pageOf({ turns: [accepted(outcome)] }));
    const second = pages.write(pageOf({ marks: [markOf(next)] }));
    disk.isSlow = false;
    const ends = Promise.allSettled([first, second]);
    disk.waiting[1]!();
    disk.waiting[0]!(new Error('EIO'));
    expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    // It may be on the disk, so the database learns it; and from now on all goes there.
    await worked(1);
    expect((await stored(outcome)).state).toBe('sent');
  });

  test('is not written when that one could not be stored: it may be the outcome before its marker', async () => {
    const { rows, pages, state, left } = await held(2);
    const [outcome, next] = rows;
    state.error = full;
    const ends = await Promise.allSettled([
      pages.write(pageOf({ turns: [refused(outcome)] })),
      pages.write(pageOf({ marks: [markOf(next)] })),
    ]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await left()).toEqual([]);
    state.error = undefined;
    expect((await pages.write(pageOf({ marks: [markOf(next)] }))).marked.size).toBe(1);
  });

  test('and no marker that was with an outcome on a page whose flush failed lets its dot leave', async () => {
    const { rows, pages, clock, stored } = await held(3);
    const [sent, next, later] = rows;
    const journal = new Journal(pages, clock, 'me');
    disk.refusals = 1;
    const both = [journal.settle(accepted(sent)), journal.mark(next, SERVER, 'hash')];
    const [, marker] = await Promise.allSettled(both);
    expect(marker!.status).toBe('rejected');
    expect((await stored(sent)).state).toBe('sent');
    // All goes to the database from now on.
    expect(await journal.mark(later, SERVER, 'hash')).toBe(true);
    expect((await stored(later)).dot_at).toBe(NOON);
  });
});

describe('a database that takes nothing', () => {
  test('says nothing of an outcome that it does not take, however much goes to the log: no marker overtakes it', async () => {
    const { rows, pages, clock, state } = await held(5);
    const [bounced, marked, ...others] = rows;
    const journal = new Journal(pages, clock, 'me');
    const outcome = refused(bounced);
    state.error = full;
    for (const other of others) {
      await expect(journal.settle(outcome)).rejects.toThrow('full');
      expect(await journal.settle(accepted(other))).toBe(true);
    }
    await expect(journal.settle(outcome)).rejects.toThrow('full');
    await expect(journal.mark(marked, SERVER, 'hash')).rejects.toThrow('not stored yet');
    state.error = undefined;
    expect(await journal.settle(outcome)).toBe(true);
    expect(await journal.mark(marked, SERVER, 'hash')).toBe(true);
  });

  test('is tried again, and nothing is lost meanwhile, nor overwritten in the log', async () => {
    const { rows, pages, state, stored, worked, left } = await held(3);
    state.error = full;
    for (const row of rows) {
      const { tries } = state;
      await pages.write(pageOf({ turns: [accepted(row)] }));
      while (state.tries < tries + 2) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await left()).toHaveLength(3);
    state.error = undefined;
    await worked(3);
    for (const row of rows) expect((await stored(row)).state).toBe('sent');
    expect(await left()).toEqual([]);
  });

  test('also while entries are tried alone, because one of them is bad', async () => {
    const { db, rows, pages, shaky, stored, worked } = await held(3);
    const [good, bad, other] = rows;
    await alreadyOnRecord(db, bad);
    const { write } = shaky;
    let alone = 0;
    shaky.write = (work, options) => ([2, 3].includes(++alone) ? Promise.reject(full) : write(work, options));
    await pages.write(pageOf({ turns: [good, bad, other].map((row) => accepted(row)) }));
    await worked(3);
    expect(alone).toBeGreaterThan(4);
    expect((await stored(good)).state).toBe('sent');
    expect((await stored(other)).state).toBe('sent');
  });

  test('an entry that it refuses for its own sake takes no others with it', async () => {
    const { db, rows, pages, stored, worked, left } = await held(4);
    const [good, bad, marked, other] = rows;
    await alreadyOnRecord(db, bad);
    await pages.write(pageOf({ turns: [accepted(bad), accepted(good)], marks: [markOf(marked)] }));
    await pages.write(pageOf({ turns: [accepted(other)] }));
    await worked(3);
    expect((await stored(good)).state).toBe('sent');
    expect((await stored(other)).state).toBe('sent');
    expect((await stored(marked)).dot_at).toBe(NOON);
    expect((await stored(bad)).state).toBe('queued');
    expect(await left()).toEqual([]);
  });

  test('what fails once alone is tried once more', async () => {
    const { rows, pages, shaky, stored, worked } = await held(2);
    const { write } = shaky;
    let calls = 0;
    shaky.write = (work, options) =>
      ++calls <= 2 ? Promise.reject(new Error('It failed.')) : write(work, options);
    await pages.write(pageOf({ turns: [accepted(rows[0]), accepted(rows[1])] }));
    await worked(2);
    for (const row of rows) expect((await stored(row)).state).toBe('sent');
  });

  test('is refused by the log when its half is full, until it takes something again', async () => {
    const { rows, pages, state, stored, worked, left } = await held(4);
    const long = 'x'.repeat(400_000);
    state.error = full;
    for (const row of rows.slice(0, 2)) await pages.write(pageOf({ turns: [withLong(row, long)] }));
    while (state.tries < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await pages.write(pageOf({ turns: [withLong(rows[2], long), withLong(rows[3], long)] }));
    await expect(pages.write(pageOf({ turns: [withLong(rows[0], long)] }))).rejects.toThrow('full');
    expect(await left()).toHaveLength(3);
    state.error = undefined;
    await worked(4);
    for (const row of rows) expect((await stored(row)).state).toBe('sent');
  });
});

/** Its entry is long, by what the database does not keep of it. */
function withLong(row: MessageRow, long: string): Turn {
  return { ...accepted(row), row: { ...row, rcpt: long } };
}

test('a claim is on the disk before anybody has it: in the log its marker may be, before all else', async () => {
  const { db } = await heldByMe(0);
  await insertRows(db, {});
  disk.isSlow = true;
  let isTold = false;
  const claimed = claim(db, LANE, 'me', NOON, { urgent: 1, others: 1 }).finally(() => {
    isTold = true;
  });
  while (disk.waiting.length === 0 && !isTold) await turns(1);
  expect(isTold).toBe(false);
  disk.isSlow = false;
  disk.waiting.shift()!();
  expect(await claimed).toHaveLength(1);
});

describe('while the log is late', () => {
  test('a claim waits, and does not get a message of which only the log knows the end', async () => {
    const { db, rows, pages, clock, stand, stored } = await held(1);
    const [sent] = rows;
    const behind = behindLog(db, pages);
    const goOn = stand();
    await pages.write(pageOf({ turns: [accepted(sent)] }));
    clock.advance(LEASE_MS + 1); // as after a long stop
    const claimed = claim(behind, LANE, 'me', clock.now(), { urgent: 1, others: 1 });
    await turns(5);
    goOn();
    expect(await claimed).toEqual([]);
    expect((await stored(sent)).state).toBe('sent');
  });

  test('who would write is refused where the database takes nothing', async () => {
    const { db, rows, pages, clock, state } = await held(1);
    state.error = full;
    await pages.write(pageOf({ turns: [accepted(rows[0])] }));
    expect(await freeAllLeases(behindLog(db, pages), NOON)).toBe(1); // in time nobody waits
    clock.advance(LEASE_MS / 4 + 1);
    await expect(freeAllLeases(behindLog(db, pages), NOON)).rejects.toThrow('full');
    state.error = undefined;
  });
});

describe('the end', () => {
  test('tells the database all, and leaves neither the file nor the setting', async () => {
    const { folder, db, rows, pages, close, stored } = await held(2);
    await pages.write(pageOf({ turns: [accepted(rows[0])], marks: [markOf(rows[1])] }));
    await close();
    expect((await stored(rows[0])).state).toBe('sent');
    expect((await stored(rows[1])).dot_at).toBe(NOON);
    expect(await readSetting(db, 'journal_log')).toBeUndefined();
    expect(readdirSync(folder).filter((name) => name.endsWith('.log'))).toEqual([]);
  });

  test('leaves both where the database refuses what is in the log', async () => {
    const { rows, pages, close, shaky, left } = await held(1);
    await pages.write(pageOf({ turns: [accepted(rows[0])] }));
    const { write } = shaky;
    shaky.write = () => {
      shaky.write = write; // only once: it is there again, and that is too late
      return Promise.reject(full);
    };
    await close();
    expect(await left()).toHaveLength(1);
  });

  test('leaves both where the database refuses to forget the log', async () => {
    const { close, state, left } = await held(1);
    state.error = full;
    await close();
    expect(await left()).toEqual([]);
  });
});

test('a folder that takes no file is worked in without a log', async () => {
  const db = await testDb();
  const folder = join(testFolder(), 'not-there');
  const parts = { db, clock: new FakeClock(), log, folder, onStored: () => {} };
  expect(await LoggedPages.open(parts)).toBeUndefined();
  expect(await readSetting(db, 'journal_log')).toBeUndefined();
});

/** The key refuses a second attempt of the same claim. */
async function alreadyOnRecord(db: Db, { id, fence }: MessageRow): Promise<void> {
  await db.write((tx) =>
    sql`insert into attempts (message_id, fence, workspace_id, at, stage, outcome, code, reason, duration_ms)
      values (${id}, ${fence}, 'wsp_test', ${NOON}, 'dot', 'accepted', 'accepted', 'x', 1)`.execute(tx),
  );
}
