import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { attributeOf, mergeAttributes } from './contact.ts';

describe('an attribute gets its type from its value', () => {
  test.each<[unknown, object]>([
    ['gold', { type: 'string', value: 'gold' }],
    ['', { type: 'string', value: '' }],
    ['12', { type: 'string', value: '12' }],
    [12, { type: 'number', value: 12 }],
    [-0.5, { type: 'number', value: -0.5 }],
    [0, { type: 'number', value: 0 }],
    [false, { type: 'boolean', value: false }],
    // Dates as the known clients write them.
    ['1970-01-01T00:00:00.000Z', { type: 'date', value: '1970-01-01T00:00:00.000Z' }],
    ['1970-01-01T00:00:00Z', { type: 'date', value: '1970-01-01T00:00:00.000Z' }],
    ['2026-11-23T12:00:00.1234567Z', { type: 'date', value: '2026-11-23T12:00:00.123Z' }],
    ['2026-11-23T12:00:00+02:00', { type: 'date', value: '2026-11-23T10:00:00.000Z' }],
    ['2026-11-23T12:00:00+0200', { type: 'date', value: '2026-11-23T10:00:00.000Z' }],
    ['2026-11-23T12:00Z', { type: 'date', value: '2026-11-23T12:00:00.000Z' }],
    // Not a full date-time, or not one that exists.
    ['2026-11-23', { type: 'string', value: '2026-11-23' }],
    ['2026-11-23T12:00:00', { type: 'string', value: '2026-11-23T12:00:00' }],
    ['2026-13-01T00:00:00Z', { type: 'string', value: '2026-13-01T00:00:00Z' }],
    ['2026-02-30T00:00:00Z', { type: 'string', value: '2026-02-30T00:00:00Z' }],
    ['2026-11-23T25:00:00Z', { type: 'string', value: '2026-11-23T25:00:00Z' }],
    ['born 2026-11-23T12:00:00Z', { type: 'string', value: 'born 2026-11-23T12:00:00Z' }],
  ])('%j', (value, expected) => {
    expect(attributeOf('a', value)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['list', ['a']],
    ['object', { a: 1 }],
    ['long', 'x'.repeat(10_001)],
    ['', 'x'],
    ['x'.repeat(101), 'x'],
    ['a\nb', 'x'],
    ['{{name}}', 'x'],
    ['__proto__', 'x'],
    ['id', 'x'],
    ['status', 'x'],
  ])('%.30s with %.30j is refused', (name, value) => {
    expect(() => attributeOf(name, value)).toThrow(expect.objectContaining({ code: 'attribute_invalid' }));
  });
});

test('attributes are merged: set, removed, kept', () => {
  const current = mergeAttributes({}, { plan: 'free', city: 'Ulm', age: 5 });
  expect(mergeAttributes(current, { plan: 'gold', city: null, gone: null })).toEqual({
    plan: { type: 'string', value: 'gold' },
    age: { type: 'number', value: 5 },
  });
  expect(current.plan!.value).toBe('free');
  const many = Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`a${at}`, at]));
  expect(() => mergeAttributes({}, many)).toThrow(expect.objectContaining({ code: 'attributes_too_many' }));
});

describe('over HTTP', () => {
  let clock: FakeClock;
  let running: TestApp;
  beforeEach(async () => {
    clock = new FakeClock();
    running = await testApp({ start: false, clock });
    return () => running.stop();
  });
  const save = (body: object) => running.call('POST', '/v1/contacts', body);
  const get = (path: string) => running.call('GET', `/v1/contacts/${path}`);
  const events = async () =>
    (await running.app.db.read.selectFrom('events').selectAll().orderBy('id').execute()).map((one) => [
      one.type,
      one.contact_id,
      JSON.parse(one.detail),
    ]);

  test('a contact is created, changed and read, with its attributes beside and typed', async () => {
    const { status, body } = await save({
      plan: 'free',
      since: '2026-11-01T00:00:00Z',
      email: 'Ann@Example.ORG',
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      id: expect.stringMatching(/^con_/),
      email: 'Ann@example.org',
      status: 'active',
      plan: 'free',
      since: '2026-11-01T00:00:00.000Z',
      attributes: {
        plan: { type: 'string', value: 'free' },
        since: { type: 'date', value: '2026-11-01T00:00:00.000Z' },
      },
      createdAt: '2026-11-23T12:00:00.000Z',
      updatedAt: '2026-11-23T12:00:00.000Z',
    });
    clock.advance(1_000);
    const changed = (await save({ email: 'ann@example.org', plan: 'gold', since: null })).body;
    expect(changed).toMatchObject({ id: body.id, plan: 'gold', updatedAt: '2026-11-23T12:00:01.000Z' });
    expect(changed.createdAt).toBe(body.createdAt);
    expect(changed).not.toHaveProperty('since');
    expect((await get('ANN@example.org')).body).toEqual(changed);
  });

  test('changes at the same moment do not lose each other', async () => {
    await Promise.all(
      Array.from({ length: 10 }, (_, at) => save({ email: 'ann@example.org', [`a${at}`]: at })),
    );
    expect(Object.keys((await get('ann@example.org')).body.attributes)).toHaveLength(10);
    expect((await events()).map(([type]) => type)).toEqual(['contact.created']);
  });

  test.each<[object, string, string]>([
    [{}, 'email_required', 'email'],
    [{ email: 5 }, 'field_invalid', 'email'],
    [{ email: 'ann' }, 'address_invalid', 'email'],
    [{ email: 'ann@example.org', tags: ['a'] }, 'attribute_invalid', 'tags'],
    [{ email: 'ann@example.org', createdAt: 'x' }, 'attribute_invalid', 'createdAt'],
  ])('%j is refused with %s and stores nothing', async (body, code, field) => {
    const answer = await save(body);
    expect([answer.status, answer.body.error.code, answer.body.error.field]).toEqual([422, code, field]);
    expect(await running.app.db.read.selectFrom('contacts').selectAll().execute()).toEqual([]);
  });

  test('a deleted contact is gone, in whatever spelling', async () => {
    await save({ email: 'ann@example.org' });
    expect((await running.call('DELETE', '/v1/contacts/ANN%40example.org')).status).toBe(204);
    const again = await running.call('DELETE', '/v1/contacts/ann@example.org');
    expect([again.status, again.body.error.code]).toEqual([404, 'contact_not_found']);
    expect((await get('ann@example.org')).status).toBe(404);
  });

  test.each([
    ['a+b@example.org', 'a+b@example.org'],
    ['a+b@example.org', 'a%2Bb%40example.org'],
    ['50%off@example.org', '50%25off%40example.org'],
    ['ann@exämple.org', 'ann@ex%C3%A4mple.org'],
    ["o'neil@example.org", "o'neil@example.org"],
  ])('%s is found at %s', async (email, path) => {
    await save({ email });
    expect((await get(path)).status).toBe(200);
    expect((await running.call('DELETE', `/v1/contacts/${path}`)).status).toBe(204);
  });

  test('a broken escape in the path is refused, not guessed', async () => {
    await save({ email: '50%off@example.org' });
    const { status, body } = await get('50%off@example.org');
    expect([status, body.error.code]).toEqual([400, 'address_invalid']);
  });

  test('an event creates the contact that is unknown, once', async () => {
    const first = await running.call('POST', '/v1/events', { email: 'ann@example.org', slug: 'signed-up' });
    expect([first.status, first.body]).toEqual([202, { id: expect.stringMatching(/^evt_/), warnings: [] }]);
    await running.call('POST', '/v1/events', { email: 'ANN@example.org', slug: 'came-back' });
    const { body } = await get('ann@example.org');
    expect(await events()).toEqual([
      ['contact.created', body.id, {}],
      ['contact.event', body.id, { slug: 'signed-up' }],
      ['contact.event', body.id, { slug: 'came-back' }],
    ]);
  });

  test('an event leaves the attributes of a known contact as they are', async () => {
    await save({ email: 'ann@example.org', plan: 'gold' });
    await running.call('POST', '/v1/events', { email: 'ann@example.org', slug: 'x' });
    expect((await get('ann@example.org')).body.plan).toBe('gold');
  });

  test('an event tells of fields it does not know, and refuses those that are nearly right', async () => {
    const told = await running.call('POST', '/v1/events', {
      email: 'ann@example.org',
      slug: 'x',
      plan: 'gold',
    });
    expect(told.body.warnings).toEqual(['The field plan is unknown and was ignored.']);
    const refused = await running.call('POST', '/v1/events', { emial: 'ann@example.org', slug: 'x' });
    expect([refused.status, refused.body.error.code]).toEqual([422, 'unknown_field']);
  });

  test.each<[object, string, string]>([
    [{ slug: 'x' }, 'email_required', 'email'],
    [{ email: 'ann@example.org' }, 'slug_required', 'slug'],
    [{ email: 'ann@example.org', slug: ' ' }, 'slug_invalid', 'slug'],
    [{ email: 'ann@example.org', slug: 'x'.repeat(101) }, 'slug_invalid', 'slug'],
    [{ email: 'ann@example.org', slug: 'a\nb' }, 'slug_invalid', 'slug'],
    [{ email: 'ann', slug: 'x' }, 'address_invalid', 'email'],
  ])('the event %j is refused with %s, and creates nobody', async (body, code, field) => {
    const answer = await running.call('POST', '/v1/events', body);
    expect([answer.status, answer.body.error.code, answer.body.error.field]).toEqual([422, code, field]);
    expect(await running.app.db.read.selectFrom('contacts').selectAll().execute()).toEqual([]);
  });
});
