import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeReferences } from './escape.ts';
import { type Context, compile, TemplateLimitError, TemplateSyntaxError } from './index.ts';
import { anyTemplate, context, escapingTemplate } from './testing.ts';

function html(source: string, values: Context = {}): string {
  return compile(source, 'html').render(values);
}

function text(source: string, values: Context = {}): string {
  return compile(source, 'text').render(values);
}

describe('values', () => {
  test.each([
    ['text', 'text'],
    [0, '0'],
    [1.5, '1.5'],
    [false, 'false'],
    [true, 'true'],
    [10n, '10'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
    [null, ''],
    [undefined, ''],
    [Number.NaN, ''],
    [new Date(Number.NaN), ''],
    [{ a: 1 }, ''],
    [['a', 'b'], ''],
    [Symbol('a'), ''],
  ])('%o prints %j', (value, printed) => {
    expect(html('{{ value }}', { value })).toBe(printed);
  });

  test('are escaped in html, and neither in text nor in raw tags', () => {
    const values = { v: `<a href="x" title='y'>&amp;</a>` };
    expect(html('{{ v }}', values)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;');
    for (const raw of [
      html('{{{ v }}}', values),
      html('{{& v }}', values),
      text('{{ v }}', values),
      text('{{{ v }}}', values),
    ]) {
      expect(raw).toBe(values.v);
    }
  });

  test('are text, not templates', () => {
    expect(html('{{ a }}{{{ a }}}', { a: '{{ b }}', b: 'no' })).toBe('{{ b }}{{ b }}');
  });

  test('functions are never called', () => {
    const call = () => {
      throw new Error('called');
    };
    expect(html('{{ call }}{{#call}}shown{{/call}}{{^call}}hidden{{/call}}', { call })).toBe('hidden');
  });
});

describe('lookups see own properties only', () => {
  test.each([
    'constructor',
    'constructor.name',
    '__proto__',
    'a.constructor.prototype',
    'a.__proto__.toString',
    'toString',
    'hasOwnProperty',
    'name.length',
    'name.0',
    'name.constructor',
    'list.map',
    'list.constructor',
    'number.toFixed',
    'call.name',
  ])('%s', (name) => {
    const values = { a: {}, name: 'Ann', list: [1], number: 1, call: () => 0 };
    expect(html(`[{{ ${name} }}{{#${name}}}shown{{/${name}}}]`, values)).toBe('[]');
  });

  test('of objects without a prototype too', () => {
    expect(html('{{ a.b }}', { a: Object.assign(Object.create(null), { b: 1 }) })).toBe('1');
  });

  test('a list has items by number, and a length', () => {
    expect(html('{{ a.0.b }} of {{ a.length }}{{ a.1.b }}', { a: [{ b: 1 }] })).toBe('1 of 1');
  });

  test('an inner null hides an outer value, as any own property does', () => {
    expect(html('{{#a}}{{ b }}{{/a}}', { a: { b: null }, b: 'outer' })).toBe('');
  });
});

describe('sections', () => {
  test.each([null, undefined, false, 0, '', Number.NaN, []])('%o hides the content', (a) => {
    expect(html('{{#a}}shown{{/a}}{{^a}}hidden{{/a}}', { a })).toBe('hidden');
  });

  test.each([true, 1, 'no', {}, [null]])('%o shows the content once', (a) => {
    expect(html('{{#a}}shown{{/a}}{{^a}}hidden{{/a}}', { a })).toBe('shown');
  });
});

describe('fallbacks', () => {
  test.each([
    [undefined, 'there'],
    [null, 'there'],
    ['', 'there'],
    [[], 'there'],
    [0, '0'],
    [false, 'false'],
    [' ', ' '],
    ['Ann', 'Ann'],
  ])('for %o: %s', (name, printed) => {
    for (const tag of [
      '{{ name | "there" }}',
      '{{ name ?? "there" }}',
      '{{{ name | "there" }}}',
      "{{& name ?? 'there' }}",
    ]) {
      expect(html(tag, { name })).toBe(printed);
      expect(text(tag, { name })).toBe(printed);
    }
  });

  test('are escaped like a value', () => {
    expect(html(`{{ a | "<b> & 'c'" }}`)).toBe('&lt;b&gt; &amp; &#39;c&#39;');
    expect(text(`{{ a | "<b> & 'c'" }}`)).toBe("<b> & 'c'");
  });

  test('that an HTML editor has escaped are not escaped twice', () => {
    expect(html('{{ a | "Tom &amp; Jerry&#39;s &lt;3&nbsp;" }}')).toBe('Tom &amp; Jerry&#39;s &lt;3\u00a0');
    expect(text('{{ a | "Tom &amp; Jerry&#39;s &lt;3" }}')).toBe("Tom & Jerry's <3");
    expect(html('{{ a | "&amp;lt;&eacute;" }}')).toBe('&amp;lt;&amp;eacute;');
  });

  test('are HTML in a raw tag', () => {
    expect(html('{{{ a | "<b>&amp;</b>" }}}')).toBe('<b>&amp;</b>');
  });

  test('work inside an attribute', () => {
    expect(html('<a title="{{ a | &quot;it&quot; }}">')).toBe('<a title="it">');
  });

  test('work inside a section', () => {
    expect(html('{{#items}}{{ name | "?" }}{{/items}}', { items: [{ name: 'a' }, {}] })).toBe('a?');
  });
});

describe('limits', () => {
  test('the output', () => {
    const compiled = compile('{{#a}}{{.}}{{/a}}', 'html');
    expect(compiled.render({ a: ['12345', '67890'] }, { maxOutput: 10 })).toBe('1234567890');
    expect(() => compiled.render({ a: ['12345', '678901'] }, { maxOutput: 10 })).toThrow(
      new TemplateLimitError('The rendered text is longer than 10 characters.'),
    );
    expect(() => compiled.render({ a: ['x'.repeat(2_000_001)] })).toThrow(TemplateLimitError);
  });

  test('the output counts after escaping', () => {
    expect(() => compile('{{ a }}', 'html').render({ a: '<<<' }, { maxOutput: 11 })).toThrow(
      TemplateLimitError,
    );
  });

  test('the repetitions, all sections together', () => {
    const compiled = compile('{{#a}}{{#a}}{{/a}}{{/a}}', 'html');
    expect(compiled.render({ a: [1, 2, 3] }, { maxIterations: 12 })).toBe('');
    expect(() => compiled.render({ a: [1, 2, 3] }, { maxIterations: 11 })).toThrow(
      new TemplateLimitError('The sections of the template repeat more than 11 times.'),
    );
    expect(() => compiled.render({ a: new Array(400).fill(1) })).toThrow(TemplateLimitError);
  });

  test('the parts repeated, even when they print nothing', () => {
    const compiled = compile(`{{#a}}${'{{ b }}'.repeat(20)}{{/a}}`, 'html');
    expect(compiled.render({ a: new Array(50_000).fill(1) })).toBe('');
    expect(() => compiled.render({ a: new Array(50_001).fill(1) })).toThrow(
      new TemplateLimitError('The sections of the template hold more than 1000000 parts when repeated.'),
    );
  });

  test('a rendering that failed leaves the template as it was', () => {
    const compiled = compile('{{ a }}', 'html');
    expect(() => compiled.render({ a: '123' }, { maxOutput: 2 })).toThrow(TemplateLimitError);
    expect(compiled.render({ a: '12' }, { maxOutput: 2 })).toBe('12');
  });
});

describe('for any template', () => {
  test('only its own errors are thrown', () => {
    const unit = fc.constantFrom(
      '{{',
      '}}',
      '{{{',
      '}}}',
      '{{#a}}',
      '{{/a}}',
      '{{^',
      '{{.}}',
      'a',
      '.',
      '"',
      '|',
      ' ',
      '\n',
    );
    fc.assert(
      fc.property(fc.string({ unit }), fc.constantFrom('html', 'text'), context, (source, mode, values) => {
        try {
          compile(source, mode).render(values);
        } catch (error) {
          expect(error instanceof TemplateSyntaxError || error instanceof TemplateLimitError).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a source without tags renders as itself', () => {
    const source = fc.string({ unit: 'binary' }).filter((any) => !any.includes('{{'));
    fc.assert(fc.property(source, (any) => html(any) === any && text(any) === any));
  });

  test('no character of a value or a fallback can become markup', () => {
    const values = { a: `<">'`, b: 0, items: [{ a: `</p>` }, `'<'`], user: { name: `"<"` } };
    fc.assert(
      fc.property(escapingTemplate, (source) => !/[<>"']/.test(html(source, values))),
      { numRuns: 1000 },
    );
  });

  test('html and text differ by escaping alone', () => {
    fc.assert(
      fc.property(escapingTemplate, context, (source, values) => {
        fc.pre(!JSON.stringify(values).includes('&'));
        expect(decodeReferences(html(source, values))).toBe(text(source, values));
      }),
      { numRuns: 1000 },
    );
  });

  test('rendering again gives the same, and leaves the context alone', () => {
    fc.assert(
      fc.property(anyTemplate, context, (source, values) => {
        const before = structuredClone(values);
        const compiled = compile(source, 'html');
        expect(compiled.render(values)).toBe(compiled.render(values));
        expect(values).toEqual(before);
      }),
    );
  });
});
