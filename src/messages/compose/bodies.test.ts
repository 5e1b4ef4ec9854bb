import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joined, type Part } from '../../templates/mustache/index.ts';
import { type Body, encodeBody } from './bodies.ts';
import { type EncodedText, encodeText } from './encode.ts';

const bits = fc.constantFrom(
  ...['a', ' ', '\t', '.', '=', '\r', '\n', '\r\n', '\n.', ' \n', '\n\n', 'ü', '東京', '\ud83d', '\ude42'],
  ...[
    'x'.repeat(75),
    'x'.repeat(70),
    'name',
    'b',
    '<p class="row">',
    `${'y'.repeat(74)} `,
    `${'A line of a template.\n'.repeat(4)}`,
  ],
);
const text = fc.array(bits, { maxLength: 12 }).map((parts) => parts.join(''));
const part: fc.Arbitrary<Part> = fc.oneof(
  text,
  text.map((one) => ({ text: one })),
);

function encoded(parts: Body): EncodedText {
  const { encoding, body } = encodeBody(parts);
  return {
    encoding,
    body: body.map((one) => (typeof one === 'string' ? one : one.bytes.toString('latin1'))).join(''),
  };
}

test('pieces give the same bytes as the whole, the first time and every other', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const whole = encodeText(joined(parts));
      expect(encoded(parts)).toEqual(whole);
      expect(encoded(parts)).toEqual(whole);
      expect(encoded(joined(parts))).toEqual(whole);
    }),
    { numRuns: 2_000 },
  );
});

test('a text of a template keeps its lines, whatever stands around it', () => {
  const lines = { text: ` there,\n${'Lines = of the template.\n'.repeat(10)}Bye ` };
  for (const name of ['Ann', 'x'.repeat(80), 'ü', '.', '\r', '']) {
    const parts = ['Dear ', name, lines, name];
    expect(encoded(parts)).toEqual(encodeText(joined(parts)));
  }
});

/** Texts of the template are objects, values are strings. */
const at = (text: string): Part => ({ text });
test.each<[string, Part[]]>([
  ['a value with a dot at the beginning of a line', ['.x', at(' there\n')]],
  ['a text with a dot behind an empty value', [at('\n'), at('.x '), 'y', at('\n')]],
  ['the end of a line with a dot behind an empty value', [at('.x\nBye '), 'Ann']],
  ['a value that ends in a blank', ['Ann ', at('\n')]],
  ['a blank of the template before an empty value', [at('Dear '), at('\nBye '), 'Ann']],
  ['a blank of the template at the very end', [at('Dear '), 'Ann', at(' ')]],
  ['blanks on both sides of an empty value', [at('Dear '), at(' \nBye')]],
  ['halves of a character in two texts', [at('a\ud83d'), at('\ude42b'), 'c', at('\n')]],
  ['a CR in front of an LF', [at('a\r'), at('\nb'), 'c']],
  ['a value that is a CR', ['\r', at('\nb')]],
  ['a value of two lines', ['a\nb', at('\n')]],
  ['a value with what is escaped', ['a=b', at('\n')]],
  ...[74, 75, 76, 77].flatMap((length): [string, Part[]][] => [
    [`a line of ${length}`, [at('Dear '), 'x'.repeat(length - 6), at('!\n')]],
    [`a last line of ${length}`, [at('Dear '), 'x'.repeat(length - 5)]],
    [`a line of ${length} with what is escaped`, [at('a="'), 'x'.repeat(length - 6), at('"\n')]],
  ]),
])('%s is encoded as in the whole', (_, parts) => {
  const lines = at('Lines of the template.\n'.repeat(20)); // so that quoted-printable is the shorter one
  const all = [lines, ...parts];
  expect(encoded(all)).toEqual(encodeText(joined(all)));
  expect(encodeBody(all).encoding).toBe('quoted-printable');
});
