import { describe, expect, test } from 'vitest';
import { nextTry } from './retry.ts';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const deferral = {
  now: NOON,
  since: null,
  expiresAt: NOON + 48 * HOUR,
  code: 'server_temporary',
  random: 0.5,
};

describe('the waits of a deferred message', () => {
  test.each([
    ['without jitter', 0.5],
    ['when every retry comes early', 0],
    ['when every retry comes late', 1],
  ])('grow as the schedule says, %s', (_, random) => {
    const waits: number[] = [];
    let now = NOON;
    for (let tried = 0; tried < 12; tried++) {
      const next = nextTry({
        ...deferral,
        since: tried === 0 ? null : NOON,
        now,
        random,
        expiresAt: NOON + 99 * HOUR,
      });
      waits.push((next - now) / MINUTE / (0.8 + 0.4 * random));
      now = next;
    }
    expect(waits.map(Math.round)).toEqual([1, 5, 15, 30, 60, 120, 240, 480, 480, 480, 480, 480]);
  });

  test('end when the message expires', () => {
    const last = { ...deferral, since: NOON - 47 * HOUR, expiresAt: NOON + HOUR };
    expect(nextTry(last)).toBe(NOON + HOUR);
    expect(nextTry({ ...last, expiresAt: NOON - 1 })).toBe(NOON);
  });
});

describe('after greylisting', () => {
  test.each([0, 0.5, 1])('the first retry is never before five minutes, random %d', (random) => {
    const wait = nextTry({ ...deferral, code: 'greylisted', random }) - NOON;
    expect(wait).toBeGreaterThanOrEqual(5 * MINUTE);
    expect(wait).toBeLessThanOrEqual(6 * MINUTE);
  });

  test('the schedule goes on from there', () => {
    const second = nextTry({ ...deferral, code: 'greylisted', since: NOON - 5 * MINUTE });
    expect(second - NOON).toBe(15 * MINUTE);
  });
});
