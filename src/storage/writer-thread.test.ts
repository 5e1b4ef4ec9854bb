import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { addOne, fail, GO_ON, HELD, hold, needRoom, raise, raised } from '../testing/writer.ts';
import type { Db } from './db.ts';
import { migrate } from './migrate.ts';
import { call } from './procedure.ts';
import { readSetting } from './settings.ts';
import { openSqlite } from './sqlite.ts';
import { NOON, testFolder } from './testing.ts';
import { WriteTurn } from './write-turn.ts';

const ENTRY = new URL('../testing/writer.ts', import.meta.url);

/** A database whose thread is running. */
async function besideDb(whenFull = () => false): Promise<Db> {
  const db = openSqlite(join(testFolder(), 'test.db'), { thread: { entry: ENTRY, data: {} }, whenFull });
  onTestFinished(() => db.close());
  await migrate(db, NOON);
  // The first calls are answered here, while the thread is loading. What this thread calls cannot fail there.
  while ((await threadOf(db)) === 'here') await new Promise((turn) => setImmediate(turn));
  return db;
}

async function threadOf(db: Db): Promise<'here' | 'beside'> {
  const run = vi.spyOn(addOne, 'run');
  await call(db, addOne, { name: 'started' });
  const isHere = run.mock.calls.length > 0;
  run.mockRestore();
  return isHere ? 'here' : 'beside';
}

function storedAs(db: Db, name: string): Promise<string | undefined> {
  return readSetting(db, name as never);
}

describe('the thread that writes', () => {
  test('commits what it was asked for, and this thread reads it', async () => {
    const db = await besideDb();
    expect(await call(db, addOne, { name: 'count' })).toBe(1);
    expect(await storedAs(db, 'count')).toBe('1');
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
    while ((await threadOf(db)) === 'here') await new Promise((turn) => setImmediate(turn));
    const asked = Array.from({ length: 50 }, () => call(db, addOne, { name: 'count' }));
    await db.close();
    await Promise.all(asked);
    const again = openSqlite(place);
    onTestFinished(() => again.close());
    expect(await storedAs(again, 'count')).toBe('50');
  });
});

test('who waits for the turn gets it before it can be taken again, in the order of asking', async () => {
  const one = new WriteTurn();
  const [two, three] = [new WriteTurn(one.shared), new WriteTurn(one.shared)];
  const order: string[] = [];
  await one.take();
  const waiting = [two, three].map((turn, at) =>
    turn.take().then(() => {
      order.push(['two', 'three'][at]!);
      turn.give();
    }),
  );
  one.give();
  const again = one.take().then(() => order.push('one'));
  await Promise.all([...waiting, again]);
  expect(order).toEqual(['two', 'three', 'one']);
});

test('who is handed the turn just before it begins to wait does not wait', async () => {
  const one = new WriteTurn();
  const other = new WriteTurn(one.shared);
  await one.take();
  const { waitAsync } = Atomics;
  let again: Promise<void> | undefined;
  const waiting = vi.spyOn(Atomics, 'waitAsync').mockImplementationOnce(((
    ...args: Parameters<typeof waitAsync>
  ) => {
    one.give();
    again = one.take(); // and it is wanted again already
    return waitAsync(...args);
  }) as typeof waitAsync);
  onTestFinished(() => waiting.mockRestore());
  await other.take();
  other.give();
  await again;
});
