import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { base64Lines, encodeText, quotedPrintable } from './encode.ts';

/** The decoder of RFC 2045 §6.7, in two steps. */
function decodeQp(encoded: string): string {
  const bytes = encoded
    .replaceAll('=\r\n', '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

const withCrlf = (text: string) => text.toWellFormed().replace(/\r\n?|\n/g, '\r\n');
/** Texts that reach the rules: long lines, blanks and dots at the ends of lines, every line end, every plane. */
const texts = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '\n.\n',
        '\r.\r',
        ' ',
        '\t',
        '.',
        '=',
        '=20',
        'From ',
        'a'.repeat(80),
        'ü',
        '🙂',
        'שלום',
        '\u2028',
      ),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

describe('quotedPrintable', () => {
  test.each([
    ['', ''],
    ['plain', 'plain'],
    ['a=b', 'a=3Db'],
    ['Grüße 🙂', 'Gr=C3=BC=C3=9Fe =F0=9F=99=82'],
    ['a\nb\rc\r\nd\n\re', 'a\r\nb\r\nc\r\nd\r\n\r\ne'],
    ['a \nb\t\r\nc ', 'a=20\r\nb=09\r\nc=20'],
    ['a b\tc', 'a b\tc'],
    ['.\n.a\n..\na.b', '=2E\r\n=2Ea\r\n=2E.\r\na.b'],
    ['a\0b\u0001\u007f', 'a=00b=01=7F'],
    ['x'.repeat(75), 'x'.repeat(75)],
    ['x'.repeat(76), `${'x'.repeat(75)}=\r\nx`],
    [`${'x'.repeat(75)}.`, `${'x'.repeat(75)}=\r\n=2E`],
    [`${'x'.repeat(73)}ü`, `${'x'.repeat(73)}=\r\n=C3=BC`],
    [`${'x'.repeat(72)}ü`, `${'x'.repeat(72)}=C3=\r\n=BC`],
    [`${'x'.repeat(74)} \n`, `${'x'.repeat(74)}=\r\n=20\r\n`],
  ])('%j', (text, encoded) => {
    expect(quotedPrintable(text)).toBe(encoded);
  });

  test('keeps every text, in lines no server touches', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const encoded = quotedPrintable(text);
        expect(decodeQp(encoded)).toBe(withCrlf(text));
        for (const line of encoded.split('\r\n'))
          expect(line).toMatch(/^(?!\.)[\t\x20-\x7e]{0,76}(?<![\t ])$/);
      }),
    );
  });
});

describe('base64Lines', () => {
  test.each([0, 1, 56, 57, 58, 113, 114, 115, 1000])('%i bytes', (size) => {
    const content = Buffer.alloc(size, 'content');
    const encoded = base64Lines(content).toString('latin1');
    expect(encoded.replaceAll('\r\n', '')).toBe(content.toString('base64'));
    const lines = encoded.split('\r\n');
    expect(lines.slice(0, -1).every((line) => line.length === 76)).toBe(true);
    expect(lines.at(-1)!.length).toBe(size === 0 ? 0 : ((Math.ceil(size / 3) * 4 - 1) % 76) + 1);
  });
});

describe('encodeText', () => {
  test('takes the shorter encoding', () => {
    expect(encodeText('Sehr geehrte Damen und Herren, schöne Grüße').encoding).toBe('quoted-printable');
    expect(encodeText('Здравствуйте').encoding).toBe('base64');
    expect(encodeText('').encoding).toBe('quoted-printable');
  });

  test('gives base64 the line ends of text, too', () => {
    const { encoding, body } = encodeText('東京\n京都\r大阪');
    expect(encoding).toBe('base64');
    expect(Buffer.from(body, 'base64').toString()).toBe('東京\r\n京都\r\n大阪');
  });

  test('is never longer than the other encoding', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const { body } = encodeText(text);
        expect(body.length).toBeLessThanOrEqual(base64Lines(Buffer.from(withCrlf(text))).length);
        expect(body.length).toBeLessThanOrEqual(quotedPrintable(text).length);
      }),
    );
  });
});
