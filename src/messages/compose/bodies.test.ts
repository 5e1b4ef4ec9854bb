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
