import { beforeAll, describe, expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';

const MINUTE = 60_000;

let clock: FakeClock;
let running: TestApp;
/** A message for each state that can be seen, by its subject. */
let ids: Record<string, string>;

beforeAll(async () => {
  clock = new FakeClock();
  running = await testApp({ start: false, clock });
  await running.call('POST', '/v1/templates', {
    slug: 'welcome',
    subject: 'Über {{ n }}',
    html: '<p>Hi {{ n }}</p>',
  });
  const now = clock.now();
  const held = { lease_owner: 'worker', due_at: now + MINUTE };
  const cases: [string, object, object][] = [
    ['scheduled', { sendAt: '2026-12-24T12:00:00Z' }, {}],
    ['queued', {}, {}],
    ['sending', {}, held],
    ['sending again', {}, { ...held, attempts: 2 }],
    ['deferred', {}, { attempts: 1, due_at: now + MINUTE }],
    ['lease ran out', {}, { lease_owner: 'worker', due_at: now }],
    ['captured', {}, { state: 'captured' }],
    ['sent', {}, { state: 'sent', server_id: 'srv_1', server_name: 'One', live: 1 }],
    ['bounced', {}, { state: 'bounced' }],
    ['failed', {}, { state: 'failed' }],
    ['uncertain', {}, { state: 'uncertain' }],
    ['blocked', {}, { state: 'blocked' }],
    ['cancelled', {}, { state: 'cancelled' }],
    ['expired', {}, { state: 'expired' }],
  ];
  ids = {};
  for (const [subject, changed, columns] of cases) {
    const body = { rcpt: `${subject.replaceAll(' ', '-')}@example.org`, subject, text: 'Hi', ...changed };
    const { id } = (await running.call('POST', '/v1/messages', body)).body;
    ids[subject] = id;
    if (Object.keys(columns).length > 0)
      await running.app.db.write((tx) =>
        tx.updateTable('messages').set(columns).where('id', '=', id).execute(),
      );
  }
  return () => running.stop();
});

const list = async (query: string) => (await running.call('GET', `/v1/messages?${query}`)).body;
const subjects = async (query: string): Promise<string[]> =>
  (await list(query)).data.map((one: { subject: string }) => one.subject).sort();

describe('a status', () => {
  const EXPECTED: Record<string, string[]> = {
    scheduled: ['scheduled'],
    queued: ['lease ran out', 'queued'],
    sending: ['sending', 'sending again'],
    deferred: ['deferred'],
    captured: ['captured'],
    sent: ['sent'],
    delivered: [],
    bounced: ['bounced'],
    failed: ['failed'],
    uncertain: ['uncertain'],
    blocked: ['blocked'],
    cancelled: ['cancelled'],
    expired: ['expired'],
  };

  test.each(Object.entries(EXPECTED))('%s finds %j, and each says so itself', async (status, expected) => {
    expect(await subjects(`status=${status}`)).toEqual(expected);
    for (const subject of expected)
      expect((await running.call('GET', `/v1/messages/${ids[subject]}`)).body.status).toBe(status);
  });

  test('every message has exactly one', async () => {
    const found = await Promise.all(Object.keys(EXPECTED).map((status) => subjects(`status=${status}`)));
    expect(found.flat().sort()).toEqual(Object.keys(ids).sort());
  });

  test('that does not exist is refused', async () => {
    const { status, body } = await running.call('GET', '/v1/messages?status=lost');
    expect([status, body.error.code, body.error.field]).toEqual([422, 'status_unknown', 'status']);
  });
});

describe('filters', () => {
  beforeAll(async () => {
    const made = (body: object) =>
      running.call('POST', '/v1/messages', { rcpt: 'Filter+a@example.org', ...body });
    await made({ subject: 'One 100% off_', text: 'x', tags: ['vip', 'a"b\\c'], type: 'announcement' });
    await made({ subject: 'Two', text: 'x', tags: ['vip2'], metadata: { vip: 'vip' } });
    await made({ templateSlug: 'welcome', variables: { n: 'Äpfel' } });
  });

  test.each<[string, string[]]>([
    ['rcpt=filter%2Ba@example.org', ['One 100% off_', 'Two', 'Über Äpfel']],
    ['rcpt=FILTER%2BA@EXAMPLE.ORG', ['One 100% off_', 'Two', 'Über Äpfel']],
    ['rcpt=filter@example.org', []],
    ['template=welcome', ['Über Äpfel']],
    ['template=unknown', []],
    ['type=announcement', ['One 100% off_']],
    ['server=srv_1', ['sent']],
    // A tag is a whole word, as it was written.
    ['tag=vip', ['One 100% off_']],
    ['tag=VIP', []],
    ['tag=a%22b%5Cc', ['One 100% off_']],
    ['tag=%25', []],
    // A search takes letters as letters.
    ['q=two', ['Two']],
    ['q=100%25', ['One 100% off_']],
    ['q=off_', ['One 100% off_']],
    ['q=of__', []],
    ['q=Filter%2BA', ['One 100% off_', 'Two', 'Über Äpfel']],
    ['q=%C3%9Cber', ['Über Äpfel']],
    ['q=%C3%84pfel', ['Über Äpfel']],
    ["q=';drop table messages;--", []],
    ['q=.*', []],
    // Together.
    ['template=welcome&type=transactional&rcpt=filter%2Ba@example.org&status=queued', ['Über Äpfel']],
    ['template=welcome&type=test', []],
  ])('%s', async (query, expected) => {
    expect(await subjects(query)).toEqual(expected);
  });

  test('an id finds its message', async () => {
    expect(await subjects(`q=${ids.sent}`)).toEqual(['sent']);
  });

  test.each([
    [`q=${'x'.repeat(201)}`, 422],
    ['rcpt=nonsense', 422],
    ['limit=0', 422],
    ['limit=201', 422],
    ['limit=10000', 422],
    ['limit=ten', 422],
    ['statsu=sent', 422],
    ['cursor=welcome', 400],
    ['cursor=msg_1', 400],
    ["cursor=msg_'or'1", 400],
  ])('%.30s is refused with %i', async (query, status) => {
    const answer = await running.call('GET', `/v1/messages?${query}`);
    expect(answer.status).toBe(status);
    expect(answer.body.error.code).toMatch(/_invalid|unknown_field/);
  });
});

test('pages have no gaps and no repeats while messages are added', async () => {
  const made = (at: number) =>
    running.call('POST', '/v1/messages', { rcpt: 'pages@example.org', subject: `page ${at}`, text: 'x' });
  for (let at = 0; at < 23; at++) await made(at);
  const seen: string[] = [];
  let cursor: string | null = '';
  let pages = 0;
  while (cursor !== null) {
    const page: { data: { subject: string }[]; nextCursor: string | null } = await list(
      `rcpt=pages@example.org&limit=5${cursor && `&cursor=${cursor}`}`,
    );
    seen.push(...page.data.map((one) => one.subject));
    cursor = page.nextCursor;
    pages++;
    await made(100 + pages);
  }
  expect(seen).toEqual(Array.from({ length: 23 }, (_, at) => `page ${22 - at}`));
  expect(pages).toBe(5);
});

test('the page that is exactly full is the last one', async () => {
  for (let at = 0; at < 4; at++)
    await running.call('POST', '/v1/messages', { rcpt: 'full@example.org', subject: 'x', text: 'x' });
  const page = await list('rcpt=full@example.org&limit=4');
  expect([page.data.length, page.nextCursor]).toEqual([4, null]);
});

describe('one message', () => {
  test('tells its attempts in order, with the route that was taken', async () => {
    const id = ids.sent!;
    const attempt = {
      message_id: id,
      workspace_id: running.workspaceId,
      at: clock.now(),
      server_id: 'srv_1',
      server_name: 'One',
      outcome: 'recipient_temporary',
      code: 'greylisted',
      reason: 'Later.',
      stage: 'rcpt',
      reply: '451 4.7.1 Greylisted',
      duration_ms: 12,
    };
    const accepted = { outcome: 'accepted', code: 'accepted', stage: 'dot', reply: '250 Ok' };
    const route = {
      chosen: 'srv_1',
      mode: 'random',
      ifFirstFails: null,
      reason: null,
      candidates: [
        { server: 'srv_1', name: 'One', eligible: true, reasons: [], weight: 1 },
        { server: 'srv_2', name: 'Two', eligible: true, reasons: [], weight: 1 },
        { server: 'srv_3', name: 'Three', eligible: false, reasons: ['It is not allowed.'], weight: 1 },
      ],
    };
    await running.app.db.write(async (tx) => {
      await tx
        .insertInto('attempts')
        .values([
          { ...attempt, ...accepted, fence: 2 },
          { ...attempt, fence: 1 },
        ])
        .execute();
      await tx
        .updateTable('messages')
        .set({ route: JSON.stringify(route) })
        .where('id', '=', id)
        .execute();
    });
    const { body } = await running.call('GET', `/v1/messages/${id}`);
    expect(body.attempts.map((one: { code: string }) => one.code)).toEqual(['greylisted', 'accepted']);
    expect(body.attempts[0]).toEqual({
      at: '2026-11-23T12:00:00.000Z',
      server: 'srv_1',
      serverName: 'One',
      stage: 'rcpt',
      outcome: 'recipient_temporary',
      code: 'greylisted',
      reply: '451 4.7.1 Greylisted',
      reason: 'Later.',
      durationMs: 12,
    });
    expect(body.route).toMatchObject({
      chosen: 'srv_1',
      excluded: [
        { server: 'srv_2', name: 'Two', reason: 'Another server was drawn for this message.' },
        { server: 'srv_3', name: 'Three', reason: 'It is not allowed.' },
      ],
    });
    expect(body.server).toEqual({ id: 'srv_1', name: 'One' });
  });

  test('is shown as its reader sees it, unable to do anything', async () => {
    const html = '<p>Hello {{ not a variable }}</p><script>alert(1)</script>';
    const { id } = (await running.call('POST', '/v1/messages', { rcpt: 'p@example.org', subject: 'P', html }))
      .body;
    const { status, body, headers } = await running.call('GET', `/v1/messages/${id}/preview`);
    expect([status, body]).toEqual([200, html]);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain('sandbox');
    expect(policy).not.toMatch(/script-src|allow-scripts|allow-same-origin/);
  });

  test('of text alone is shown as text', async () => {
    const { id } = (
      await running.call('POST', '/v1/messages', { rcpt: 'p@example.org', subject: 'P', text: 'a <b> & c' })
    ).body;
    expect((await running.call('GET', `/v1/messages/${id}/preview`)).body).toContain('a &lt;b&gt; &amp; c');
  });

  test('that is not there is 404', async () => {
    for (const path of ['', '/preview']) {
      const { status, body } = await running.call('GET', `/v1/messages/msg_unknown${path}`);
      expect([status, body.error.code]).toEqual([404, 'message_not_found']);
    }
  });
});
