import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MARKED } from '../queue/delivery.ts';
import { claim, freeAllLeases, type MessageRow } from '../queue/queue.ts';
import type { Db } from '../storage/db.ts';
import type { Restored } from '../storage/heartbeat.ts';
import { putSetting, readSetting } from '../storage/settings.ts';
import { NOON, testDb, testFolder } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { LoggedPages } from './logged-pages.ts';
import type { Page } from './page.ts';
import { recoverLog } from './recover.ts';
import { accepted, full, heldByMe, log, markOf, pageOf, stored, unsteady } from './testing.ts';

/** Of a worker that was killed before the database knew anything of these pages. */
async function killed(count: number, pagesOf: (rows: readonly MessageRow[]) => readonly Partial<Page>[]) {
  const { folder, db, rows } = await heldByMe(count);
  const { db: gone, state } = unsteady(db);
  const parts = { db: gone, clock: new FakeClock(NOON), log, folder, onStored: () => {} };
  const pages = (await LoggedPages.open(parts))!;
  onTestFinished(() => pages.close());
  state.error = full;
  for (const page of pagesOf(rows)) await pages.write(pageOf(page));
  const [name] = (await readSetting(db, 'journal_log'))!.split(' ') as [string];
  return { folder, db, rows, path: join(folder, name) };
}

/** As the next start does it. @returns what it says is lost */
async function start(db: Db, folder: string): Promise<Restored[]> {
  const lost: Restored[] = [];
  const onLost = async (found: Restored) => {
    expect(await readSetting(db, 'journal_log')).toBeDefined(); // killed here, the next start says it again
    lost.push(found);
  };
  await recoverLog({ db, log, folder, onLost }, NOON);
  return lost;
}

async function everything(db: Db) {
  const tables = ['messages', 'attempts', 'events', 'daily_counts'] as const;
  return Promise.all(tables.map((table) => db.read.selectFrom(table).selectAll().execute()));
}

test('what a killed worker knew is in the database at the next start, and its log is gone', async () => {
  const { folder, db, rows, path } = await killed(3, ([sent, open, last]) => [
    { marks: [markOf(sent!), markOf(open!)] },
    { turns: [accepted(sent!)] },
    { turns: [accepted(last!)] },
  ]);
  const [sent, open, last] = rows;
  expect(await start(db, folder)).toEqual([]);
  expect(await stored(db, sent)).toMatchObject({ state: 'sent', attempts: 1, final_at: NOON });
  expect(await stored(db, last)).toMatchObject({ state: 'sent', attempts: 1 });
  const attempts = await db.read.selectFrom('attempts').select('message_id').execute();
  expect(attempts.map((one) => one.message_id).sort()).toEqual([sent.id, last.id].sort());
  expect(await readSetting(db, 'journal_log')).toBeUndefined();
  expect(existsSync(path)).toBe(false);
  // Its marker stands: whoever claims it next finds that it may have gone out.
  await freeAllLeases(db, NOON);
  const [found, ...others] = await claim(db, MARKED, 'next', NOON, { urgent: 9, others: 9 });
  expect([found!.id, found!.dot_at, others]).toEqual([open.id, NOON, []]);
});

test('a start that was killed in the middle of it is done again, with the same end', async () => {
  const { folder, db, path } = await killed(2, ([sent, open]) => [
    { turns: [accepted(sent!)], marks: [markOf(open!)] },
  ]);
  const name = path.slice(folder.length + 1);
  const copy = readFileSync(path);
  await start(db, folder);
  const before = await everything(db);
  writeFileSync(path, copy);
  await db.write((tx) => putSetting(tx, 'journal_log', `${name} 0`));
  await start(db, folder);
  expect(await everything(db)).toEqual(before);
});

test('only what the database does not know is worked in', async () => {
  const { folder, db, rows, path } = await killed(2, ([known, unknown]) => [
    { turns: [accepted(known!)] },
    { turns: [accepted(unknown!)] },
  ]);
  await db.write((tx) => putSetting(tx, 'journal_log', `${path.slice(folder.length + 1)} 1`));
  await start(db, folder);
  expect((await stored(db, rows[0])).state).toBe('queued');
  expect((await stored(db, rows[1])).state).toBe('sent');
});

test('a page that was torn is none: nobody was told that it was there', async () => {
  const { folder, db, rows, path } = await killed(2, ([whole, torn]) => [
    { turns: [accepted(whole!)] },
    { turns: [accepted(torn!)] },
  ]);
  const bytes = readFileSync(path);
  bytes.fill(0, bytes.lastIndexOf('\n') - 10);
  writeFileSync(path, bytes);
  expect(await start(db, folder)).toEqual([]);
  expect((await stored(db, rows[0])).state).toBe('sent');
  expect((await stored(db, rows[1])).state).toBe('queued');
});

test('a log that is missing is told of, before it is forgotten', async () => {
  const { folder, db, path } = await killed(1, ([row]) => [{ turns: [accepted(row!)] }]);
  rmSync(path);
  const [found, ...others] = await start(db, folder);
  expect(found!.reason).toMatch(/^The file journal-\S+\.log is missing/);
  expect([found!.until, others]).toEqual([NOON, []]);
  expect(await start(db, folder)).toEqual([]);
});

test('a log of which the database was not told is removed, and no other file', async () => {
  const folder = testFolder();
  const db = await testDb();
  for (const name of ['journal-Ab_-9xyz.log', 'journal.log', 'other.log', 'heartbeat.json'])
    writeFileSync(join(folder, name), '');
  expect(await start(db, folder)).toEqual([]);
  expect(readdirSync(folder).sort()).toEqual(['heartbeat.json', 'journal.log', 'other.log']);
});

test('where the database takes nothing, the start fails and the log stays', async () => {
  const { folder, db, path } = await killed(1, ([row]) => [{ turns: [accepted(row!)] }]);
  const { db: gone, state } = unsteady(db);
  state.error = full;
  await expect(start(gone, folder)).rejects.toThrow('full');
  expect(existsSync(path)).toBe(true);
  expect(await readSetting(db, 'journal_log')).toBeDefined();
});
