import { afterEach, describe, expect, test } from 'vitest';
import { armFailPoints, failpoint, isWithout, readFailPlan, timesReached, tuned } from './failpoint.ts';

function arm(text: string): void {
  const plan = readFailPlan(text);
  if (typeof plan === 'string') throw new Error(plan);
  armFailPoints(plan);
}

afterEach(() => armFailPoints(undefined));

test('off, it does nothing', () => {
  failpoint('claimed');
  expect([timesReached('claimed'), isWithout('P3'), tuned('lease', 60_000)]).toEqual([0, false, 60_000]);
});

test('it strikes the nth time, once, and only at its point', () => {
  arm('claimed:2:throw');
  failpoint('claimed');
  failpoint('settled');
  expect(() => failpoint('claimed')).toThrow('It failed at claimed, as it was told to.');
  failpoint('claimed');
  expect(timesReached('claimed')).toBe(3);
});

test('drop cuts the connection the point is about, and goes on', () => {
  let cuts = 0;
  arm('dot-written:1:drop,claimed:1:drop');
  failpoint('dot-written', () => cuts++);
  failpoint('claimed');
  expect(cuts).toBe(1);
});

test('sleep lets the whole process stand still', () => {
  arm('claimed:1:sleep:20');
  const began = performance.now();
  failpoint('claimed');
  expect(performance.now() - began).toBeGreaterThanOrEqual(19);
});

test('rules are taken out and waits are set, by name', () => {
  arm('without-P4, lease=500');
  expect([isWithout('P3'), isWithout('P4')]).toEqual([false, true]);
  expect([tuned('lease', 60_000), tuned('resend', 60_000)]).toEqual([500, 60_000]);
});

describe('what cannot be read is named', () => {
  test.each([
    'nowhere:1:kill',
    'claimed:0:kill',
    'claimed:1:explode',
    'claimed:1',
    'toString:1:kill',
    'without-P1',
    'lease',
    'lease=soon',
    'claimed:1:sleep',
    'claimed:1:kill,,',
  ])('%s', (text) => {
    expect(readFailPlan(text)).toMatch(/^FAILPOINT is a list of .*"; *".*|is none of them\.$/);
  });
});
