import { expect, test } from 'vitest';
import { Meter } from './meter.ts';

test('a meter tells the pace of the last ten seconds, from the first message on', () => {
  const meter = new Meter();
  expect(meter.perSecond('srv_1', 0)).toBeNull();
  for (let at = 0; at < 2_000; at += 50) meter.add('srv_1', at);
  expect(meter.perSecond('srv_1', 1_999)).toBe(20);
  expect(meter.perSecond('srv_1', 3_999)).toBe(10);
  expect(meter.perSecond('srv_2', 1_999)).toBeNull();
  expect(meter.perSecond('srv_1', 11_000)).toBeNull();
  meter.add('srv_1', 60_000);
  expect(meter.perSecond('srv_1', 60_000)).toBe(1);
});
