import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { addOne, fail, GO_ON, HELD, hold, needRoom, raise, raised } from '../testing/writer.ts';
import type { Db } from './db.ts';
import { migrate } from './migrate.ts';
import { call } from './procedure.ts';
import { readSetting } from './settings.ts';
import { openSqlite } from './sqlite.ts';
import { NOON, testFolder } from './testing.ts';

const ENTRY = new URL('../testing/writer.ts', import.meta.url);

/** A database that has a thread. */
async function besideDb(whenFull = () => false): Promise<Db> {
  const db = openSqlite(join(testFolder(), 'test.db'), { thread: { entry: ENTRY, data: {} }, whenFull });
  onTestFinished(() => db.close());
  await migrate(db, NOON);
  return db;
}

function storedAs(db: Db, name: string): Promise<string | undefined> {
  return readSetting(db, name as never);
}

describe('the thread that writes', () => {
  test('is asked by another one that has opened the database too', async () => {
    const place = join(testFolder(), 'test.db');
    const db = openSqlite(place, { thread: { entry: ENTRY, data: {} } });
    await migrate(db, NOON);
    const other = openSqlite(place, { shared: db.share!() });
    const asked = [db, other, db, other].map((one) => call(one, addOne, { name: 'count' }));
    const written = other.write((tx) => addOne.run(tx, { name: 'count' }));
    expect((await Promise.all([...asked, written])).sort()).toEqual([1, 2, 3, 4, 5]);
    const last = call(other, addOne, { name: 'count' });
    await other.close();
    expect(await last).toBe(6);
    await db.close();
  });

  test('commits what it was asked for, and this thread reads it', async () => {
    const db = await besideDb();
    const run = vi.spyOn(addOne, 'run');
    onTestFinished(() => run.mockRestore());
    expect(await call(db, addOne, { name: 'count' })).toBe(1);
    expect(await storedAs(db, 'count')).toBe('1');
    expect(run).not.toHaveBeenCalled();
  });

  test('and this one write in turn, and neither waits for the other for ever', async () => {
    const db = await besideDb();
    const here = () => db.write((tx) => addOne.run(tx, { name: 'count' }));
    const beside = () => call(db, addOne, { name: 'count' });
    const several = async (one: () => Promise<number>) => {
      const seen: number[] = [];
      for (let at = 0; at < 200; at++) seen.push(await one());
      return seen;
    };
    const seen = (await Promise.all([several(here), several(beside), several(beside)])).flat();
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 600 }, (_, at) => at + 1));
  });

  test('does not hold up this one, which waits for its turn', async () => {
    const db = await besideDb();
    const signals = new Int32Array(new SharedArrayBuffer(8));
    const held = call(db, hold, { signals });
    await raised(signals, HELD);
    const written = db.write((tx) => addOne.run(tx, { name: 'count' }));
    for (let turns = 0; turns < 100; turns++) await new Promise((turn) => setImmediate(turn));
    raise(signals, GO_ON);
    await held;
    expect(await written).toBe(1);
  });

  test('undoes a procedure that fails, alone, and tells its code', async () => {
    const db = await besideDb();
    const ended = await Promise.allSettled([
      call(db, addOne, { name: 'count' }),
      call(db, fail, { code: 'OWN' }),
      call(db, addOne, { name: 'count' }),
    ]);
    expect(ended).toMatchObject([
      { value: 1 },
      { reason: { message: 'It failed.', code: 'OWN' } },
      { value: 2 },
    ]);
    expect(await storedAs(db, 'failed')).toBeUndefined();
  });

  test('is asked once more when room was made on a full disk', async () => {
    let asked = 0;
    const db = await besideDb(() => ++asked > 0);
    expect(await call(db, needRoom, null)).toBe(2);
    expect(asked).toBe(1);
  });

  test('finishes what it was asked for before it ends', async () => {
    const place = join(testFolder(), 'test.db');
    const db = openSqlite(place, { thread: { entry: ENTRY, data: {} } });
    await migrate(db, NOON);
    const asked = Array.from({ length: 50 }, () => call(db, addOne, { name: 'count' }));
    await db.close();
    await Promise.all(asked);
    const again = openSqlite(place);
    onTestFinished(() => again.close());
    expect(await storedAs(again, 'count')).toBe('50');
  });
});
