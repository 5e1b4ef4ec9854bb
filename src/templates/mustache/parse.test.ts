import { describe, expect, test } from 'vitest';
import { TemplateLimitError, TemplateSyntaxError } from './errors.ts';
import { parse } from './parse.ts';

function nested(depth: number): string {
  return '{{#a}}'.repeat(depth) + '{{/a}}'.repeat(depth);
}

describe('the tree', () => {
  test('has a branch for each section', () => {
    expect(parse('a{{#b}}c{{^d}}e{{/d}}{{/b}}{{ f | "g" }}')).toEqual([
      { kind: 'text', text: 'a' },
      {
        kind: 'section',
        name: 'b',
        children: [
          { kind: 'text', text: 'c' },
          { kind: 'inverted', name: 'd', children: [{ kind: 'text', text: 'e' }] },
        ],
      },
      { kind: 'variable', name: 'f', raw: false, fallback: 'g' },
    ]);
  });

  test('joins the text around a comment', () => {
    expect(parse('a{{! b }}c')).toEqual([{ kind: 'text', text: 'ac' }]);
  });

  test('keeps a line that holds two tags: it is not standalone', () => {
    expect(parse('{{#a}}{{/a}}\n')).toEqual([
      { kind: 'section', name: 'a', children: [] },
      { kind: 'text', text: '\n' },
    ]);
  });
});

describe('sections that do not pair', () => {
  test.each([
    ['<p>\n  {{#items}}\n</p>', 2, 3, 'the section {{#items}} is never closed. Add {{/items}}.'],
    ['{{#a}}{{^b}}{{/b}}', 1, 1, 'the section {{#a}} is never closed. Add {{/a}}.'],
    ['x {{^b}}', 1, 3, 'the section {{^b}} is never closed. Add {{/b}}.'],
    [
      'a\n{{/items}}',
      2,
      1,
      '{{/items}} closes a section that is not open. Remove it, or add {{#items}} before it.',
    ],
    [
      '{{#a}}\n{{#b}}\n {{/a}}{{/b}}',
      3,
      2,
      '{{/a}} stands where {{/b}} is due, which closes {{#b}} of line 2.',
    ],
  ])('%j', (source, line, column, sentence) => {
    expect(() => parse(source)).toThrow(
      expect.objectContaining({ line, column, message: `Line ${line}, column ${column}: ${sentence}` }),
    );
    expect(() => parse(source)).toThrow(TemplateSyntaxError);
  });
});

describe('depth', () => {
  test('32 sections inside each other are read', () => {
    expect(parse(nested(32))).toHaveLength(1);
  });

  test('the 33rd is refused where it opens', () => {
    expect(() => parse(`\n${nested(33)}`)).toThrow(TemplateLimitError);
    expect(() => parse(`\n${nested(33)}`)).toThrow(
      `Line 2, column ${32 * 6 + 1}: sections nest deeper than 32.`,
    );
  });

  test('a million is refused as calmly', () => {
    expect(() => parse(nested(1_000_000))).toThrow(TemplateLimitError);
  });
});
