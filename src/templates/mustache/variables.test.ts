import { describe, expect, test } from 'vitest';
import { compile, missingFrom, type Variable } from './index.ts';

const PLAIN = { within: undefined, fallback: undefined, section: false, raw: false, required: true };

function variables(source: string): readonly Variable[] {
  return compile(source, 'html').variables;
}

function missing(source: string, context: Record<string, unknown>): string[] {
  return missingFrom(compile(source, 'html').variables)(context);
}

describe('variables', () => {
  test('come once each, in order of first use', () => {
    expect(variables('{{ b }}{{ user.name }}{{ a }}{{ b }}')).toEqual([
      { ...PLAIN, name: 'b' },
      { ...PLAIN, name: 'user.name' },
      { ...PLAIN, name: 'a' },
    ]);
  });

  test('tell raw use and the fallback as text', () => {
    expect(variables('{{{ html }}}{{ name | &quot;Tom &amp; Jerry&quot; }}')).toEqual([
      { ...PLAIN, name: 'html', raw: true },
      { ...PLAIN, name: 'name', fallback: 'Tom & Jerry', required: false },
    ]);
  });

  test('add up over several uses', () => {
    expect(variables('{{ a | "x" }}{{ a | "y" }}{{& a }}{{#a}}{{/a}}')).toEqual([
      { ...PLAIN, name: 'a', fallback: 'x', raw: true, section: true },
    ]);
  });

  test('within a section are apart from those outside', () => {
    expect(variables('{{ name }}{{#items}}{{ name }}{{#lines}}{{ name }}{{/lines}}{{/items}}')).toEqual([
      { ...PLAIN, name: 'name' },
      { ...PLAIN, name: 'items', section: true, required: false },
      { ...PLAIN, name: 'name', within: 'items', required: false },
      { ...PLAIN, name: 'lines', within: 'items', section: true, required: false },
      { ...PLAIN, name: 'name', within: 'lines', required: false },
    ]);
  });

  test('of an inverted section belong to its surroundings, but are not always printed', () => {
    expect(variables('{{^vip}}{{ name }}{{/vip}}')).toEqual([
      { ...PLAIN, name: 'vip', section: true, required: false },
      { ...PLAIN, name: 'name', required: false },
    ]);
  });

  test('do not include the item itself', () => {
    expect(
      variables('{{#tags}}{{.}}{{#.}}{{x}}{{/.}}{{/tags}}').map(({ name, within }) => [name, within]),
    ).toEqual([
      ['tags', undefined],
      ['x', 'tags'],
    ]);
  });

  test('include the unsubscribe link, which nobody has to give', () => {
    expect(variables('{{ unsubscribe_link }}')).toEqual([
      { ...PLAIN, name: 'unsubscribe_link', required: false },
    ]);
  });
});

describe('missing', () => {
  test('names what the context does not have', () => {
    const source = '{{ a }}{{ b }}{{ user.name }}{{ user.email }}{{ name.length }}{{ constructor }}';
    expect(missing(source, { b: 1, user: { name: 'Ann' }, name: 'Ann' })).toEqual([
      'a',
      'user.email',
      'name.length',
      'constructor',
    ]);
  });

  test('leaves out what is null, empty or false', () => {
    expect(missing('{{ a }}{{ b }}{{ c }}', { a: null, b: '', c: false })).toEqual([]);
  });

  test('leaves out fallbacks, sections, what stands in them, and built-in names', () => {
    expect(missing('{{ a | "x" }}{{#b}}{{ c }}{{/b}}{{^b}}{{ d }}{{/b}}{{ unsubscribe_link }}', {})).toEqual(
      [],
    );
  });

  test('counts a name that has a fallback in one place and none in another', () => {
    expect(missing('{{ a | "x" }}{{ a }}', {})).toEqual(['a']);
  });
});
