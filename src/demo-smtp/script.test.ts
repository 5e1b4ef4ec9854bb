import { expect, test } from 'vitest';
import { type Moment, Playback } from './script.ts';

const moment = (changed: Partial<Moment>): Moment => ({
  stage: 'rcpt',
  connection: 1,
  rcpt: undefined,
  nth: 1,
  ...changed,
});

test('the first line that fits strikes', () => {
  const playback = new Playback([
    { stage: 'rcpt', fault: 'hang', match: { rcpt: 'bob@example.org' } },
    { stage: 'rcpt', fault: 'fin', match: { connection: 2 } },
    { stage: 'rcpt', fault: 'rst', match: { nth: 3 } },
    { stage: 'rcpt', fault: 'refuse' },
  ]);
  expect(playback.strike(moment({ rcpt: 'bob@example.org' }))).toBe('hang');
  expect(playback.strike(moment({ connection: 2 }))).toBe('fin');
  expect(playback.strike(moment({ nth: 3 }))).toBe('rst');
  expect(playback.strike(moment({}))).toBe('refuse');
  expect(playback.strike(moment({ stage: 'dot' }))).toBeUndefined();
});

test('a line with a count wears out', () => {
  const playback = new Playback([{ stage: 'rcpt', fault: 'fin', count: 2 }]);
  expect([1, 2, 3].map(() => playback.strike(moment({})))).toEqual(['fin', 'fin', undefined]);
});
