import { beforeEach, describe, expect, test } from 'vitest';
import { storeServer } from '../servers/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';

const WELCOME = {
  slug: 'welcome',
  subject: 'Welcome, {{ name }}',
  html: '<p>Hello {{ name | "there" }}</p>',
};

let clock: FakeClock;
let running: TestApp;
beforeEach(async () => {
  clock = new FakeClock();
  running = await testApp({ start: false, clock });
  return () => running.stop();
});

const create = (changed: object = {}) => running.call('POST', '/v1/templates', { ...WELCOME, ...changed });
const change = (given: object, slug = 'welcome') => running.call('PATCH', `/v1/templates/${slug}`, given);
const stored = async (slug = 'welcome') => (await running.call('GET', `/v1/templates/${slug}`)).body;
const slugs = async () =>
  (await running.call('GET', '/v1/templates')).body.data.map((one: { slug: string }) => one.slug);

describe('a new template', () => {
  test('has defaults, a text part and the names it uses', async () => {
    const { status, body } = await create();
    expect(status).toBe(201);
    expect(body).toMatchObject({
      slug: 'welcome',
      name: 'welcome',
      text: 'Hello {{ name | "there" }}',
      textGenerated: true,
      server: null,
      failover: 'strict',
      onUncertain: 'hold',
      priority: 'normal',
      ttl: null,
      sensitive: false,
      version: 1,
      hasUnsubscribeLink: false,
      createdAt: '2026-11-23T12:00:00.000Z',
    });
    // The subject counts on it, although the body does not.
    expect(body.variables).toMatchObject([{ name: 'name', fallback: 'there', required: true }]);
    expect(await stored()).toEqual(body);
  });

  test('keeps every field that the API takes', async () => {
    await storeServer(running.app.db, { id: 'srv_1', workspaceId: running.workspaceId });
    const more = {
      name: 'Welcome mail',
      text: 'Hi {{ name }} {{{ unsubscribe_link }}}',
      preheader: 'Glad you are here',
      from: 'Shop <shop@example.com>',
      replyTo: 'help@example.com',
      server: 'srv_1',
      failover: 'any',
      onUncertain: 'resend_once',
      priority: 'high',
      ttl: 600,
      sensitive: true,
      trackOpens: true,
      trackClicks: true,
      design: { blocks: [{ type: 'text' }] },
    };
    const { body } = await create(more);
    expect(body).toMatchObject({ ...more, textGenerated: false, hasUnsubscribeLink: true });
    expect(await stored()).toEqual(body);
  });

  test.each<[object, string, string]>([
    [{ slug: '' }, 'slug_invalid', 'slug'],
    [{ slug: undefined }, 'slug_invalid', 'slug'],
    [{ slug: 'has blank' }, 'slug_invalid', 'slug'],
    [{ slug: '../etc' }, 'slug_invalid', 'slug'],
    [{ slug: '-x' }, 'slug_invalid', 'slug'],
    [{ slug: 'x'.repeat(101) }, 'slug_invalid', 'slug'],
    [{ subject: '  ' }, 'subject_required', 'subject'],
    [{ subject: undefined }, 'subject_required', 'subject'],
    [{ subject: 'x'.repeat(999) }, 'subject_too_long', 'subject'],
    [{ subject: 'a\r\nBcc: x@example.com' }, 'control_character', 'subject'],
    [{ html: '' }, 'html_required', 'html'],
    [{ from: 'a@example.com, b@example.com' }, 'one_from', 'from'],
    [{ from: 'nobody' }, 'address_invalid', 'from'],
    [{ replyTo: 'nobody' }, 'address_invalid', 'replyTo'],
    [{ failover: 'never' }, 'failover_invalid', 'failover'],
    [{ onUncertain: 'resend' }, 'on_uncertain_invalid', 'onUncertain'],
    [{ priority: 1 }, 'priority_invalid', 'priority'],
    [{ ttl: 59 }, 'ttl_invalid', 'ttl'],
    [{ ttl: 2_592_001 }, 'ttl_invalid', 'ttl'],
    [{ ttl: '48h' }, 'ttl_invalid', 'ttl'],
    [{ subjct: 'x' }, 'unknown_field', 'subjct'],
  ])('%j is refused with %s', async (changed, code, field) => {
    const { status, body } = await create(changed);
    expect([status, body.error.code, body.error.field]).toEqual([422, code, field]);
    expect(await slugs()).toEqual([]);
  });

  test.each<[object, string, object]>([
    [{ html: '<p>Hello</p>\n<p>{{ name</p>' }, 'html', { line: 2, column: 4 }],
    [{ subject: 'Hi {{#name}}' }, 'subject', { line: 1, column: 4 }],
    [{ text: 'a\n\n{{/x}}' }, 'text', { line: 3, column: 1 }],
    [{ preheader: '{{> partial}}' }, 'preheader', { line: 1, column: 1 }],
    [{ html: '<p>{{=<% %>=}}</p>' }, 'html', { line: 1, column: 4 }],
  ])('%j is a syntax error with its place', async (changed, field, place) => {
    const { status, body } = await create(changed);
    expect([status, body.error.code, body.error.field]).toEqual([422, 'template_syntax', field]);
    expect(body.error.detail).toMatchObject(place);
    expect(body.error.detail.excerpt).not.toBe('');
    expect(await slugs()).toEqual([]);
  });

  test('needs a slug of its own, also when two come at the same moment', async () => {
    const answers = await Promise.all([create(), create()]);
    expect(answers.map((one) => one.status).sort()).toEqual([201, 409]);
    expect(answers.find((one) => one.status === 409)!.body.error).toMatchObject({
      code: 'slug_taken',
      field: 'slug',
    });
    expect(await running.app.db.read.selectFrom('template_versions').selectAll().execute()).toHaveLength(1);
  });

  test('cannot prefer a server that is not there', async () => {
    const { status, body } = await create({ server: 'srv_unknown' });
    expect([status, body.error.code]).toEqual([404, 'server_not_found']);
  });
});

describe('a change', () => {
  test('makes a version, and leaves the rest as it was', async () => {
    const { body: first } = await create({ preheader: 'Soon', from: 'shop@example.com' });
    clock.advance(1_000);
    const { status, body } = await change({ subject: 'Good morning' });
    expect(status).toBe(200);
    expect(body).toEqual({
      ...first,
      subject: 'Good morning',
      version: 2,
      variables: [expect.objectContaining({ name: 'name', required: false })],
      updatedAt: '2026-11-23T12:00:01.000Z',
    });
    const { data } = (await running.call('GET', '/v1/templates/welcome/versions')).body;
    expect(data.map((one: { version: number; subject: string }) => [one.version, one.subject])).toEqual([
      [2, 'Good morning'],
      [1, WELCOME.subject],
    ]);
  });

  test('of the HTML makes the text part anew, unless it was written', async () => {
    await create();
    expect((await change({ html: '<p>New</p>' })).body).toMatchObject({ text: 'New', textGenerated: true });
    expect((await change({ text: 'By hand' })).body).toMatchObject({ text: 'By hand', textGenerated: false });
    expect((await change({ html: '<p>Newer</p>' })).body).toMatchObject({ text: 'By hand' });
    expect((await change({ text: null })).body).toMatchObject({ text: 'Newer', textGenerated: true });
  });

  test('can empty what may be empty', async () => {
    await storeServer(running.app.db, { id: 'srv_1', workspaceId: running.workspaceId });
    await create({
      preheader: 'Soon',
      from: 'shop@example.com',
      replyTo: 'help@example.com',
      ttl: 600,
      server: 'srv_1',
    });
    const nothing = { preheader: null, from: null, replyTo: null, ttl: null, server: null };
    expect((await change(nothing)).body).toMatchObject(nothing);
  });

  test('of the slug moves the template; a taken one is refused', async () => {
    await create();
    await create({ slug: 'other' });
    expect((await change({ slug: 'other' })).body.error).toMatchObject({ code: 'slug_taken' });
    expect((await change({ slug: 'hello' })).status).toBe(200);
    expect(await slugs()).toEqual(['hello', 'other']);
    expect((await running.call('GET', '/v1/templates/welcome')).status).toBe(404);
  });

  test('that started from an older version is refused, and names the newest', async () => {
    await create();
    expect((await change({ subject: 'One', version: 1 })).status).toBe(200);
    const { status, body } = await change({ subject: 'Two', version: 1 });
    expect([status, body.error.code, body.error.detail]).toEqual([409, 'version_conflict', { version: 2 }]);
    expect((await stored()).subject).toBe('One');
  });

  test('of two at the same moment one wins, and no version is lost', async () => {
    await create();
    const answers = await Promise.all(['One', 'Two'].map((subject) => change({ subject, version: 1 })));
    expect(answers.map((one) => one.status).sort()).toEqual([200, 409]);
    const winner = answers.find((one) => one.status === 200)!.body;
    expect(await stored()).toEqual(winner);
  });

  test('that is wrong makes no version', async () => {
    const { body: before } = await create();
    for (const wrong of [
      { html: '{{ x' },
      { subject: '' },
      { from: 'x' },
      { server: 'srv_unknown' },
      { slug: 'a b' },
    ])
      expect((await change(wrong)).status).toBeGreaterThanOrEqual(400);
    expect(await stored()).toEqual(before);
  });
});

test('a copy is a template of its own', async () => {
  await create({
    name: 'Welcome mail',
    priority: 'high',
    ttl: 60,
    text: 'By hand',
    sensitive: true,
    replyTo: 'a@example.com',
  });
  const { status, body } = await running.call('POST', '/v1/templates/welcome/duplicate', { slug: 'copy' });
  expect(status).toBe(201);
  const original = await stored();
  expect(body).toEqual({ ...original, id: body.id, slug: 'copy', name: 'Welcome mail (copy)' });
  expect(body.id).not.toBe(original.id);
  await change({ subject: 'Changed' }, 'copy');
  expect((await stored()).subject).toBe(WELCOME.subject);
  const again = await running.call('POST', '/v1/templates/welcome/duplicate', { slug: 'copy' });
  expect(again).toMatchObject({ status: 409, body: { error: { code: 'slug_taken' } } });
});

test('a deleted template is gone; a new one may take its slug', async () => {
  await create();
  expect((await running.call('DELETE', '/v1/templates/welcome')).status).toBe(204);
  expect((await running.call('DELETE', '/v1/templates/welcome')).body.error.code).toBe('template_not_found');
  expect((await create()).body.version).toBe(1);
  expect((await running.call('GET', '/v1/templates/welcome/versions')).body.data).toHaveLength(1);
});

test('the list comes by slug, in pages without gaps', async () => {
  for (const slug of ['c', 'a', 'e', 'b', 'd']) await create({ slug });
  const page = async (query: string) => (await running.call('GET', `/v1/templates?${query}`)).body;
  const first = await page('limit=2');
  expect(first.data.map((one: { slug: string }) => one.slug)).toEqual(['a', 'b']);
  const second = await page(`limit=2&cursor=${first.nextCursor}`);
  expect(second.data.map((one: { slug: string }) => one.slug)).toEqual(['c', 'd']);
  const last = await page(`limit=2&cursor=${second.nextCursor}`);
  expect([last.data.map((one: { slug: string }) => one.slug), last.nextCursor]).toEqual([['e'], null]);
  expect((await running.call('GET', '/v1/templates?limit=201')).body.error.code).toBe('limit_invalid');
  expect((await running.call('GET', '/v1/templates?cursor=%27;--')).body.error.code).toBe('cursor_invalid');
});
