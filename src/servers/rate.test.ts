import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { afterRefusal, type Bucket, currentRate, type LearnedRate, nextTokenAt, take } from './rate.ts';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const NOTHING: LearnedRate = { rate: null, changedAt: null };
const refusal = { now: NOON, observed: null, stated: undefined, cap: null };

describe('a server that asks to slow down', () => {
  test.each([
    ['gets half of what it took', NOTHING, { observed: 20 }, 10],
    ['gets half of what was entered, when nobody counted', NOTHING, { cap: 14 }, 7],
    ['gets half of what it took, where less went out than was entered', NOTHING, { cap: 14, observed: 6 }, 3],
    ['gets what it names', NOTHING, { observed: 20, stated: 14 }, 14],
    ['gets half, when it names more than it took', NOTHING, { observed: 10, stated: 14 }, 5],
    ['gets a careful pace, when nothing is known', NOTHING, {}, 0.5],
    ['is halved again', { rate: 8, changedAt: NOON - 10 * SECOND }, {}, 4],
    ['is never forgotten', { rate: 0.01, changedAt: NOON - 10 * SECOND }, {}, 1 / 60],
  ])('%s', (_, learned, changed, rate) => {
    expect(afterRefusal(learned, { ...refusal, ...changed })).toEqual({ rate, changedAt: NOON });
  });

  test('is slowed down once for refusals that come together', () => {
    const first = afterRefusal(NOTHING, { ...refusal, observed: 20 });
    expect(afterRefusal(first, { ...refusal, now: NOON + 9_999, observed: 20 })).toBe(first);
    expect(afterRefusal(first, { ...refusal, now: NOON + 10_000, observed: 8 }).rate).toBe(4);
  });
});

describe('the rate', () => {
  test('grows by a tenth each minute, up to the cap', () => {
    const learned = { rate: 10, changedAt: NOON };
    const rateAfter = (minutes: number) => currentRate(learned, 14, NOON + minutes * MINUTE);
    expect([rateAfter(0), rateAfter(0.9), rateAfter(1)]).toEqual([10, 10, 11]);
    expect(rateAfter(3)).toBeCloseTo(13.31);
    expect(rateAfter(4)).toBe(14);
    expect(rateAfter(100_000)).toBe(14);
  });

  test('without a cap is forgotten when it no longer holds anything back', () => {
    expect(currentRate({ rate: 10, changedAt: NOON }, null, NOON + 72 * MINUTE)).toBeCloseTo(10 * 1.1 ** 72);
    expect(currentRate({ rate: 10, changedAt: NOON }, null, NOON + 24 * 60 * MINUTE)).toBeNull();
  });

  test('is the cap while nothing was learned', () => {
    expect(currentRate(NOTHING, 14, NOON)).toBe(14);
    expect(currentRate(NOTHING, null, NOON)).toBeNull();
  });
});

describe('a bucket', () => {
  test('of a slow server gives one message at a time', () => {
    const first = take({ tokens: 1, at: NOON }, 0.5, NOON, 10);
    expect(first).toEqual({ granted: 1, bucket: { tokens: 0, at: NOON } });
    const next = nextTokenAt(first.bucket, 0.5);
    expect(next).toBe(NOON + Math.ceil(2_000 / 0.95));
    expect(take(first.bucket, 0.5, next - 1, 10).granted).toBe(0);
    expect(take(first.bucket, 0.5, next, 10).granted).toBe(1);
  });

  test('gives no more than is wanted, and keeps the rest', () => {
    const { granted, bucket } = take({ tokens: 40, at: NOON }, 1_000, NOON, 10);
    expect([granted, bucket.tokens]).toEqual([10, 30]);
  });

  test('is not filled by a clock that steps back', () => {
    const { bucket } = take({ tokens: 0, at: NOON }, 10, NOON - MINUTE, 1);
    expect(bucket).toEqual({ tokens: 0, at: NOON });
  });

  test('never gives more than the rate in a second, wherever it begins, and nearly the rate over a minute', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), gaps, (rate, waits) => {
        let bucket: Bucket = { tokens: 1, at: NOON };
        let now = NOON;
        const sent: { at: number; granted: number }[] = [];
        for (const wait of waits) {
          now += wait;
          const taken = take(bucket, rate, now, 1_000);
          bucket = taken.bucket;
          sent.push({ at: now, granted: taken.granted });
        }
        for (const { at: begin } of sent) {
          const inSecond = sent.filter(({ at }) => at >= begin && at < begin + SECOND);
          expect(inSecond.reduce((sum, { granted }) => sum + granted, 0)).toBeLessThanOrEqual(rate);
        }
      }),
    );
    expect(sentInAMinute(14)).toBeGreaterThan(0.94 * 14 * 60);
  });
});

function sentInAMinute(rate: number): number {
  let bucket: Bucket = { tokens: 1, at: NOON };
  let total = 0;
  for (let now = NOON; now < NOON + MINUTE; now = nextTokenAt(bucket, rate)) {
    const taken = take(bucket, rate, now, 1_000);
    bucket = taken.bucket;
    total += taken.granted;
  }
  return total;
}
