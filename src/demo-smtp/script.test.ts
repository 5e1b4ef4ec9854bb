import { expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { type Moment, Playback, parseScriptLine, type Script } from './script.ts';

const clock = new FakeClock();
const play = (script: Script, seed?: number): Playback =>
  new Playback(script, { now: () => clock.now(), seed });

const moment = (changed: Partial<Moment>): Moment => ({
  stage: 'rcpt',
  connection: 1,
  rcpt: undefined,
  nth: 1,
  ...changed,
});

test('the first line that fits strikes', () => {
  const playback = play([
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
  const playback = play([{ stage: 'rcpt', fault: 'fin', count: 2 }]);
  expect([1, 2, 3].map(() => playback.strike(moment({})))).toEqual(['fin', 'fin', undefined]);
});

test('a line may be for one domain', () => {
  const playback = play([{ stage: 'rcpt', fault: 'hang', match: { domain: 'example.net' } }]);
  expect(playback.strike(moment({ rcpt: 'bob@example.net' }))).toBe('hang');
  expect(playback.strike(moment({ rcpt: 'bob@mail.example.net' }))).toBeUndefined();
  expect(playback.strike(moment({}))).toBeUndefined();
});

test('a line with a probability strikes about as often, and the same seed in the same order', () => {
  const strikes = (seed: number): boolean[] => {
    const playback = play([{ stage: 'rcpt', fault: 'fin', probability: 0.25 }], seed);
    return Array.from({ length: 1_000 }, () => playback.strike(moment({})) !== undefined);
  };
  expect(strikes(7).filter(Boolean).length).toBeGreaterThan(200);
  expect(strikes(7).filter(Boolean).length).toBeLessThan(300);
  expect(strikes(7)).toEqual(strikes(7));
  expect(strikes(7)).not.toEqual(strikes(8));
});

test('a delay up to some time is another one at each stroke, and the same seed draws the same', () => {
  const delays = (seed: number): number[] => {
    const playback = play([{ stage: 'dot', fault: { delayUpTo: 3 } }], seed);
    return Array.from(
      { length: 100 },
      () => (playback.strike(moment({ stage: 'dot' })) as { delay: number }).delay,
    );
  };
  expect([...new Set(delays(7))].sort()).toEqual([0, 1, 2, 3]);
  expect(delays(7)).toEqual(delays(7));
  expect(delays(7)).not.toEqual(delays(8));
});

test('a cap lets so many pass in its time, and then again', () => {
  const cap = { cap: { count: 2, perMs: 1_000 } };
  const playback = play([{ stage: 'rcpt', fault: cap }]);
  const strike = () => playback.strike(moment({}));
  expect([strike(), strike(), strike()]).toEqual([undefined, undefined, cap]);
  clock.advance(999);
  expect(strike()).toEqual(cap);
  clock.advance(1);
  expect([strike(), strike(), strike()]).toEqual([undefined, undefined, cap]);
});

test('a line can be written in a word', () => {
  expect(parseScriptLine('dot:hang')).toEqual({ stage: 'dot', fault: 'hang', probability: 1 });
  expect(parseScriptLine('mail:4xx:0.5:3')).toEqual({
    stage: 'mail',
    fault: '4xx',
    probability: 0.5,
    count: 3,
  });
});

test.each([
  '',
  'dot',
  'dot:',
  'dot:nothing',
  'never:hang',
  'dot:hang:0',
  'dot:hang:2',
  'dot:hang:x',
  'dot:hang:1:0',
  'dot:hang:1:x',
  'dot:hang:1:1:1',
])('%j is no line', (text) => expect(parseScriptLine(text)).toBeUndefined());
