import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MessageReader } from './message-reader.ts';

/** Feeds `stream` in pieces of `size` bytes; returns the content and how many bytes belonged to it. */
function read(stream: string, size: number, limit = 1_000): { content: string; taken: number } | undefined {
  const reader = new MessageReader(limit);
  const bytes = Buffer.from(stream);
  for (let from = 0; from < bytes.length; from += size) {
    const end = reader.take(bytes.subarray(from, from + size));
    if (end >= 0) return { content: reader.content().toString(), taken: from + end };
  }
  return undefined;
}

test.each([
  ['Hello\r\n.\r\n', 'Hello\r\n'],
  ['.\r\n', ''],
  ['\r\n.\r\n', '\r\n'],
  ['..\r\n.\r\n', '.\r\n'],
  ['a\r\n..\r\n...b\r\n.\r\n', 'a\r\n.\r\n..b\r\n'],
  ['a\n.\nb\r\n.\r\n', 'a\n.\nb\r\n'],
  ['a\r\n.\nb\r\n.\r\n', 'a\r\n\nb\r\n'],
])('%j holds %j, however it is cut', (stream, content) => {
  for (let size = 1; size <= stream.length; size++) {
    expect(read(`${stream}QUIT\r\n`, size), `in pieces of ${size}`).toEqual({
      content,
      taken: stream.length,
    });
  }
});

test('without the terminator there is no message', () => {
  expect(read('Hello\r\n.', 3)).toBeUndefined();
});

test('any stuffed text comes back', () => {
  const text = fc
    .array(fc.constantFrom('.', '\r\n', 'a', '..', 'ü'), { maxLength: 30 })
    .map((parts) => `${parts.join('')}\r\n`);
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 9 }), (content, size) => {
      const stream = `${content.replaceAll(/^\./gm, '..')}.\r\n`;
      expect(read(stream, size)?.content).toBe(content);
    }),
  );
});

test('what is too large is thrown away, and its end is still found', () => {
  const reader = new MessageReader(10);
  expect(reader.take(Buffer.from('more than ten\r\n'))).toBe(-1);
  expect(reader.isTooLarge).toBe(true);
  expect(reader.take(Buffer.from('.\r\nQUIT\r\n'))).toBe(3);
  expect(reader.content()).toHaveLength(0);
});
