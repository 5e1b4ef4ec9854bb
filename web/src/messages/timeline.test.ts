import { describe, expect, test } from 'vitest';
import type { MessageRecordView } from './queries.ts';
import { timelineOf } from './timeline.ts';

const AT = '2026-11-23T10:00:00.000Z';
const LATER = '2026-11-23T10:00:05.000Z';
const candidate = (server: string, eligible = true) => ({
  server,
  name: server.toUpperCase(),
  eligible,
  reasons: [],
  weight: 1,
});
const attempt = (outcome: string, at = LATER) => ({
  at,
  server: 'a',
  serverName: 'A',
  stage: 'rcpt',
  outcome,
  code: 'the_code',
  reply: '550 5.1.1 nobody',
  reason: 'There is nobody.',
  durationMs: 1_412,
});

function recordOf(change: Partial<MessageRecordView>): MessageRecordView {
  return {
    type: 'transactional',
    status: 'sent',
    createdAt: AT,
    reason: null,
    possibleDuplicate: false,
    attempts: [],
    events: [],
    route: null,
    ...change,
  } as MessageRecordView;
}

describe('routing', () => {
  test('a draw names how many could have carried it, and why not the others', () => {
    const route = {
      chosen: 'a',
      mode: 'random',
      candidates: [candidate('a'), candidate('b'), candidate('c', false)],
      excluded: [{ server: 'c', name: 'C', reason: 'It is not allowed.' }],
    };
    expect(timelineOf(recordOf({ route }))[1]).toMatchObject({
      title: 'Routed to A',
      lines: ['Drawn at random among 2 servers that may carry it.', 'Not C: It is not allowed.'],
    });
  });

  test('a message that nobody may carry says what it waits for', () => {
    const route = { chosen: null, mode: 'none', candidates: [], excluded: [] };
    expect(timelineOf(recordOf({ route, reason: 'No server is connected.' }))[1]).toMatchObject({
      title: 'Waits for a server',
      lines: ['No server is connected.'],
    });
  });
});

describe('attempts', () => {
  test('accepted is never called delivered', () => {
    const [, accepted] = timelineOf(recordOf({ attempts: [attempt('accepted')] }));
    expect(accepted).toMatchObject({ title: 'A accepted it', tone: 'sent', tags: ['1,412 ms'], lines: [] });
  });

  test('a refusal tells stage, code, reason and the reply', () => {
    expect(timelineOf(recordOf({ attempts: [attempt('recipient_permanent')] }))[1]).toMatchObject({
      title: 'A refused the recipient',
      tags: ['rcpt', 'the_code', '1,412 ms'],
      lines: ['There is nobody.'],
      reply: '550 5.1.1 nobody',
    });
  });

  test('what an attempt told is not told again by its event; what came between stands in order', () => {
    const events = [
      { id: 'e1', type: 'message.accepted', at: AT, detail: {} },
      { id: 'e2', type: 'message.deferred', at: LATER, detail: {} },
      { id: 'e3', type: 'message.cancelled', at: '2026-11-23T10:00:09.000Z', detail: {} },
    ];
    const message = recordOf({
      status: 'cancelled',
      reason: 'Cancelled before it was sent.',
      attempts: [attempt('server_deferral')],
      events,
    });
    expect(timelineOf(message).map((entry) => entry.title)).toEqual([
      'Stored by Mailwright',
      'A put it off',
      'Canceled',
    ]);
    expect(timelineOf(message).at(-1)?.lines).toEqual(['Cancelled before it was sent.']);
  });
});
