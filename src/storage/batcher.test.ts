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

describe('a batcher with two groups under way', () => {
  /** Writes groups when it is told to. */
  function byHand() {
    const underWay: { entries: readonly number[]; end: (error?: Error) => void }[] = [];
    const batcher = new Batcher<number, number>(
      (entries) =>
        new Promise((resolve, reject) => {
          const end = (error?: Error) => (error ? reject(error) : resolve(entries.map((one) => one * 10)));
          underWay.push({ entries, end });
        }),
      { maxUnderWay: 2 },
    );
    const turns = async () => {
      for (let turn = 0; turn < 4; turn++) await new Promise((next) => setImmediate(next));
    };
    const groups = () => underWay.map(({ entries }) => entries);
    return { batcher, underWay, groups, turns };
  }

  test('begins a second while the first is being written, and a third when one has ended', async () => {
    const { batcher, underWay, groups, turns } = byHand();
    const asked = [1, 2, 3].map(async (one) => {
      for (let before = 1; before < one; before++) await turns();
      return batcher.add(one);
    });
    for (let round = 0; round < 4; round++) await turns();
    expect(groups()).toEqual([[1], [2]]);
    underWay[1]!.end();
    await turns();
    expect(groups()).toEqual([[1], [2], [3]]);
    for (const { end } of underWay) end();
    expect(await Promise.all(asked)).toEqual([10, 20, 30]);
  });

  test('tries again what failed when nothing else is under way, in order, and only then goes on', async () => {
    const { batcher, underWay, groups, turns } = byHand();
    const first = [batcher.add(1), batcher.add(2)];
    await turns();
    const second = batcher.add(3);
    await turns();
    underWay[0]!.end(new Error('away'));
    await turns();
    const third = batcher.add(4);
    await turns();
    expect(groups()).toEqual([[1, 2], [3]]);
    underWay[1]!.end(new Error('the one before it failed'));
    for (const at of [2, 3, 4, 5]) {
      await turns();
      underWay[at]!.end();
    }
    expect(await Promise.all([...first, second, third])).toEqual([10, 20, 30, 40]);
    expect(groups()).toEqual([[1, 2], [3], [1], [2], [3], [4]]);
  });
});
