import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import type { Db } from './db.ts';
import { type Beat, Heartbeat, type Restored } from './heartbeat.ts';
import { migrate } from './migrate.ts';
import { putSetting } from './settings.ts';
import { openSqlite } from './sqlite.ts';
import { ENGINES, NOON, testDb, testFolder } from './testing.ts';

const fileIn = (folder: string) => join(folder, 'heartbeat.json');
const beatIn = (folder: string) => JSON.parse(readFileSync(fileIn(folder), 'utf8')) as Beat;

/** One start of the program: what it found out about the database. */
async function start(db: Db, folder: string): Promise<{ heart: Heartbeat; found: Restored[] }> {
  const found: Restored[] = [];
  const heart = new Heartbeat(db, new FakeClock(), folder, async (restored) => {
    found.push(restored);
  });
  await heart.begin();
  onTestFinished(() => heart.stop());
  return { heart, found };
}

/** What a backup would have kept of the count. */
const rewind = (db: Db, beat: number) => db.write((tx) => putSetting(tx, 'instance_beat', String(beat)));

describe.each(ENGINES)('on $engine', ({ engine, open }) => {
  const fresh = async () => {
    const folder = testFolder();
    return { folder, db: await testDb(folder, open) };
  };

  test('a first start, and every start after it, is no alarm', async () => {
    const { folder, db } = await fresh();
    for (let starts = 1; starts <= 5; starts++) {
      expect((await start(db, folder)).found).toEqual([]);
      expect(beatIn(folder).beat).toBe(starts);
    }
  });

  test('beats follow work, and only work', async () => {
    const { folder, db } = await fresh();
    const { heart } = await start(db, folder);
    await heart.stop();
    expect(beatIn(folder).beat).toBe(1);
    heart.worked.raise();
    await heart.stop();
    expect(beatIn(folder).beat).toBe(2);
  });

  test('a process that died between the commit and the file is no alarm: the file is behind', async () => {
    const { folder, db } = await fresh();
    await start(db, folder);
    await rewind(db, 9);
    expect((await start(db, folder)).found).toEqual([]);
    expect(beatIn(folder).beat).toBe(10);
  });

  test('a process that died at its very first beat is no alarm', async () => {
    const { folder, db } = await fresh();
    // What it leaves: the file, and a database that does not know the epoch yet.
    writeFileSync(fileIn(folder), JSON.stringify({ epoch: 'other', beat: 0, at: 1 }));
    expect((await start(db, folder)).found).toEqual([]);
    expect((await start(db, folder)).found).toEqual([]);
  });

  test('an older database is known once, and each time it is restored again', async () => {
    const { folder, db } = await fresh();
    for (let starts = 0; starts < 4; starts++) await start(db, folder);
    for (let restores = 0; restores < 2; restores++) {
      await rewind(db, 2);
      const { found } = await start(db, folder);
      expect(found).toEqual([
        {
          reason:
            'The database is older than this installation was at 2026-11-23T12:00:00.000Z: a backup was restored.',
          until: Date.parse('2026-11-23T12:00:00Z'),
        },
      ]);
      expect((await start(db, folder)).found).toEqual([]);
    }
  });

  test('a database that goes back while the program runs is known at the next beat', async () => {
    const { folder, db } = await fresh();
    const { heart, found } = await start(db, folder);
    for (let beats = 0; beats < 3; beats++) {
      heart.worked.raise();
      await heart.stop();
    }
    expect(beatIn(folder).beat).toBe(4);
    await rewind(db, 2);
    heart.worked.raise();
    await heart.stop();
    expect(found).toHaveLength(1);
    expect(beatIn(folder).beat).toBe(5);
    expect((await start(db, folder)).found).toEqual([]);
  });

  test('a database of another installation is known', async () => {
    const { folder, db } = await fresh();
    await start(db, folder);
    writeFileSync(fileIn(folder), JSON.stringify({ ...beatIn(folder), epoch: 'another' }));
    expect((await start(db, folder)).found).toMatchObject([
      { reason: expect.stringContaining('belongs to another installation') },
    ]);
    expect((await start(db, folder)).found).toEqual([]);
  });

  test(`without the file it is ${engine === 'sqlite' ? 'not known how far it got' : 'a new machine'}`, async () => {
    const { folder, db } = await fresh();
    await start(db, folder);
    rmSync(fileIn(folder));
    const { found } = await start(db, folder);
    expect(found).toHaveLength(engine === 'sqlite' ? 1 : 0);
    expect(existsSync(fileIn(folder))).toBe(true);
    expect((await start(db, folder)).found).toEqual([]);
  });

  test('processes that share the database and the folder do not alarm each other', async () => {
    const { folder, db } = await fresh();
    const other = await open(folder);
    onTestFinished(() => other.close());
    for (let rounds = 0; rounds < 10; rounds++) {
      const both = await Promise.all([start(db, folder), start(other, folder)]);
      expect(both.flatMap(({ found }) => found)).toEqual([]);
      for (const { heart } of both) heart.worked.raise();
      await Promise.all(both.map(({ heart }) => heart.stop()));
      expect(both.flatMap(({ found }) => found)).toEqual([]);
    }
  });
});

test('a real copy of the database file, put back, is known', async () => {
  const folder = testFolder();
  const file = join(folder, 'test.db');
  const copy = join(folder, 'copy.db');
  const first = openSqlite(file);
  await migrate(first, NOON);
  await start(first, folder);
  await first.close();
  copyFileSync(file, copy);

  const second = openSqlite(file);
  const { heart } = await start(second, folder);
  heart.worked.raise();
  await heart.stop();
  await second.close();

  copyFileSync(copy, file);
  const restored = openSqlite(file);
  onTestFinished(() => restored.close());
  expect((await start(restored, folder)).found).toHaveLength(1);
});
