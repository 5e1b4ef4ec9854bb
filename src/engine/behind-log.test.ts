import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { LEASE_MS } from '../queue/delivery.ts';
import { claim, freeAllLeases, type MessageRow } from '../queue/queue.ts';
import type { Db } from '../storage/db.ts';
import { readSetting } from '../storage/settings.ts';
import { NOON, testDb, testFolder } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { behindLog } from './behind-log.ts';
import { Journal } from './journal.ts';
import { LoggedPages } from './logged-pages.ts';
import type { Turn } from './next-state.ts';
import { accepted, full, held, LANE, log, markOf, pageOf, refused, SERVER, turns } from './testing.ts';

// The log of the worker while the database takes nothing, or is late; and its end.

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
      while (state.tries < tries + 2) await turns(1);
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
    while (state.tries < 2) await turns(1);
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
