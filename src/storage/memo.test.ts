import { describe, expect, test } from 'vitest';
import { storeServer } from '../servers/testing.ts';
import type { Db } from './db.ts';
import { Memo } from './memo.ts';
import { ENGINES, insertRows, NOON, testDb, testFolder } from './testing.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe.each(ENGINES)('a memo on $engine', ({ open }) => {
  async function setting() {
    const place = testFolder();
    const [own, other] = [await testDb(place, open), await testDb(place, open)];
    await own.write((tx) =>
      tx
        .insertInto('workspaces')
        .values({ id: 'wsp_test', name: 'Test', routing: 'random', default_from: null, created_at: NOON })
        .execute(),
    );
    let looks = 0;
    const memo = new Memo(own);
    const look = () => memo.get('thing', 'one', async () => ++looks);
    return { own, other, look };
  }

  test('learns once', async () => {
    const { look } = await setting();
    expect([await look(), await look()]).toEqual([1, 1]);
    await turn();
    expect(await look()).toBe(1);
  });

  test.each<[string, (db: Db) => Promise<unknown>]>([
    ['a server is added', (db) => storeServer(db, { id: 'srv_1' })],
    [
      'a workspace is changed',
      (db) => db.write((tx) => tx.updateTable('workspaces').set({ default_from: 'a@example.com' }).execute()),
    ],
    ['a workspace is deleted', (db) => db.write((tx) => tx.deleteFrom('workspaces').execute())],
  ])('learns anew after another process did this: %s', async (_, change) => {
    const { look, other } = await setting();
    await look();
    await change(other);
    await turn();
    expect(await look()).toBe(2);
  });

  test('keeps what it knows while messages come and servers rest', async () => {
    const { look, other } = await setting();
    await storeServer(other, { id: 'srv_1' });
    await look();
    await insertRows(other, {});
    await other.write((tx) => tx.updateTable('servers').set({ waiting_until: NOON, failures: 3 }).execute());
    await turn();
    expect(await look()).toBe(1);
  });

  test('does not keep a failure', async () => {
    const { own } = await setting();
    const memo = new Memo(own);
    await expect(memo.get('x', 'y', () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    expect(await memo.get('x', 'y', async () => 5)).toBe(5);
  });
});
