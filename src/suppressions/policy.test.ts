import { describe, expect, test } from 'vitest';
import type { OutcomeClass } from '../transport/outcome.ts';
import { VERDICTS, type Verdict } from '../transport/verdicts.ts';
import { blockAfter, type RecipientEvent } from './policy.ts';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const DAY = 86_400_000;

let messages = 0;
const event = (outcomeClass: OutcomeClass, code: string, daysAgo = 0, messageId = `msg_${messages++}`) => ({
  at: NOON - daysAgo * DAY,
  messageId,
  class: outcomeClass,
  code,
});
const full = (daysAgo: number, messageId?: string) =>
  event('recipient_temporary', 'mailbox_full', daysAgo, messageId);
const soft = (daysAgo: number, messageId?: string) =>
  event('recipient_temporary', 'greylisted', daysAgo, messageId);
const accepted = (daysAgo: number) => event('accepted', 'accepted', daysAgo);

describe('what blocks an address for good, at once', () => {
  test.each(['recipient_unknown', 'mailbox_disabled', 'domain_unknown'])('%s', (code) => {
    expect(blockAfter([event('recipient_permanent', code)])).toEqual({
      block: true,
      until: null,
      reason: `The address bounced for good: ${code}.`,
    });
  });

  test('also after it was lifted by hand: the history before does not matter', () => {
    const history = [accepted(9), accepted(1), event('recipient_permanent', 'recipient_unknown')];
    expect(blockAfter(history)).toMatchObject({ block: true, until: null });
  });
});

test("no outcome that is not the recipient's fault ever blocks, however often it comes", () => {
  const innocent = Object.entries(VERDICTS as Record<string, Verdict>).filter(
    ([, verdict]) => !verdict.class.startsWith('recipient_'),
  );
  expect(innocent.length).toBeGreaterThan(40);
  for (const [name, verdict] of innocent) {
    const history = Array.from({ length: 30 }, (_, daysAgo) =>
      event(verdict.class, verdict.code ?? name, daysAgo),
    );
    expect(blockAfter(history), name).toMatchObject({ block: false, until: null });
  }
});

test("a permanent fault with a code that is no recipient's does not block", () => {
  expect(blockAfter([event('recipient_permanent', 'policy_rejected')]).block).toBe(false);
});

describe('a full mailbox', () => {
  test.each<[string, RecipientEvent[], boolean]>([
    ['twice', [full(3), full(0)], false],
    ['for three messages', [full(20), full(3), full(0)], true],
    ['for three messages, but not within 30 days', [full(30), full(3), full(0)], false],
    [
      'for one message that was tried again and again',
      [full(2, 'a'), full(1, 'a'), full(0.5, 'a'), full(0, 'a')],
      false,
    ],
    ['with a delivery between', [full(20), full(10), accepted(5), full(0)], false],
    ['given in any order', [full(0), full(20), full(3)], true],
  ])('%s', (_, history, block) => {
    expect(blockAfter(history)).toMatchObject({ block, until: block ? NOON + 30 * DAY : null });
  });
});

describe('soft bounces', () => {
  test.each<[string, RecipientEvent[], boolean]>([
    ['on four days', [soft(9), soft(6), soft(3), soft(0)], false],
    ['on five days', [soft(12), soft(9), soft(6), soft(3), soft(0)], true],
    ['five on one day', [soft(0.1), soft(0.2), soft(0.3), soft(0.4), soft(0)], false],
    [
      'on five days with a success among them',
      [soft(12), soft(9), accepted(7), soft(6), soft(3), soft(0)],
      false,
    ],
    ['on five days, one of them long ago', [soft(31), soft(9), soft(6), soft(3), soft(0)], false],
    ['of both kinds', [full(12), soft(9), full(6), soft(3), soft(0)], true],
  ])('%s', (_, history, block) => {
    expect(blockAfter(history)).toMatchObject({ block, until: block ? NOON + 30 * DAY : null });
  });

  test('block only when the latest event is one: a success ends the matter', () => {
    expect(blockAfter([soft(12), soft(9), soft(6), soft(3), soft(1), accepted(0)]).block).toBe(false);
    expect(blockAfter([])).toMatchObject({ block: false });
  });
});
