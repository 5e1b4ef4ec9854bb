import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wireContent } from './content.ts';

const sent = (text: string): string => wireContent(Buffer.from(text)).toString();

test.each([
  ['Hello\r\n', 'Hello\r\n'],
  ['', ''],
  ['no end', 'no end\r\n'],
  ['.', '..\r\n'],
  ['.\r\n', '..\r\n'],
  ['a\r\n.\r\nb\r\n', 'a\r\n..\r\nb\r\n'],
  ['a\r\n..b\r\n', 'a\r\n...b\r\n'],
  ['a\nb\n', 'a\r\nb\r\n'],
  ['a\rb\r', 'a\r\nb\r\n'],
  ['a\n.\nb', 'a\r\n..\r\nb\r\n'],
  ['a\r.\rb', 'a\r\n..\r\nb\r\n'],
  ['a\n\r\nb\r\n', 'a\r\n\r\nb\r\n'],
  ['a\r\r\nb\r\n', 'a\r\n\r\nb\r\n'],
  ['\r\n.\r\n', '\r\n..\r\n'],
])('%j crosses the wire as %j', (content, expected) => {
  expect(sent(content)).toBe(expected);
});

test('what needs no change is not copied', () => {
  const content = Buffer.from('Subject: Hello\r\n\r\nHello.\r\n');
  expect(wireContent(content)).toBe(content);
});

describe('whatever the content', () => {
  const nasty = fc
    .array(fc.constantFrom('.', '\r', '\n', '\r\n', 'a', '..', '\0', 'ü'), { maxLength: 40 })
    .map((parts) => parts.join(''));

  test('no bare CR, no bare LF and no lone dot leaves', () => {
    fc.assert(
      fc.property(nasty, (content) => {
        const bytes = sent(content);
        expect(bytes.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        expect(`\r\n${bytes}`).not.toContain('\r\n.\r\n');
        expect(bytes === '' || bytes.endsWith('\r\n')).toBe(true);
      }),
    );
  });

  test('the receiver gets its lines back', () => {
    fc.assert(
      fc.property(nasty, (content) => {
        const received = sent(content).replaceAll(/^\./gm, '');
        const lines = content.replaceAll(/\r\n|\r|\n/g, '\r\n');
        expect(received).toBe(lines === '' || lines.endsWith('\r\n') ? lines : `${lines}\r\n`);
      }),
    );
  });
});
