import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cursor } from './cursor.ts';
import { TemplateSyntaxError } from './errors.ts';
import { scan, type Tag, type VariableTag } from './scan.ts';

function tagsOf(source: string, cursor?: Cursor): Tag[] {
  return [...scan(source, cursor)];
}

function fallbackOf(source: string): string | undefined {
  return (tagsOf(source)[0] as VariableTag).fallback;
}

function errorOf(source: string): TemplateSyntaxError {
  try {
    tagsOf(source);
  } catch (error) {
    if (error instanceof TemplateSyntaxError) return error;
    throw error;
  }
  throw new Error(`${source} was accepted`);
}

describe('tags', () => {
  test('are found with their offsets', () => {
    expect(tagsOf('Hi {{ name }}{{#a.b}}{{! note }}{{^c}}{{/c}}')).toEqual([
      { kind: 'variable', name: 'name', raw: false, fallback: undefined, start: 3, end: 13 },
      { kind: 'section', name: 'a.b', start: 13, end: 21 },
      { kind: 'comment', start: 21, end: 32 },
      { kind: 'inverted', name: 'c', start: 32, end: 38 },
      { kind: 'close', name: 'c', start: 38, end: 44 },
    ]);
  });

  test.each(['{{{ name }}}', '{{& name }}', '{{&name}}', '{{&amp; name }}', '{{ &name }}'])(
    '%s is raw',
    (source) => {
      expect(tagsOf(source)).toEqual([
        { kind: 'variable', name: 'name', raw: true, fallback: undefined, start: 0, end: source.length },
      ]);
    },
  );

  test.each(['{{\n  name\n}}', '{{&nbsp;name&nbsp;}}', '{{\u00a0name&#160; }}'])(
    '%j has spaces of an editor',
    (source) => {
      expect(tagsOf(source)).toMatchObject([{ name: 'name', raw: false, end: source.length }]);
    },
  );

  test.each(['größe', '名前', 'first-name', 'a_1.b-2.0', '.'])('%s is a name', (name) => {
    expect(tagsOf(`{{${name}}}`)).toMatchObject([{ name }]);
  });

  test('end at the first closing braces: a third is text', () => {
    expect(tagsOf('{{name}}}')).toMatchObject([{ end: 8 }]);
  });

  test('single braces and closing braces alone are text', () => {
    expect(tagsOf('a { b } c }} @media print { p { margin: 0 }}')).toEqual([]);
  });
});

describe('fallbacks', () => {
  test.each([
    ['{{ name | "there" }}', 'there'],
    ['{{ name ?? "there" }}', 'there'],
    ["{{name|'there'}}", 'there'],
    ["{{name??'there'}}", 'there'],
    ['{{ name | &quot;there&quot; }}', 'there'],
    ['{{ name | &#34;there&#34; }}', 'there'],
    ['{{ name | &#39;there&#39; }}', 'there'],
    ['{{ name | &apos;there&apos; }}', 'there'],
    ['{{ name | “there” }}', 'there'],
    ['{{ name | „there“ }}', 'there'],
    ['{{ name | „there” }}', 'there'],
    ['{{ name | ”there” }}', 'there'],
    ['{{ name | ‘there’ }}', 'there'],
    ['{{ name | ‚there‘ }}', 'there'],
    ['{{ name | ’there’ }}', 'there'],
    ['{{ name | «there» }}', 'there'],
    ['{{ name | »there« }}', 'there'],
    ['{{{ name | "there" }}}', 'there'],
    ['{{& name ?? "there" }}', 'there'],
    ['{{&nbsp;name&nbsp;|&nbsp;"there"&nbsp;}}', 'there'],
    ['{{ name | "" }}', ''],
    ['{{ name }}', undefined],
    [`{{ name | "it's ?? | fine" }}`, "it's ?? | fine"],
    ['{{ name | \'say "hi"\' }}', 'say "hi"'],
  ])('%s', (source, fallback) => {
    expect(fallbackOf(source)).toBe(fallback);
    expect(tagsOf(source)[0]!.end).toBe(source.length);
  });

  test('may hold braces inside the quotes', () => {
    expect(tagsOf('{{ a | "}} {{ }}}" }}{{ b }}')).toMatchObject([{ fallback: '}} {{ }}}' }, { name: 'b' }]);
  });
});

describe('errors', () => {
  test.each([
    ['{{ name', 'the tag {{ name is never closed. Add }} where it ends.'],
    ['{{ name } and {{ other }}', 'the tag {{ name } and {{ other }} is never closed. Add }} where it ends.'],
    ['{{! note', 'the tag {{! note is never closed. Add }} where it ends.'],
    ['{{ }}', 'the tag is empty. Write a name between the braces.'],
    ['{{{}}}', 'the tag is empty. Write a name between the braces.'],
    ['{{{ name }}', 'the tag {{{ name }} opens with three braces. Close it with three.'],
    ['{{ <b>name</b> }}', 'the tag {{ <b>name</b> }} holds HTML. Remove the formatting between the braces.'],
    ['{{#if name}}', '{{#if name}} is not Mustache. A condition or a list is written {{#name}} … {{/name}}.'],
    ['{{> footer }}', 'partials ({{> name}}) are not supported. Paste the content here.'],
    ['{{&gt; footer }}', 'partials ({{> name}}) are not supported. Paste the content here.'],
    ['{{=<% %>=}}', 'changing the delimiters ({{= … =}}) is not supported. Tags always stand in {{ and }}.'],
    ['{{ name | there }}', 'a fallback stands in quotes, as in {{ name | "there" }}.'],
    ['{{ name | }}', 'a fallback stands in quotes, as in {{ name | "there" }}.'],
    ['{{ name | "there }}', 'the quote " of the fallback is never closed. Close it before }}.'],
  ])('%s', (source, sentence) => {
    expect(errorOf(source).message).toBe(`Line 1, column 1: ${sentence}`);
  });

  test.each([
    '{{ first name }}',
    '{{ a..b }}',
    '{{ .a }}',
    '{{ a. }}',
    '{{ .. }}',
    '{{ upper(a) }}',
    '{{#a | "b"}}',
    '{{ a | "b" | "c" }}',
    '{{ a ? "b" }}',
    '{{{{ a }}}}',
    `{{ ${'n'.repeat(201)} }}`,
  ])('%s is not a tag', (source) => {
    expect(errorOf(source).message).toContain('is not a tag that can be read. A name has letters');
  });

  test('give line, column and the line around the place', () => {
    const { line, column, excerpt, message } = errorOf(
      '<p>Hello</p>\r\n<p>\r\n  Dear {{ first name }},\r\n</p>',
    );
    expect({ line, column, excerpt }).toEqual({ line: 3, column: 8, excerpt: '  Dear {{ first name }},' });
    expect(message).toMatch(/^Line 3, column 8: \{\{ first name }} is not/);
  });

  test('give the place when the line ends right behind it', () => {
    const { line, column, excerpt } = errorOf('\n\nHi {{}}\n\n');
    expect({ line, column, excerpt }).toEqual({ line: 3, column: 4, excerpt: 'Hi {{}}' });
  });

  test('show a piece of a long line', () => {
    const { line, column, excerpt } = errorOf(`\n${'x'.repeat(500)}{{ }}${'y'.repeat(500)}`);
    expect({ line, column }).toEqual({ line: 2, column: 501 });
    expect(excerpt).toBe(`…${'x'.repeat(30)}{{ }}${'y'.repeat(25)}…`);
  });
});

describe('reading takes linear time', () => {
  const SIZE = 50_000;

  function stepsFor(unit: string, size: number): number {
    const cursor = new Cursor(unit.repeat(Math.ceil(size / unit.length)));
    try {
      tagsOf(cursor.source, cursor);
    } catch (error) {
      if (!(error instanceof TemplateSyntaxError)) throw error;
    }
    return cursor.steps;
  }

  test.each([
    'aaaa',
    '{',
    '{{{{',
    '}}',
    ' ',
    '{{a}}',
    '{{ a | "b" }} ',
    '{{ a | „b“ }} ',
    '{{ a | „b” }} ',
    '{{ a | &quot;b&quot; }}',
    '{{&nbsp;&nbsp;a&nbsp;}}',
    '{{! a }}',
    '{{!',
    '{{#a}}{{/a}}',
    '{{{a}}}',
  ])('of %j repeated', (unit) => {
    const once = stepsFor(unit, SIZE);
    const twice = stepsFor(unit, 2 * SIZE);
    expect(once).toBeLessThanOrEqual(10 * SIZE);
    expect(twice).toBeLessThanOrEqual(2.01 * once);
  });

  test.each(['a', ' ', '&nbsp;', 'a.', '{'])('of one tag that never ends with %j repeated', (unit) => {
    const cursor = new Cursor(`{{${unit.repeat(SIZE / unit.length)}`);
    expect(() => tagsOf(cursor.source, cursor)).toThrow(TemplateSyntaxError);
    expect(cursor.steps).toBeLessThanOrEqual(5 * SIZE);
  });
});

test('nothing but a syntax error is ever thrown', () => {
  const unit = fc.constantFrom(
    '{{',
    '}}',
    '{',
    '}',
    '#',
    '/',
    '&',
    '&nbsp;',
    '!',
    '|',
    '??',
    '"',
    '“',
    'a',
    '.',
    ' ',
    '\n',
  );
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit }), fc.string({ unit: 'binary' })), (source) => {
      try {
        const tags = tagsOf(source);
        expect(
          tags.every(({ start, end }) => source.startsWith('{{', start) && source.startsWith('}}', end - 2)),
        ).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(TemplateSyntaxError);
      }
    }),
    { numRuns: 2000 },
  );
});
