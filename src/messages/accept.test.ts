import { beforeEach, describe, expect, test } from 'vitest';
import { storeServer } from '../servers/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';

const INLINE = { rcpt: 'ann@example.org', subject: 'Hello', text: 'Hello Ann' };
const HOUR = 3_600_000;

let clock: FakeClock;
let running: TestApp;
beforeEach(async () => {
  clock = new FakeClock();
  running = await testApp({ start: false, clock });
  return () => running.stop();
});

const send = (body: object) => running.call('POST', '/v1/messages', body);
const record = async (id: string) => (await running.call('GET', `/v1/messages/${id}`)).body;
const rows = () => running.app.db.read.selectFrom('messages').selectAll().orderBy('id').execute();
const template = (changed: object = {}) =>
  running.call('POST', '/v1/templates', {
    slug: 'welcome',
    subject: 'Hi {{ name }}',
    html: '<p>{{ name }} {{ plan }}</p>',
    ...changed,
  });

test('what was answered with 202 is stored, with its event', async () => {
  const { status, body } = await send(INLINE);
  expect([status, body]).toEqual([
    202,
    { id: expect.stringMatching(/^msg_/), status: 'queued', warnings: [] },
  ]);
  const [row] = await rows();
  expect(row).toMatchObject({
    id: body.id,
    state: 'queued',
    lane: expect.stringMatching(/^sandbox:wsp_/),
    live: 0,
    due_at: clock.now(),
    attempts: 0,
  });
  const { events, status: now, rcpt, from, messageId } = await record(body.id);
  expect({ now, rcpt, from }).toEqual({ now: 'queued', rcpt: 'ann@example.org', from: 'owner@example.com' });
  expect(events.map((one: { type: string }) => one.type)).toEqual(['message.accepted']);
  expect(messageId).toMatch(new RegExp(`^${body.id}\\.[0-9a-f]{8}@example\\.com$`));
});

test('with a server connected, a message is meant for real delivery', async () => {
  await storeServer(running.app.db, { id: 'srv_1', workspaceId: running.workspaceId });
  const { body } = await send(INLINE);
  expect(await record(body.id)).toMatchObject({ sandbox: false });
  expect((await rows())[0]).toMatchObject({ live: 1, lane: expect.stringMatching(/^new:wsp_/) });
});

describe('recipients', () => {
  test('to is another word for rcpt', async () => {
    const { rcpt, ...rest } = INLINE;
    expect(await record((await send({ ...rest, to: rcpt })).body.id)).toMatchObject({ rcpt });
    expect((await send({ ...INLINE, to: ' ann@example.org ' })).status).toBe(202);
  });

  test('cc and bcc are siblings: one envelope each, one content, one Message-ID', async () => {
    const { body } = await send({ ...INLINE, cc: ['bob@example.org'], bcc: ['eve@example.org'] });
    expect(body.siblings).toHaveLength(2);
    const all = await rows();
    expect(all.map((row) => [row.id, row.rcpt])).toEqual([
      [body.id, 'ann@example.org'],
      [body.siblings[0], 'bob@example.org'],
      [body.siblings[1], 'eve@example.org'],
    ]);
    expect(new Set(all.map((row) => row.message_id_header)).size).toBe(1);
    expect(all.map((row) => row.content_of)).toEqual([body.id, body.id, body.id]);
    expect(all.map((row) => row.content !== null)).toEqual([true, false, false]);
    expect(all[0]!.content).not.toContain('eve@');
  });

  test('somebody named twice gets one copy, and the caller is told', async () => {
    const { body } = await send({
      ...INLINE,
      cc: ['ANN@example.org', 'bob@example.org'],
      bcc: ['bob@example.org'],
    });
    expect((await rows()).map((row) => row.rcpt)).toEqual(['ann@example.org', 'bob@example.org']);
    expect(body.warnings).toHaveLength(2);
    expect(body.warnings[0]).toContain('ANN@example.org was named twice');
  });

  test('a domain that looks mistyped is a warning, never a refusal', async () => {
    const { status, body } = await send({ ...INLINE, rcpt: 'ann@gmial.com' });
    expect([status, body.warnings]).toEqual([202, [expect.stringMatching(/^domain_typo: .*gmail\.com/)]]);
  });

  test('local domains are for those who have a server of their own', async () => {
    await storeServer(running.app.db, { id: 'srv_1', workspaceId: running.workspaceId, allowPrivate: true });
    expect((await send({ ...INLINE, rcpt: 'root@localhost' })).status).toBe(202);
  });

  test('who is blocked is recorded, answered and told why', async () => {
    await running.app.db.write((tx) =>
      tx
        .insertInto('suppressions')
        .values({
          id: 'sup_1',
          workspace_id: running.workspaceId,
          email: 'ann@example.org',
          email_key: 'ann@example.org',
          reason: 'bounce',
          code: 'recipient_unknown',
          reply: '550 5.1.1 No such user',
          message_id: null,
          created_at: clock.now() - 24 * HOUR,
        })
        .execute(),
    );
    const { status, body } = await send({ ...INLINE, rcpt: 'Ann@Example.org', cc: ['bob@example.org'] });
    expect([status, body.status]).toEqual([202, 'blocked']);
    expect(await record(body.id)).toMatchObject({
      status: 'blocked',
      code: 'suppressed',
      reason: 'ann@example.org is blocked since 2026-11-22: an earlier message bounced.',
      finalAt: '2026-11-23T12:00:00.000Z',
      events: [{ type: 'message.blocked' }],
    });
    expect(await record(body.siblings[0])).toMatchObject({ status: 'queued' });
  });
});

describe('From', () => {
  test('is the message’s, else the template’s, else the workspace’s, else asked for', async () => {
    await template({ from: 'Template <template@example.com>' });
    const from = async (body: object) =>
      (await record((await send({ rcpt: 'ann@example.org', ...body })).body.id)).from;
    const own = { from: 'Own <own@example.net>' };
    expect(await from({ templateSlug: 'welcome', ...own })).toBe('Own <own@example.net>');
    expect(await from({ templateSlug: 'welcome' })).toBe('Template <template@example.com>');
    expect(await from({ subject: 'Hi', text: 'Hi' })).toBe('owner@example.com');
    await running.call('PATCH', '/v1/workspace', { defaultFrom: null });
    const refused = await send(INLINE);
    expect([refused.status, refused.body.error.code, refused.body.error.field]).toEqual([
      422,
      'from_required',
      'from',
    ]);
    expect(await from({ templateSlug: 'welcome' })).toBe('Template <template@example.com>');
  });

  test('gives the Message-ID its domain', async () => {
    const { body } = await send({ ...INLINE, from: 'Shop <shop@mail.example.net>' });
    expect((await record(body.id)).messageId).toMatch(/@mail\.example\.net$/);
  });
});

describe('sendAt', () => {
  test.each<[string, string]>([
    ['2026-11-23T13:00:00Z', '2026-11-23T13:00:00.000Z'],
    ['2026-11-23T13:00:00.5Z', '2026-11-23T13:00:00.500Z'],
    ['2026-11-23T15:00:00+02:00', '2026-11-23T13:00:00.000Z'],
    ['2026-11-23T13:00Z', '2026-11-23T13:00:00.000Z'],
    ['2028-02-29T00:00:00Z', ''],
    ['2027-11-23T12:00:00Z', '2027-11-23T12:00:00.000Z'],
  ])('%s is a time', async (sendAt, expected) => {
    const { status, body } = await send({ ...INLINE, sendAt });
    if (expected === '') return expect([status, body.error.code]).toEqual([422, 'too_far']); // it exists, in a leap year
    expect([status, body.status, body.warnings]).toEqual([202, 'scheduled', []]);
    const found = await record(body.id);
    expect(found).toMatchObject({ status: 'scheduled', sendAt: expected });
    // The time to live begins when it is due.
    expect(Date.parse(found.expiresAt) - Date.parse(expected)).toBe(48 * HOUR);
  });

  test('less than an hour ago is now, with a warning', async () => {
    const { status, body } = await send({ ...INLINE, sendAt: '2026-11-23T11:00:00Z' });
    expect([status, body.status, body.warnings]).toEqual([
      202,
      'queued',
      ['sendAt is in the past; the message is sent now.'],
    ]);
    expect((await rows())[0]).toMatchObject({ send_at: null, due_at: clock.now() });
  });
});

describe('a template', () => {
  test('gives the message its subject, version, priority, time to live and rules', async () => {
    await template({ priority: 'high', onUncertain: 'resend_once', failover: 'any' });
    const { body } = await send({
      rcpt: 'ann@example.org',
      templateSlug: 'welcome',
      variables: { name: 'Ann', plan: 'x' },
    });
    expect(body.warnings).toEqual([]);
    const [row] = await rows();
    expect(row).toMatchObject({
      subject: 'Hi Ann',
      template_slug: 'welcome',
      priority: 0,
      on_uncertain: 'resend_once',
      failover: 'any',
      expires_at: clock.now() + 15 * 60_000,
    });
  });

  test('whose variables are missing is sent, with a warning for each', async () => {
    await template();
    const { status, body } = await send({ rcpt: 'ann@example.org', templateSlug: 'welcome' });
    expect(status).toBe(202);
    expect(body.warnings.sort()).toEqual([
      'The template uses {{ name }}, and no value was sent for it.',
      'The template uses {{ plan }}, and no value was sent for it.',
    ]);
  });

  test.each([{}, null, undefined, []])('takes %j for no variables', async (variables) => {
    await template();
    expect((await send({ rcpt: 'ann@example.org', templateSlug: 'welcome', variables })).status).toBe(202);
  });

  test('sees the attributes of the contact below the variables, and only those it uses', async () => {
    await running.call('POST', '/v1/contacts', {
      email: 'ann@example.org',
      name: 'Ann',
      plan: 'gold',
      secret: 'x',
    });
    await template();
    const { body } = await send({
      rcpt: 'ANN@example.org',
      templateSlug: 'welcome',
      variables: { plan: 'free', other: 1 },
    });
    expect(body.warnings).toEqual([]);
    const { variables, subject } = await record(body.id);
    expect([variables, subject]).toEqual([{ name: 'Ann', plan: 'free', other: 1 }, 'Hi Ann']);
  });

  test('with an odd variable name does not disturb anything', async () => {
    await template({ html: '{{ __proto__ }}{{ constructor }}' });
    const sent = await running.call(
      'POST',
      '/v1/messages',
      '{"rcpt":"ann@example.org","templateSlug":"welcome","variables":{"__proto__":{"admin":true},"constructor":"x"}}',
    );
    expect(sent.status).toBe(202);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

test('everything that may be sent along is kept', async () => {
  const more = { tags: ['vip', 'a"b'], metadata: { order: { id: 7 } }, type: 'announcement' };
  const { body } = await send({
    ...INLINE,
    ...more,
    replyTo: 'Help <help@example.com>',
    headers: { 'X-Campaign': 'spring' },
    attachments: [{ filename: 'a.txt', content: Buffer.from('hello').toString('base64') }],
    campaign: 'spring',
  });
  expect(body.warnings).toEqual(['The field campaign is unknown and was ignored.']);
  expect(await record(body.id)).toMatchObject({
    ...more,
    attachments: [{ filename: 'a.txt', contentType: 'text/plain', size: 5 }],
  });
});

test('many at the same moment are all stored, each under an id of its own', async () => {
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, at) => send({ ...INLINE, rcpt: `a${at}@example.org` })),
  );
  expect(new Set(answers.map((one) => one.body.id)).size).toBe(100);
  expect(await rows()).toHaveLength(100);
});
