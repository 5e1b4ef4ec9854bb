import { describe, expect, test } from 'vitest';
import { Batcher } from './batcher.ts';

/** Groups as they were written; a group with a `bad` entry fails. */
function setting(bad: readonly number[] = []) {
  const groups: number[][] = [];
  let open = 0;
  const batcher = new Batcher<number, number>(async (entries, again) => {
    expect(++open, 'groups never overlap').toBe(1);
    await new Promise((turn) => setImmediate(turn));
    open--;
    groups.push([...entries]);
    if (entries.some((one) => bad.includes(one))) throw new Error(`bad ${again ? 'again' : 'first'}`);
    return entries.map((one) => one * 10);
  });
  return { batcher, groups };
}

describe('a batcher', () => {
  test('writes what is asked for in one turn as one group, each with its own result', async () => {
    const { batcher, groups } = setting();
    expect(await Promise.all([1, 2, 3].map((one) => batcher.add(one)))).toEqual([10, 20, 30]);
    expect(groups).toEqual([[1, 2, 3]]);
  });

  test('gathers while a group is being written, and keeps the order', async () => {
    const { batcher, groups } = setting();
    const first = batcher.add(1);
    await new Promise((turn) => setImmediate(turn));
    const later = [2, 3, 4].map((one) => batcher.add(one));
    await Promise.all([first, ...later]);
    expect(groups).toEqual([[1], [2, 3, 4]]);
  });

  test('writes a group that failed one by one: a bad entry takes no others with it', async () => {
    const { batcher, groups } = setting([2]);
    const ends = await Promise.allSettled([1, 2, 3].map((one) => batcher.add(one)));
    expect(ends.map((end) => (end.status === 'fulfilled' ? end.value : end.reason.message))).toEqual([
      10,
      'bad again',
      30,
    ]);
    expect(groups).toEqual([[1, 2, 3], [1], [2], [3]]);
  });

  test('goes on after a failure', async () => {
    const { batcher } = setting([1]);
    await expect(batcher.add(1)).rejects.toThrow('bad first');
    expect(await batcher.add(5)).toBe(50);
  });
});
