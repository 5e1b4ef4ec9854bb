import { describe, expect, test } from 'vitest';
import type { MessageRecordView } from './queries.ts';
import { timelineOf } from './timeline.ts';

const AT = '2026-11-23T10:00:00.000Z';
const LATER = '2026-11-23T10:00:05.000Z';
const candidate = (server: string, reasons: string[]) => ({
  server,
  name: server.toUpperCase(),
  eligible: reasons.length === 0,
  reasons,
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
    finalAt: null,
    reason: null,
    possibleDuplicate: false,
    attempts: [],
    events: [],
    route: null,
    ...change,
  } as MessageRecordView;
}

describe('routing', () => {
  const allowed = (server: string) => candidate(server, []);
  const refused = candidate('c', ['It is not allowed.']);

  test('a draw names who took part, and why not the others', () => {
    const route = {
      chosen: 'a',
      mode: 'random',
      candidates: [allowed('a'), allowed('b'), refused],
      excluded: [],
    };
    expect(timelineOf(recordOf({ route }))[1]).toMatchObject({
      title: 'Routed to A',
      lines: ['Drawn at random among A and B.', 'Not C: It is not allowed.'],
    });
  });

  test('a demanded server explains itself; others that could have carried it need no excuse', () => {
    const route = { chosen: 'a', mode: 'preferred', candidates: [allowed('a'), allowed('b')], excluded: [] };
    expect(timelineOf(recordOf({ route }))[1]?.lines).toEqual([
      'The template or the call asks for this server.',
    ]);
  });

  test('the routing stands before the attempt it led to, and last while it led to none', () => {
    const candidates = [allowed('a'), allowed('b')];
    const attempts = [attempt('network', AT), attempt('network', LATER)];
    const titles = (chosen: string) =>
      timelineOf(recordOf({ attempts, route: { chosen, mode: 'random', candidates, excluded: [] } })).map(
        (one) => one.title,
      );
    expect(titles('a')).toEqual([
      'Stored by Mailwright',
      'A was not reached',
      'Routed to A',
      'A was not reached',
    ]);
    expect(titles('b').at(-1)).toBe('Routed to B');
  });

  test('a message that nobody may carry says what it waits for', () => {
    const route = { chosen: null, mode: 'none', candidates: [refused], excluded: [] };
    expect(timelineOf(recordOf({ route, reason: 'No server may send as this address.' }))[1]).toMatchObject({
      title: 'Waits for a server',
      lines: ['No server may send as this address.', 'Not C: It is not allowed.'],
    });
  });
});

test('a decision about an uncertain message ends its story', () => {
  const message = recordOf({
    attempts: [attempt('uncertain')],
    code: 'resolved_sent',
    reason: 'Marked as sent by a person.',
    finalAt: LATER,
  });
  expect(timelineOf(message).map((entry) => entry.title)).toEqual([
    'Stored by Mailwright',
    'A did not confirm it',
    'Marked as sent',
  ]);
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
