import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Context, compile, TemplateSyntaxError } from './mustache/index.ts';
import { scan } from './mustache/scan.ts';
import { htmlTemplate } from './mustache/testing.ts';
import { textPartOf } from './text-part.ts';

/** What a reader of the text part gets. */
function readerSees(html: string, values: Context): string {
  return compile(textPartOf(html), 'text').render(values);
}

describe('the words of a mail', () => {
  test.each([
    ['paragraphs', '<p>One\n two</p><p>three</p>', 'One two\n\nthree'],
    ['headings, not in capitals', '<h1>Big</h1><h3>Small</h3><p>x</p>', 'Big\n\nSmall\n\nx'],
    ['line breaks', 'a<br>b', 'a\nb'],
    ['lists', '<ul><li>a</li><li>b</li></ul><ol><li>c</li></ol>', '- a\n- b\n\n 1. c'],
    ['nested lists', '<ul><li>a<ul><li>b</li></ul></li></ul>', '- a\n  - b'],
    ['quotes', '<blockquote>a<br>b</blockquote>', '> a\n> b'],
    [
      'rows of a table',
      '<table><tr><th>Tea</th><th>2</th></tr><tr><td>Bun</td><td>1</td></tr></table>',
      'Tea 2\nBun 1',
    ],
    ['layout tables', '<table><tr><td><p>a</p><p>b</p></td></tr></table><center>c</center>', 'a\n\nb\n\nc'],
    [
      'links',
      'See <a href="https://example.com/?a=1&amp;b=2">the order</a>.',
      'See the order [https://example.com/?a=1&b=2].',
    ],
    [
      'links that show their address',
      '<a href="https://example.com">https://example.com</a>',
      'https://example.com',
    ],
    ['mail links', '<a href="mailto:ann@example.com">ann@example.com</a>', 'ann@example.com'],
    ['anchors', '<a href="#top">Top</a>', 'Top'],
    ['images', '<img src="a.png" alt="A shop"><img src="spacer.gif">', 'A shop'],
    [
      'linked images',
      '<a href="https://example.com"><img src="a.png" alt="Shop"></a>',
      'Shop [https://example.com]',
    ],
    ['entities', '&lt;b&gt; &amp; 5&nbsp;€', '<b> & 5 €'],
    ['broken HTML', '<p>a<div>b</p><b>c', 'a\n\nb\n\nc'],
    ['nothing', '', ''],
  ])('%s', (_what, html, text) => {
    expect(textPartOf(html)).toBe(text);
  });

  test.each([
    '<style>p { color: red }</style>',
    '<script>alert(1)</script>',
    '<!--[if mso]><p>Outlook</p><![endif]-->',
    '<title>Title</title>',
    '<div style="display:none">preheader</div>',
    '<div style="color:#fff; DISPLAY: none !important">preheader</div>',
    '<span style="mso-hide:all">preheader</span>',
    '<p style="visibility:hidden">preheader</p>',
    '<p hidden>preheader</p>',
  ])('without %s', (html) => {
    expect(textPartOf(`${html}<p>a</p>`)).toBe('a');
    expect(textPartOf(`<html><head>${html}</head><body>${html}<p>a</p></body></html>`)).toBe('a');
  });

  test('are not wrapped', () => {
    const long = 'word '.repeat(100).trim();
    expect(textPartOf(`<p>${long}</p>`)).toBe(long);
  });

  test('elements nested without end are cut, not fatal', () => {
    expect(textPartOf(`<p>a</p>${'<div>'.repeat(20_000)}b`)).toBe('a\n\n...');
  });
});

describe('tags', () => {
  test.each([
    ['in headings', '<h1>Hi {{ firstName }}</h1>', 'Hi {{ firstName }}'],
    ['in header cells', '<table><tr><th>{{ col }}</th></tr></table>', '{{ col }}'],
    [
      'longer than a line',
      `<p>{{ name | "${'word '.repeat(40)}" }}</p>`,
      `{{ name | "${'word '.repeat(40)}" }}`,
    ],
    [
      'in addresses',
      '<a href="https://example.com/{{ id }}?q={{{ q }}}">x</a>',
      'x [https://example.com/{{ id }}?q={{{ q }}}]',
    ],
    [
      'as addresses',
      '<a href="{{ unsubscribe_link }}">Unsubscribe</a>',
      'Unsubscribe [{{ unsubscribe_link }}]',
    ],
    ['as address and text', '<a href="{{ url }}">{{ url }}</a>', '{{ url }}'],
    ['in alternative texts', '<img src="{{ src }}" alt="Logo of {{ brand }}">', 'Logo of {{ brand }}'],
    ['with markup in a fallback', '<p>{{{ a | "<b>x</b>" }}}</p>', '{{{ a | "<b>x</b>" }}}'],
    ['unquoted', '<a href={{ url }}>x</a>', 'x [{{ url }}]'],
  ])('%s', (_where, html, text) => {
    expect(textPartOf(html)).toBe(text);
  });

  test('fallbacks in attributes come out with plain quotes', () => {
    expect(textPartOf('<img alt="{{ a | &quot;b c&quot; }}">')).toBe('{{ a | "b c" }}');
  });

  test('references inside plain quotes stay, else the quote would end early', () => {
    const html = '<p>{{ a | "say &quot;hi&quot;" }}</p>';
    expect(textPartOf(html)).toBe('{{ a | "say &quot;hi&quot;" }}');
    expect(readerSees(html, {})).toBe('say "hi"');
  });

  test('values are not escaped in the text part', () => {
    expect(readerSees('<p>{{ a }} &amp; {{ b | "c &amp; d" }}</p>', { a: '<3' })).toBe('<3 & c & d');
  });

  test('braces that are text do not become tags', () => {
    expect(textPartOf('<p>&#123;&#123; a }} {<b>{{ b }}</b>} {<i>{</i>{</p>')).toBe(
      '{ { a }} { {{ b }}} { { {',
    );
  });

  test('a tag that cannot be read is refused, as when compiling', () => {
    expect(() => textPartOf('<p>{{ a </p>')).toThrow(TemplateSyntaxError);
  });
});

describe('sections', () => {
  test('around list items', () => {
    const html = '<p>You have:</p><ul>{{#items}}<li>{{name}}</li>{{/items}}</ul><p>Bye</p>';
    expect(textPartOf(html)).toBe('You have:\n\n{{#items}}\n- {{name}}\n{{/items}}\n\nBye');
    expect(readerSees(html, { items: [{ name: 'Tea' }, { name: 'Bun' }] })).toBe(
      'You have:\n\n- Tea\n- Bun\n\nBye',
    );
  });

  test('around table rows', () => {
    const html =
      '<table><tbody>{{#items}}<tr><td>{{name}}</td><td>{{price}}</td></tr>{{/items}}{{^items}}<tr><td>None</td></tr>{{/items}}</tbody></table>';
    expect(
      readerSees(html, {
        items: [
          { name: 'Tea', price: 2 },
          { name: 'Bun', price: 1 },
        ],
      }),
    ).toBe('Tea 2\nBun 1\n');
    expect(readerSees(html, {})).toBe('None\n');
  });

  test('around paragraphs leave one blank line, shown or hidden', () => {
    const html = '<p>Hi</p>\n{{#vip}}\n<p>Dear</p>\n{{/vip}}\n{{^vip}}<p>Plain</p>{{/vip}}\n<p>Bye</p>';
    expect(readerSees(html, { vip: true })).toBe('Hi\n\nDear\n\nBye');
    expect(readerSees(html, {})).toBe('Hi\n\nPlain\n\nBye');
  });

  test('inside a sentence', () => {
    const html = '<p>Hi{{#vip}} dear{{/vip}} <b>{{ name }}</b>!</p>';
    expect(textPartOf(html)).toBe('Hi{{#vip}} dear{{/vip}} {{ name }}!');
  });

  test('that stand on one line get a line each', () => {
    expect(textPartOf('<p>a</p>{{/x}}{{^x}}<p>b</p>{{/x}}'.replace('<p>a', '{{#x}}<p>a'))).toBe(
      '{{#x}}\na\n\n{{/x}}\n{{^x}}\nb\n\n{{/x}}',
    );
  });

  test('inside an address or an attribute', () => {
    expect(textPartOf('<a href="{{#a}}{{a}}{{/a}}{{^a}}https://example.com{{/a}}">x</a>')).toBe(
      'x [{{#a}}{{a}}{{/a}}{{^a}}https://example.com{{/a}}]',
    );
    expect(textPartOf('<p {{#a}}class="a"{{/a}}>x</p>')).toBe('x');
  });

  test.each([
    '<p>a</p>{{#x}}<style>{{/x}}</style><p>b</p>',
    '<p>a</p><style>{{#x}}</style><p>{{/x}}</p><p>b</p>',
    '<p {{#x}}>a</p>{{/x}}<p>b</p>',
    '<p>a</p>{{#x}}{{#y}}<style>{{/y}}</style>{{/x}}<p>b</p>',
    '<p>a</p><style>{{#x}}{{^y}}</style>{{/y}}{{/x}}<p>b</p>',
    '<p>a</p>{{#x}}{{#y}}<style>{{/y}}</style>{{/x}}<style>{{#y}}</style>{{/y}}<p>b</p>',
  ])('without a visible partner are left out: %s', (html) => {
    expect(readerSees(html, { x: true })).toBe('a\n\nb');
  });
});

test('thousands of section tags without a visible partner cost little', () => {
  const lost = '<p>{{#x}}</p><style>{{/x}}{{#y}}</style><p>{{/y}}</p>'.repeat(5000);
  expect(textPartOf(`${lost}<p>{{#z}}a{{/z}}</p>`)).toBe('{{#z}}a{{/z}}');
});

describe('for any HTML template', () => {
  test('all tags in visible text are in the text part, in order and unchanged', () => {
    fc.assert(
      fc.property(htmlTemplate, (html) => {
        const tagsOf = (source: string) =>
          [...scan(source)].map(({ start, end }) => source.slice(start, end));
        const plain = tagsOf(html).map((tag) => (tag.includes('"') ? tag : tag.replaceAll('&quot;', '"')));
        expect(tagsOf(textPartOf(html))).toEqual(plain);
      }),
      { numRuns: 500 },
    );
  });

  test('the text part compiles when the HTML does', () => {
    const piece = fc.oneof(
      htmlTemplate,
      fc.constantFrom(
        '<style>',
        '</style>',
        '<p',
        '>',
        '<ul>',
        '<li>',
        '</ul>',
        '<td>',
        '<a href="',
        '">',
        '<pre>',
        '</pre>',
      ),
      fc.constantFrom(
        '&#123;',
        '{',
        '&#xe000;0&#xe001;',
        '&#xe000;',
        '<div hidden>',
        '</div>',
        '<blockquote>',
        '<!--',
        '-->',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const html = pieces.join(' ');
        expect(() => compile(html, 'html')).not.toThrow();
        expect(() => compile(textPartOf(html), 'text')).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });
});
