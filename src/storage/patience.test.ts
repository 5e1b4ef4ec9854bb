import { beforeEach, expect, test, vi } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { Patience } from './patience.ts';

let clock: FakeClock;
/** How long the disk takes, ms. */
let takes: number;
const flushes = vi.hoisted(() => vi.fn());
vi.mock(import('node:fs'), async (original) => ({ ...(await original()), fdatasyncSync: flushes }));
beforeEach(() => {
  clock = new FakeClock();
  takes = 0;
  flushes.mockReset().mockImplementation(() => clock.advance(takes));
});

/** How many flushes in a row are left to others. */
function besideUntilTried(patience: Patience): number {
  let beside = 0;
  while (!patience.flush(7)) beside++;
  return beside;
}

test('a quick disk is waited for each time', () => {
  const patience = new Patience(clock);
  takes = 1;
  for (let at = 0; at < 50; at++) expect(patience.flush(7)).toBe(true);
  expect(flushes.mock.calls).toEqual(Array.from({ length: 50 }, () => [7]));
});

test('a slow one is tried more and more seldom, and waited for again when it is quick', () => {
  const patience = new Patience(clock);
  takes = 3;
  expect(patience.flush(7)).toBe(true);
  const tried = Array.from({ length: 10 }, () => besideUntilTried(patience));
  expect(tried).toEqual([4, 8, 16, 32, 64, 128, 256, 512, 1_000, 1_000]);
  takes = 0;
  expect(besideUntilTried(patience)).toBe(1_000);
  expect(patience.flush(7)).toBe(true);
  takes = 3;
  expect(patience.flush(7)).toBe(true);
  expect(besideUntilTried(patience)).toBe(4);
});

test('what the disk refuses is told', () => {
  flushes.mockImplementation(() => {
    throw new Error('EIO');
  });
  expect(() => new Patience(clock).flush(7)).toThrow('EIO');
});
