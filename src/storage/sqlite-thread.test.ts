import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Ask, SqliteFile } from './sqlite-file.ts';
import { SqliteThread } from './sqlite-thread.ts';
import { testFolder } from './testing.ts';

const plain = (sql: string): Ask => ({ sql, parameters: [] });

/** A thread on a table of numbers, and what others see in it. */
async function numbers() {
  const path = join(testFolder(), 'test.db');
  const file = new SqliteFile(path);
  file.run(plain('create table numbers (number integer unique)'));
  const thread = new SqliteThread(path);
  onTestFinished(() => thread.close().then(() => file.close()));
  const insert = (number: number) =>
    thread.run({ sql: 'insert into numbers values (?)', parameters: [number] });
  return { thread, insert, seen: () => file.run(plain('select number from numbers')).rows };
}

test('statements run in the order in which they were asked for, without waiting for answers', async () => {
  const { thread, insert, seen } = await numbers();
  void thread.begin();
  const [first, second] = [insert(1), insert(2)];
  const rows = thread.run({
    sql: 'insert into numbers values (?) returning number',
    parameters: [[3], [4]],
    forEachRow: true,
  });
  await thread.run(plain('commit'));
  expect([await first, await second, await rows]).toEqual([
    { rows: [], changes: 1 },
    { rows: [], changes: 1 },
    { rows: [{ number: 3 }, { number: 4 }] },
  ]);
  expect(seen()).toHaveLength(4);
});

test('what follows the end of a transaction changes nothing', async () => {
  const { thread, insert, seen } = await numbers();
  void thread.begin();
  void thread.run(plain('rollback'));
  await expect(insert(1)).rejects.toThrow('There is no transaction any more.');
  expect([thread.inTransaction, seen()]).toEqual([false, []]);
});

test('an error keeps its sentence and its code, and the transaction goes on', async () => {
  const { thread, insert, seen } = await numbers();
  void thread.begin();
  void insert(1);
  await expect(insert(1)).rejects.toMatchObject({
    message: expect.stringContaining('UNIQUE'),
    code: 'SQLITE_CONSTRAINT_UNIQUE',
  });
  expect(thread.inTransaction).toBe(true);
  await thread.run(plain('commit'));
  expect(seen()).toEqual([{ number: 1 }]);
});

test('a thread that could not open its file rejects whatever is asked of it', async () => {
  const thread = new SqliteThread(join(testFolder(), 'missing', 'test.db'));
  await expect(thread.begin()).rejects.toThrow('Cannot open database');
  await expect(thread.run(plain('select 1'))).rejects.toThrow('Cannot open database');
  await thread.close();
});
