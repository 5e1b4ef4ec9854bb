import { describe, expect, test } from 'vitest';
import comments from './fixtures/comments.json' with { type: 'json' };
import interpolation from './fixtures/interpolation.json' with { type: 'json' };
import inverted from './fixtures/inverted.json' with { type: 'json' };
import sections from './fixtures/sections.json' with { type: 'json' };
import { type Context, compile } from './index.ts';

interface Case {
  name: string;
  desc: string;
  /** Mostly an object; some cases render a bare string, number or list. */
  data: unknown;
  template: string;
  expected: string;
}

const SUITES: readonly [string, readonly Case[]][] = [
  ['comments', comments.tests],
  ['interpolation', interpolation.tests],
  ['inverted', inverted.tests],
  ['sections', sections.tests],
];

test('the specification is here in full', () => {
  expect(SUITES.map(([, cases]) => cases.length)).toEqual([12, 42, 22, 34]);
});

describe.each(SUITES)('%s of the Mustache specification', (_name, cases) => {
  test.each(cases)('$name: $desc', ({ data, template, expected }) => {
    expect(compile(template, 'html').render(data as Context)).toBe(expected);
  });
});
