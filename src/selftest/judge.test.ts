import { describe, expect, test } from 'vitest';
import type { LedgerLine } from '../demo-smtp/process.ts';
import { type Evidence, judge } from './judge.ts';

function arrival(xId: string, changed: Partial<LedgerLine> = {}): LedgerLine {
  const envelope = { connection: 1, mailFrom: 'a@example.com', rcpts: ['b@example.com'] };
  const content = { messageId: `<${xId}@example.com>`, bodySha256: `hash of ${xId}`, bytes: 10 };
  return {
    xId,
    at: 0,
    ...envelope,
    ...content,
    user: undefined,
    tls: false,
    followed: false,
    reply: '250 Ok',
    ...changed,
  };
}

const listed = (id: string, status = 'sent', possibleDuplicate = false) => ({
  id,
  status,
  possibleDuplicate,
});

/** Two messages that were accepted, sent and received once. */
function evidence(changed: Partial<Evidence> = {}): Evidence {
  return {
    accepted: ['one', 'two'],
    records: [listed('one'), listed('two')],
    ledger: [arrival('one'), arrival('two')],
    kills: 1,
    connections: 1,
    onUncertain: 'hold',
    faults: [],
    ...changed,
  };
}

const TWICE = [arrival('one'), arrival('one'), arrival('two')];
const FLAGGED = [listed('one', 'sent', true), listed('two')];

describe('the promise held', () => {
  test.each<[string, Partial<Evidence>, object]>([
    ['everything arrived once', {}, { accepted: 2, states: { sent: 2 }, uncertain: 0, bound: 1 }],
    [
      'an uncertain one arrived',
      { records: [listed('one', 'uncertain'), listed('two')] },
      { uncertain: 1, uncertainArrived: 1 },
    ],
    [
      'an uncertain one did not',
      { records: [listed('one', 'uncertain'), listed('two')], ledger: [arrival('two')] },
      { uncertain: 1, uncertainArrived: 0, lost: [] },
    ],
    [
      'a flagged second copy, by the rule of its template',
      { onUncertain: 'resend_once', records: FLAGGED, ledger: TWICE },
      { copies: 1, doubled: [] },
    ],
  ])('%s', (_, changed, expected) => {
    expect(judge(evidence(changed))).toMatchObject({ broken: [], ...expected });
  });
});

describe('the promise is broken', () => {
  const repeat = (second: LedgerLine) => ({
    onUncertain: 'resend_once' as const,
    records: FLAGGED,
    ledger: [arrival('one'), second, arrival('two')],
  });
  test.each<[string, Partial<Evidence>, string]>([
    ['said to be sent, and it did not arrive', { ledger: [arrival('two')] }, '1 messages are lost: one'],
    ['two copies', { ledger: TWICE }, '1 messages arrived too often: one'],
    [
      'a flagged copy where the template forbids it',
      { records: FLAGGED, ledger: TWICE },
      '1 messages arrived too often: one',
    ],
    [
      'a copy that is not flagged',
      { onUncertain: 'resend_once', ledger: TWICE },
      '1 messages arrived too often: one',
    ],
    [
      'a third copy',
      { onUncertain: 'resend_once', records: FLAGGED, ledger: [arrival('one'), ...TWICE] },
      '1 messages arrived too often: one',
    ],
    [
      'a copy of other bytes',
      repeat(arrival('one', { bodySha256: 'other' })),
      '1 messages arrived too often: one',
    ],
    [
      'a copy with another Message-ID',
      repeat(arrival('one', { messageId: '<x@y>' })),
      '1 messages arrived too often: one',
    ],
    [
      'more uncertain ones than connections were open',
      { records: [listed('one', 'uncertain'), listed('two', 'uncertain')] },
      '2 messages are uncertain, more than the bound of 1',
    ],
    [
      'more second copies than connections were open',
      { kills: 0, onUncertain: 'resend_once', records: FLAGGED, ledger: TWICE },
      '1 second copies arrived, more than the bound of 0',
    ],
    ['an accepted one is unknown', { records: [listed('two')] }, '1 accepted messages are unknown: one'],
    ['one that nobody asked for', { accepted: ['one'], ledger: [arrival('one')] }, 'never asked for: two'],
    [
      'one arrived that was not accepted',
      { ledger: [arrival('one'), arrival('two'), arrival('three')] },
      '1 messages arrived that were not accepted: three',
    ],
    [
      'one is still waiting',
      { records: [listed('one', 'queued'), listed('two')] },
      '1 messages are neither sent nor uncertain: one',
    ],
    ['the database is damaged', { faults: ['row 3 missing from index'] }, 'row 3 missing from index'],
  ])('%s', (_, changed, sentence) => {
    expect(judge(evidence(changed)).broken.join('\n')).toContain(sentence);
  });
});
