import { expect, test } from 'vitest';
import { statedRate, statedWait } from './stated.ts';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const MINUTE = 60_000;

test.each([
  ['421 4.7.0 Too many connections, try again in 30 seconds', MINUTE / 2],
  ['450 4.2.0 Greylisted, please retry after 5 minutes', 5 * MINUTE],
  ['451 Wait 2 hours', 120 * MINUTE],
  [
    '421 Domain is not allowed to send: recipient limit exceeded, try again after Mon, 23 Nov 2026 12:30:00 UTC',
    30 * MINUTE,
  ],
  ['421 Try again after Mon, 23 Nov 2020 12:30:00 UTC', undefined],
  ['450 Try again later', undefined],
  ['450 Try again after lunch UTC', undefined],
  [undefined, undefined],
])('a time in %j', (reply, wait) => {
  expect(statedWait(reply, NOON)).toBe(wait);
});

test.each([
  ['454 Throttling failure: Maximum sending rate exceeded, 14 per second', 14],
  ['450 4.7.1 Limit is 30 messages per minute', 0.5],
  ['452 4.3.2 Limited to 3600 emails/hour', 1],
  ['454 Throttling failure: Maximum sending rate exceeded.', undefined],
  ['450 0 messages per second', undefined],
  [undefined, undefined],
])('a rate in %j', (reply, rate) => {
  expect(statedRate(reply)).toBe(rate);
});
