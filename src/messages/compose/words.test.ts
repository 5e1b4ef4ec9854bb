import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodedWords, filenameParameters } from './words.ts';

/** The decoder of RFC 2047 §4, for one word. A character split between two words would come out broken. */
function decodeWord(word: string): string {
  const [, encoding, payload] = /^=\?utf-8\?([QB])\?([^ ?]*)\?=$/.exec(word)!;
  if (encoding === 'B') return Buffer.from(payload!, 'base64').toString('utf8');
  const bytes = payload!
    .replaceAll('_', ' ')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

describe('encodedWords', () => {
  test.each([
    ['', []],
    ['Größe und Gewicht', ['=?utf-8?Q?Gr=C3=B6=C3=9Fe_und_Gewicht?=']],
    ['a_b? über alles', ['=?utf-8?Q?a=5Fb=3F_=C3=BCber_alles?=']],
    ['東京', ['=?utf-8?B?5p2x5Lqs?=']],
    ['=?utf-8?q?a=0d=0aBcc:x@y.com?=', ['=?utf-8?B?PT91dGYtOD9xP2E9MGQ9MGFCY2M6eEB5LmNvbT89?=']],
    [
      'Ihre Bestellung ist unterwegs und kommt bald: schöne Grüße',
      [
        '=?utf-8?Q?Ihre_Bestellung_ist_unterwegs_und_kommt_bald=3A_sch?=',
        '=?utf-8?Q?=C3=B6ne_Gr=C3=BC=C3=9Fe?=',
      ],
    ],
  ])('%j', (text, words) => {
    expect(encodedWords(text)).toEqual(words);
  });

  test('decode word by word to the text, each at most 64 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const words = encodedWords(text);
        expect(words.map(decodeWord).join('')).toBe(text);
        for (const word of words) expect(word.length).toBeLessThanOrEqual(64);
      }),
    );
  });
});

describe('filenameParameters', () => {
  test.each([
    ['invoice.pdf', ['filename="invoice.pdf"']],
    ['Übersicht.pdf', ['filename="Ubersicht.pdf"', "filename*=utf-8''%C3%9Cbersicht.pdf"]],
    ['請求書.pdf', ['filename="___.pdf"', "filename*=utf-8''%E8%AB%8B%E6%B1%82%E6%9B%B8.pdf"]],
    ['a"b.pdf', ['filename="a_b.pdf"', "filename*=utf-8''a%22b.pdf"]],
    ["it's 100%.txt", ['filename="it\'s 100_.txt"', "filename*=utf-8''it%27s%20100%25.txt"]],
    [
      `${'n'.repeat(60)}.pdf`,
      [`filename="${'n'.repeat(52)}.pdf"`, `filename*0*=utf-8''${'n'.repeat(56)}`, 'filename*1*=nnnn.pdf'],
    ],
  ])('%j', (filename, parameters) => {
    expect(filenameParameters(filename)).toEqual(parameters);
  });

  test('always say the whole name, in lines of at most 78 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 255 }), (filename) => {
        const parameters = filenameParameters(filename);
        for (const parameter of parameters) expect(` ${parameter};`.length).toBeLessThanOrEqual(78);
        const [plain, ...extended] = parameters;
        expect(plain).toMatch(/^filename="[^"\\\r\n]*"$/);
        const said = extended
          .map((parameter) => parameter.replace(/^filename\*(?:\d+\*)?=(?:utf-8'')?/, ''))
          .join('');
        expect(extended.length === 0 ? plain!.slice(10, -1) : decodeURIComponent(said)).toBe(filename);
      }),
    );
  });
});
