import { beforeEach, describe, expect, test } from 'vitest';
import { ENGINES, NOON, testDb, testFolder } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { connectServer } from '../testing/servers.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { fakeServer } from '../transport/testing.ts';
import { count, dailyCounts } from './count.ts';
import { dayOf, parseDay, sumUp } from './statistic.ts';

describe('days', () => {
  test.each([
    ['2026-11-23', 20_780],
    ['2026-02-30', undefined],
    ['2026-2-3', undefined],
    ['yesterday', undefined],
  ])('%s is day %s', (text, day) => expect(parseDay(text)).toBe(day));

  test('begin and end in UTC', () => {
    expect(dayOf(Date.parse('2026-11-23T23:59:59.999Z'))).toBe(20_780);
    expect(dayOf(Date.parse('2026-11-24T00:00:00Z'))).toBe(20_781);
  });
});

test('equal tallies become one row, in an order that is the same for everybody', () => {
  const tally = (word: string, serverId = 'srv_1') => ({ workspaceId: 'wsp', day: 1, serverId, word });
  const one = sumUp([tally('sent'), tally('failed'), tally('sent'), tally('sent', '')]);
  const other = sumUp([tally('sent', ''), tally('sent'), tally('sent'), tally('failed')]);
  expect(one).toEqual(other);
  expect(one.map((row) => [row.serverId, row.word, row.count])).toEqual([
    ['', 'sent', 1],
    ['srv_1', 'failed', 1],
    ['srv_1', 'sent', 2],
  ]);
});

describe.each(ENGINES)('counts on $engine', ({ open }) => {
  test('add up over transactions that run at the same moment', async () => {
    const place = testFolder();
    const dbs = [await testDb(place, open), await testDb(place, open)];
    const tallies = ['sent', 'bounced', 'sent'].map((word) => ({
      workspaceId: 'wsp_1',
      day: dayOf(NOON),
      serverId: 'srv_1',
      word,
    }));
    await Promise.all(Array.from({ length: 20 }, (_, at) => dbs[at % 2]!.write((tx) => count(tx, tallies))));
    const found = await dailyCounts(dbs[0]!, 'wsp_1', dayOf(NOON), dayOf(NOON));
    expect(found.map(({ word, count: times }) => [word, times])).toEqual([
      ['bounced', 20],
      ['sent', 40],
    ]);
    expect(await dailyCounts(dbs[0]!, 'wsp_2', 0, 99_999)).toEqual([]);
  });
});

describe('GET /v1/stats/daily', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await testApp({ clock: new FakeClock() });
    return () => app.stop();
  });

  test('says what became of messages, by day and server', async () => {
    const smtp = await fakeServer({
      security: 'none',
      script: [
        { stage: 'rcpt', fault: { reply: '550 5.1.1 No such user' }, match: { rcpt: 'no@example.com' } },
      ],
    });
    const id = await connectServer(app, smtp);
    for (const [rcpt, end] of [
      ['a@example.com', 'sent'],
      ['b@example.com', 'sent'],
      ['no@example.com', 'bounced'],
    ] as const) {
      const sent = await app.call('POST', '/v1/messages', { rcpt, subject: 's', text: 't' });
      await app.until(sent.body.id, end);
    }
    expect((await app.call('GET', '/v1/stats/daily')).body).toEqual({
      data: [{ day: '2026-11-23', server: id, counts: { sent: 2, bounced: 1 } }],
    });
    expect((await app.call('GET', '/v1/stats/daily?from=2026-11-24&to=2026-11-30')).body.data).toEqual([]);
  });

  test.each(['from=2026-02-30', 'to=soon', 'from=2026-11-24&to=2026-11-23', 'from=1999-01-01'])(
    'refuses %s and names the field',
    async (query) => {
      const { status, body } = await app.call('GET', `/v1/stats/daily?${query}`);
      expect([status, body.error.code]).toEqual([422, 'date_invalid']);
      expect(query).toContain(body.error.field);
    },
  );
});
