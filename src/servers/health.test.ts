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
    [
      'after "slow down", up to what SES advises',
      outcome('server_deferral', 'ses_rate'),
      [5 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 10 * MINUTE],
    ],
    ['not, on a block list', outcome('server_deferral', 'blocklisted'), [60 * MINUTE, 60 * MINUTE]],
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

describe('one transaction that is deferred', () => {
  const deferred: Outcome = { ...outcome('server_deferral', 'server_temporary'), stage: 'rcpt' };
  const afterRefusals = (times: number, from = WELL): Health => {
    let health = from;
    for (let at = 0; at < times; at++) health = afterOutcome(health, deferred, NOON + at);
    return health;
  };

  test('does not stop the others: the message waits instead', () => {
    expect(blamesServer(deferred)).toBe(false);
    expect(afterRefusals(4)).toEqual({ ...WELL, failures: 4 });
  });

  test('and again and again makes the server rest, for longer each time', () => {
    let health = afterRefusals(5);
    expect(health).toMatchObject({ failures: 5, code: 'server_temporary', waitingUntil: NOON + 4 + MINUTE });
    for (const wait of [2, 5, 10, 15, 30, 30]) {
      const now = health.waitingUntil!;
      health = afterOutcome(health, deferred, now);
      expect(health.waitingUntil! - now).toBe(wait * MINUTE);
    }
  });

  test('with a success in between is counted anew', () => {
    const after = afterOutcome(afterRefusals(4), outcome('accepted'), NOON + 10);
    expect(after).toEqual(WELL);
    expect(afterRefusals(4, after).waitingUntil).toBeNull();
  });

  test('as the probe after a rest lets the server rest again', () => {
    const resting = afterOutcome(WELL, outcome('network'), NOON);
    expect(afterOutcome(resting, deferred, resting.waitingUntil!).waitingUntil).toBe(
      resting.waitingUntil! + MINUTE,
    );
  });

  test.each(['mail', 'greet', 'auth'] as const)('at %s it is the server as a whole, at once', (stage) => {
    const whole: Outcome = { ...deferred, stage };
    expect(blamesServer(whole)).toBe(true);
    expect(afterOutcome(WELL, whole, NOON).waitingUntil).toBe(NOON + 30 * SECOND);
  });
});

describe('a server that names a time', () => {
  const withReply = (code: string, reply: string): Outcome => ({
    ...outcome('server_deferral', code),
    reply,
  });

  test.each([
    ['daily_limit', '421 recipient limit exceeded, try again after Mon, 23 Nov 2026 15:00:00 UTC', 180],
    ['daily_limit', '550 5.4.5 Daily limit exceeded, try again in 20 minutes', 20],
    ['daily_limit', '550 Daily limit exceeded, try again in 90 days', 24 * 60],
    ['rate_limited', '450 4.7.1 Slow down, try again in 5 minutes', 5],
    ['rate_limited', '450 4.7.1 Slow down, try again in 9 hours', 30],
    ['rate_limited', '450 4.7.1 Slow down, wait 1 second', 5 / 60],
  ])('%s: %s', (code, reply, minutes) => {
    expect(afterOutcome(WELL, withReply(code, reply), NOON).waitingUntil).toBe(NOON + minutes * MINUTE);
  });
});
