import { expect, test } from 'vitest';
import { durationWords, timeWords } from './time.tsx';

const NOW = new Date(2026, 10, 23, 12, 0, 0).getTime();
const MINUTE = 60_000;

test.each([
  [0, 'just now'],
  [-59_000, 'just now'],
  [-2 * MINUTE, '2 min ago'],
  [-3 * 60 * MINUTE, '3 h ago'],
  [-30 * 60 * MINUTE, '1 day ago'],
  [-3 * 24 * 60 * MINUTE, '3 days ago'],
  [-8 * 24 * 60 * MINUTE, 'Nov 15'],
  [-365 * 24 * 60 * MINUTE, 'Nov 23, 2025'],
  [20_000, 'in a moment'],
  [90 * MINUTE, 'in 1 h'],
])('%i ms from now is "%s"', (away, words) => {
  expect(timeWords(NOW + away, NOW)).toBe(words);
});

test('durations change unit at a second', () => {
  expect(durationWords(411.6)).toBe('412 ms');
  expect(durationWords(1_240)).toBe('1.2 s');
});
