import fc from 'fast-check';
import { expect, test } from 'vitest';
import { oldestPiece, pieceAt, roomIn, type Usage } from './quota.ts';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

test('without limits there is always room', () => {
  expect(roomIn({ perSecond: 3 }, [], NOON)).toEqual({ room: Number.POSITIVE_INFINITY, freeAt: null });
});

test('the tightest limit counts', () => {
  const usage: Usage[] = [
    { span: 'perMinute', startsAt: NOON, used: 10 },
    { span: 'perDay', startsAt: NOON, used: 190 },
  ];
  expect(roomIn({ perMinute: 30, perDay: 200 }, usage, NOON)).toEqual({ room: 10, freeAt: null });
});

test('a full day is free again when the hour that filled it is a day old', () => {
  const usage: Usage[] = [
    { span: 'perDay', startsAt: NOON - 5 * HOUR, used: 150 },
    { span: 'perDay', startsAt: NOON, used: 50 },
  ];
  const { room, freeAt } = roomIn({ perDay: 200 }, usage, NOON + 1);
  expect([room, freeAt]).toEqual([0, NOON - 4 * HOUR + 24 * HOUR]);
  expect(roomIn({ perDay: 200 }, usage, freeAt! - 1).room).toBe(0);
  expect(roomIn({ perDay: 200 }, usage, freeAt!).room).toBe(150);
});

test('a month is that of the calendar, in UTC', () => {
  const lastSecond = Date.parse('2026-11-30T23:59:59Z');
  const usage: Usage[] = [{ span: 'perMonth', startsAt: pieceAt('perMonth', lastSecond), used: 6_000 }];
  expect(roomIn({ perMonth: 6_000 }, usage, lastSecond)).toEqual({
    room: 0,
    freeAt: Date.parse('2026-12-01T00:00:00Z'),
  });
  expect(roomIn({ perMonth: 6_000 }, usage, lastSecond + SECOND).room).toBe(6_000);
});

test.each([
  ['perMinute', MINUTE, 1_500],
  ['perHour', HOUR, 90_000],
  ['perDay', 24 * HOUR, 40 * MINUTE],
] as const)('%s is kept in every span of that length, wherever it begins', (span, length, step) => {
  const waits = fc.array(fc.integer({ min: 0, max: 3 * step }), { maxLength: 120 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), waits, (limit, gaps) => {
      let usage: Usage[] = [];
      let now = NOON;
      const sent: { at: number; room: number }[] = [];
      for (const gap of gaps) {
        now += gap;
        const { room, freeAt } = roomIn({ [span]: limit }, usage, now);
        expect(room === 0).toBe(freeAt !== null);
        const piece = pieceAt(span, now);
        const before = usage.find((one) => one.startsAt === piece)?.used ?? 0;
        usage = usage.filter((one) => one.startsAt !== piece && one.startsAt >= oldestPiece(span, now));
        usage.push({ span, startsAt: piece, used: before + room });
        sent.push({ at: now, room });
      }
      for (const { at: begin } of sent) {
        const within = sent.filter(({ at }) => at >= begin && at < begin + length);
        expect(within.reduce((sum, { room }) => sum + room, 0)).toBeLessThanOrEqual(limit);
      }
    }),
  );
});
