import { describe, expect, test } from 'vitest';
import type { Db } from './db.ts';
import { insertOf } from './insert.ts';
import { changing, forRows } from './statement.ts';
import { ENGINES, testDb, testFolder } from './testing.ts';

const COLUMNS = { name: 'text', value: 'text' } as const;

const insert = insertOf('settings', COLUMNS);
const change = changing(
  COLUMNS,
  { name: 'settings.name' },
  ({ v, from }) => `update settings set value = ${v.value} ${from} where settings.name = ${v.name}`,
);
const changeAndReturn = forRows<keyof typeof COLUMNS, { was: string }>(
  COLUMNS,
  ({ v, from }) =>
    `update settings set value = ${v.value} ${from} where settings.name = ${v.name} returning settings.name as was`,
);

const rows = (count: number, value = '') =>
  Array.from({ length: count }, (_, at) => ({ name: `n${String(at).padStart(3, '0')}`, value }));

describe.each(ENGINES)('statements over rows on $engine', ({ open }) => {
  const fresh = () => testDb(testFolder(), open);
  const stored = (db: Db) => db.read.selectFrom('settings').selectAll().orderBy('name').execute();

  test.each([0, 1, 2, 15, 16, 17, 99, 300])('%d rows are inserted, each once', async (count) => {
    const db = await fresh();
    await db.write((tx) => insert(tx, rows(count, 'v')));
    expect(await stored(db)).toEqual(rows(count, 'v'));
  });

  test('rows that have texts in common keep what differs', async () => {
    const db = await fresh();
    const given = rows(40, 'v').map((row, at) => (at % 9 === 0 ? { ...row, value: `own ${at}` } : row));
    await db.write((tx) => insert(tx, given));
    expect(await stored(db)).toEqual(given);
  });

  test('where one cannot be inserted, none is', async () => {
    const db = await fresh();
    await db.write((tx) => insert(tx, [{ name: 'n020', value: 'first' }]));
    await expect(db.write((tx) => insert(tx, rows(40)))).rejects.toThrow();
    expect(await stored(db)).toEqual([{ name: 'n020', value: 'first' }]);
  });

  test('tells which of them changed something', async () => {
    const db = await fresh();
    await db.write((tx) => insert(tx, rows(3)));
    const given = [...rows(2, 'new'), { name: 'nobody', value: 'new' }];
    expect(await db.write((tx) => change(tx, given))).toEqual(rows(2, 'new'));
    expect(await stored(db)).toEqual([...rows(2, 'new'), rows(3)[2]]);
  });

  test('returns what each one returns', async () => {
    const db = await fresh();
    await db.write((tx) => insert(tx, rows(3)));
    const given = [...rows(2, 'new'), { name: 'nobody', value: 'new' }];
    const returned = await db.write((tx) => changeAndReturn(tx, given));
    expect(returned.map(({ was }) => was).sort()).toEqual(['n000', 'n001']);
  });

  test('replaces what a text cannot hold', async () => {
    const db = await fresh();
    await db.write((tx) => insert(tx, [{ name: 'a\0b', value: 'half \ud83d' }]));
    expect(await stored(db)).toEqual([{ name: 'a\ufffdb', value: 'half \ufffd' }]);
  });
});
