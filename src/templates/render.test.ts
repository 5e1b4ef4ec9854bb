import { beforeAll, describe, expect, test } from 'vitest';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { prepare, render, VersionCache } from './render.ts';

describe('a rendered subject', () => {
  const subject = (value: unknown) => render(prepare({ subject: 'Hi {{ name }}!' }), { name: value }).subject;

  test.each<[unknown, string]>([
    ['Ann', 'Hi Ann!'],
    ['Ann & <Bob>', 'Hi Ann & <Bob>!'], // it is no HTML
    ['Ann\r\nBcc: evil@example.com', 'Hi Ann Bcc: evil@example.com!'],
    ['a\nb\rc\u2028d\u2029e\u0085f\0g\tH', 'Hi a b c d e f g H!'],
    ['Äpfel 🍎', 'Hi Äpfel 🍎!'],
    [undefined, 'Hi !'],
  ])('with %j is %j', (value, expected) => {
    expect(subject(value)).toBe(expected);
  });

  test('is one line of at most 998 characters, without blanks around it', () => {
    expect(subject('x'.repeat(5_000))).toHaveLength(998);
    expect(render(prepare({ subject: '{{ a }}' }), { a: '\r\n ' }).subject).toBe('');
  });
});

test('each part is escaped for what it is', () => {
  const parts = {
    subject: '{{ a }}',
    html: '<p>{{ a }}</p>{{{ a }}}',
    text: '{{ a }}',
    preheader: '{{ a }}',
  };
  expect(render(prepare(parts), { a: '<b>&' })).toEqual({
    subject: '<b>&',
    html: '<p>&lt;b&gt;&amp;</p><b>&',
    text: '<b>&',
    preheader: '<b>&',
  });
});

test('a part that is not there is not made', () => {
  expect(render(prepare({ subject: 'Hi', html: null, text: '' }), {})).toEqual({ subject: 'Hi' });
});

test.each(['constructor', '__proto__', 'toString', 'constructor.constructor', 'a.length.constructor'])(
  '{{ %s }} prints nothing',
  (name) => {
    const prepared = prepare({ subject: 'Hi', text: `[{{ ${name} }}]` });
    expect(render(prepared, { a: 'x' }).text).toBe('[]');
  },
);

test('what grows past its bound is an error of the template, not of the program', () => {
  const prepared = prepare({ subject: 'Hi', text: '{{#a}}{{#a}}{{#a}}{{#a}}x{{/a}}{{/a}}{{/a}}{{/a}}' });
  expect(() => render(prepared, { a: Array(200).fill('y') })).toThrow(
    expect.objectContaining({ name: 'AppError', code: 'template_limit' }),
  );
});

test('missing names are told once, over all parts, and not where a fallback stands', () => {
  const prepared = prepare({
    subject: '{{ first }} {{ last }}',
    html: '<p>{{ first }} {{ city | "here" }} {{#vip}}{{ gift }}{{/vip}}</p>',
    text: '{{ first }} {{ plan }}',
  });
  expect(prepared.missing({}).sort()).toEqual(expect.arrayContaining(['first', 'last', 'plan']));
  expect(prepared.missing({})).toHaveLength(new Set(prepared.missing({})).size);
  expect(prepared.missing({})).not.toContain('city');
  expect(prepared.missing({ first: 'a', last: 'b', plan: 'c' })).toEqual([]);
});

describe('compiled versions', () => {
  test('are made once for each id', () => {
    const cache = new VersionCache();
    const one = cache.prepared('tpv_1', { subject: 'One' });
    expect(cache.prepared('tpv_1', { subject: 'ignored, as versions never change' })).toBe(one);
    expect(cache.prepared('tpv_2', { subject: 'Two' })).not.toBe(one);
  });

  test('do not fill the memory; those in use stay', () => {
    const cache = new VersionCache();
    const used = cache.prepared('used', { subject: 'Used' });
    const idle = cache.prepared('idle', { subject: 'Idle' });
    for (let at = 0; at < 1_000; at++) {
      cache.prepared(`tpv_${at}`, { subject: 'x' });
      cache.prepared('used', { subject: 'Used' });
    }
    expect(cache.prepared('used', { subject: 'Used' })).toBe(used);
    expect(cache.prepared('idle', { subject: 'Idle' })).not.toBe(idle);
  });
});

describe('a preview', () => {
  let running: TestApp;
  beforeAll(async () => {
    running = await testApp({ start: false });
    const saved = {
      slug: 'saved',
      subject: 'Hi {{ name }}',
      html: '<p>{{ name }} {{ plan | "free" }}</p>',
      text: 'T {{ name }}',
    };
    expect((await running.call('POST', '/v1/templates', saved)).status).toBe(201);
    return () => running.stop();
  });
  const preview = (body: object, slug = 'saved/') =>
    running.call('POST', `/v1/templates/${slug}preview`, body);

  test('renders what is saved, and names what is missing', async () => {
    expect((await preview({ variables: { name: '<Ann>' } })).body).toMatchObject({
      subject: 'Hi <Ann>',
      html: '<p>&lt;Ann&gt; free</p>',
      text: 'T <Ann>',
      missing: [],
    });
    expect((await preview({})).body).toMatchObject({ subject: 'Hi', missing: ['name'] });
  });

  test('renders text that is not saved yet, with its own names', async () => {
    const draft = { subject: 'New {{ city }}', html: '<p>{{ city }}</p>', variables: { city: 'Ulm' } };
    const expected = { subject: 'New Ulm', html: '<p>Ulm</p>', text: 'Ulm', missing: [] };
    for (const { status, body } of [await preview(draft), await preview(draft, '')]) {
      expect(status).toBe(200);
      expect(body).toMatchObject(expected);
      expect(body.variables.map((one: { name: string }) => one.name)).toEqual(['city']);
    }
    expect((await running.call('GET', '/v1/templates/saved')).body.version).toBe(1);
  });

  test('of a template that is only begun does not complain', async () => {
    expect((await preview({ subject: '', html: '' }, '')).body).toMatchObject({
      subject: '(no subject)',
      text: '',
    });
  });

  test('of a mistake says where it is', async () => {
    const { status, body } = await preview({ html: '<p>{{ name</p>' });
    expect([status, body.error.code, body.error.field, body.error.detail.line]).toEqual([
      422,
      'template_syntax',
      'html',
      1,
    ]);
  });

  test('of a template that is not there is 404', async () => {
    expect((await preview({}, 'unknown/')).body.error.code).toBe('template_not_found');
  });
});
