import { expect, test } from 'vitest';
import { judge } from './goals.ts';
import { Figures, median, percentile } from './parts/figures.ts';

const OWN = 'own client, 5 KB, plain';
const NODEMAILER = 'nodemailer raw, 5 KB';

function verdictOf(name: string, figures: Figures) {
  return judge(figures).find((one) => one.name === name)?.verdict;
}

test('a ratio pairs the values of the same round, also when one side failed in another', () => {
  const figures = new Figures();
  figures.add(NODEMAILER, 100, 'msg/s');
  figures.round = 2;
  figures.add(NODEMAILER, 10, 'msg/s');
  figures.add(OWN, 60, 'msg/s');
  expect(figures.ratios(OWN, NODEMAILER)).toEqual([6]);
});

test.each([
  [6, 'goal'],
  [5.9, 'between'],
  [4, 'between'],
  [3.9, 'below the floor'],
])('%d times nodemailer is: %s', (ratio, verdict) => {
  const figures = new Figures();
  figures.add(NODEMAILER, 1, 'msg/s');
  figures.add(OWN, ratio, 'msg/s');
  expect(verdictOf('Own client ÷ nodemailer raw, 5 KB', figures)).toBe(verdict);
});

test.each([
  [100, 'goal'],
  [101, 'between'],
  [301, 'below the floor'],
])('a code after %d ms is: %s', (ms, verdict) => {
  const figures = new Figures();
  figures.add('one-time code among bulk, p99', ms, 'ms');
  expect(verdictOf('One-time code among bulk, p99', figures)).toBe(verdict);
});

test('what was not measured has no verdict', () => {
  expect(new Set(judge(new Figures()).map(({ verdict }) => verdict))).toEqual(new Set(['not measured']));
});

test('median and percentile', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(percentile([5, 1, 4, 2, 3], 0.99)).toBe(5);
  expect(percentile([5, 1, 4, 2, 3], 0.5)).toBe(3);
});
