import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { addOne, fail, GO_ON, HELD, hold, raise, raised } from '../testing/writer.ts';
import type { Db } from './db.ts';
import { migrate } from './migrate.ts';
import { call } from './procedure.ts';
import { readSetting } from './settings.ts';
import { openSqlite } from './sqlite.ts';
import { NOON, testFolder } from './testing.ts';

/** A database that runs procedures, and what asks it for them: the same file once more, as another thread has it. */
async function pair(): Promise<{ runs: Db; asks: Db }> {
  const place = join(testFolder(), 'test.db');
  const runs = openSqlite(place);
  onTestFinished(() => runs.close());
  await migrate(runs, NOON);
  const asks = openSqlite(place, { shared: runs.share!() });
  return { runs, asks };
}

async function opened(): Promise<{ runs: Db; asks: Db }> {
  const both = await pair();
  onTestFinished(() => both.asks.close());
  return both;
}

function storedAs(db: Db, name: string): Promise<string | undefined> {
  return readSetting(db, name as never);
}

describe('procedures of another thread', () => {
  test('are committed when the answer comes, and read by who asked', async () => {
    const { asks } = await opened();
    expect(await call(asks, addOne, { name: 'count' })).toBe(1);
    expect(await storedAs(asks, 'count')).toBe('1');
  });

  test('and writes of both sides take turns, and neither waits for the other for ever', async () => {
    const { runs, asks } = await opened();
    const ways = [
      () => call(asks, addOne, { name: 'count' }),
      () => asks.write((tx) => addOne.run(tx, { name: 'count' })),
      () => runs.write((tx) => addOne.run(tx, { name: 'count' })),
    ];
    const several = async (one: () => Promise<number>) => {
      const seen: number[] = [];
      for (let at = 0; at < 200; at++) seen.push(await one());
      return seen;
    };
    const seen = (await Promise.all(ways.map(several))).flat();
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 600 }, (_, at) => at + 1));
  });

  test('hold up nobody who asks meanwhile, but their writes', async () => {
    const { asks } = await opened();
    const signals = new Int32Array(new SharedArrayBuffer(8));
    const holding = call(asks, hold, { signals });
    await raised(signals, HELD);
    let isWritten = false;
    const written = asks.write((tx) => addOne.run(tx, { name: 'count' })).then(() => (isWritten = true));
    expect(await storedAs(asks, 'held')).toBeUndefined();
    for (let turns = 0; turns < 100; turns++) await new Promise((turn) => setImmediate(turn));
    expect(isWritten).toBe(false);
    raise(signals, GO_ON);
    await Promise.all([holding, written]);
    expect(await storedAs(asks, 'held')).toBe('yes');
  });

  test('are undone alone when they fail, and the code is told', async () => {
    const { asks } = await opened();
    const ended = await Promise.allSettled([
      call(asks, addOne, { name: 'count' }),
      call(asks, fail, { code: 'OWN' }),
      call(asks, addOne, { name: 'count' }),
    ]);
    expect(ended).toMatchObject([
      { value: 1 },
      { reason: { message: 'It failed.', code: 'OWN' } },
      { value: 2 },
    ]);
    expect(await storedAs(asks, 'failed')).toBeUndefined();
  });

  test('are finished before who asked for them is closed', async () => {
    const { runs, asks } = await pair();
    const asked = Array.from({ length: 50 }, () => call(asks, addOne, { name: 'count' }));
    await asks.close();
    await Promise.all(asked);
    expect(await storedAs(runs, 'count')).toBe('50');
  });
});
