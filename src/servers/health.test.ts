import { describe, expect, test } from 'vitest';
import type { Outcome, OutcomeClass } from '../transport/outcome.ts';
import { afterOutcome, blamesServer, WELL } from './health.ts';
import type { Health } from './server.ts';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const outcome = (given: OutcomeClass, code = 'some_code'): Outcome => ({
  class: given,
  blame: 'server',
  code,
  stage: 'mail',
  message: `The sentence of ${code}.`,
  suppress: false,
  retry: true,
  failover: true,
  rule: 'test',
});

/** The waits after each of some failures in a row, each at the end of the wait before. */
function waits(one: Outcome, times: number): number[] {
  let health: Health = WELL;
  let now = NOON;
  return Array.from({ length: times }, () => {
    health = afterOutcome(health, one, now);
    const wait = health.waitingUntil! - now;
    now = health.waitingUntil!;
    return wait;
  });
}

describe('the waits grow', () => {
  test.each<[string, Outcome, number[]]>([
    [
      'after deferrals',
      outcome('server_deferral'),
      [30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, 30 * MINUTE],
    ],
    [
      'after a broken line, beginning with seconds',
      outcome('network'),
      [5 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, 30 * MINUTE],
    ],
    [
      'not, where a person must act',
      outcome('server_attention', 'auth_rejected'),
      [60 * MINUTE, 60 * MINUTE],
    ],
    ['not, where the day must end', outcome('server_deferral', 'daily_limit'), [60 * MINUTE, 60 * MINUTE]],
    [
      'not, where the quota of SES must free up',
      outcome('server_deferral', 'ses_daily'),
      [60 * MINUTE, 60 * MINUTE],
    ],
  ])('%s', (_, one, expected) => {
    expect(waits(one, expected.length)).toEqual(expected);
  });
});

test('a failure says why the server waits', () => {
  expect(afterOutcome(WELL, outcome('server_attention', 'auth_rejected'), NOON)).toEqual({
    failures: 1,
    waitingUntil: NOON + 60 * MINUTE,
    code: 'auth_rejected',
    reason: 'The sentence of auth_rejected.',
  });
});

test('five connections that break together count once', () => {
  const first = afterOutcome(WELL, outcome('network'), NOON);
  let health = first;
  for (let at = 1; at < 5; at++) health = afterOutcome(health, outcome('network', 'other_code'), NOON + at);
  expect(health).toBe(first);
});

test.each<OutcomeClass>(['accepted', 'recipient_permanent', 'recipient_temporary', 'message_permanent'])(
  '%s shows that the server is well',
  (kind) => {
    const waiting = afterOutcome(WELL, outcome('network'), NOON);
    expect(afterOutcome(waiting, outcome(kind), NOON + 1)).toEqual(WELL);
    expect(afterOutcome(WELL, outcome(kind), NOON)).toBe(WELL);
  },
);

test('after a success the waits begin anew', () => {
  let health: Health = WELL;
  for (let at = 0; at < 4; at++)
    health = afterOutcome(health, outcome('server_deferral'), health.waitingUntil ?? NOON);
  health = afterOutcome(health, outcome('accepted'), health.waitingUntil!);
  expect(afterOutcome(health, outcome('server_deferral'), NOON).waitingUntil).toBe(NOON + 30 * SECOND);
});

test.each<OutcomeClass>(['uncertain', 'local'])('%s tells nothing about the server', (kind) => {
  const waiting = afterOutcome(WELL, outcome('network'), NOON);
  expect(afterOutcome(WELL, outcome(kind), NOON)).toBe(WELL);
  expect(afterOutcome(waiting, outcome(kind), NOON + 90 * MINUTE)).toBe(waiting);
});

test('what is about one sender only does not stop the others', () => {
  const one: Outcome = { ...outcome('server_attention', 'sender_not_allowed'), scope: 'sender' };
  expect(blamesServer(one)).toBe(false);
  expect(afterOutcome(WELL, one, NOON)).toBe(WELL);
});
