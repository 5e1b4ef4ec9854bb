import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { enhancedCode, type Malformed, parseReply, type Reply, ReplyParser, replyText } from './reply.ts';

function readAll(chunks: (string | Buffer)[]): (Reply | Malformed)[] {
  const parser = new ReplyParser();
  const replies: (Reply | Malformed)[] = [];
  for (const chunk of chunks) {
    parser.push(Buffer.from(chunk));
    for (let next = parser.next(); next; next = parser.next()) {
      replies.push(next);
      if ('malformed' in next) return replies;
    }
  }
  return replies;
}

describe('the parser', () => {
  test.each([
    ['250 Ok\r\n', [{ code: 250, lines: ['Ok'] }]],
    ['250\r\n', [{ code: 250, lines: [''] }]],
    ['250 Ok\n', [{ code: 250, lines: ['Ok'] }]],
    ['250-One\r\n250-Two\r\n250 Three\r\n', [{ code: 250, lines: ['One', 'Two', 'Three'] }]],
    [
      '250 A\r\n550 B\r\n',
      [
        { code: 250, lines: ['A'] },
        { code: 550, lines: ['B'] },
      ],
    ],
    ['550 Übergröße\r\n', [{ code: 550, lines: ['Übergröße'] }]],
    ['250-One\r\n', []],
    ['250 Ok', []],
  ])('reads %j', (bytes, replies) => {
    expect(readAll([bytes])).toEqual(replies);
  });

  test.each([
    ['Hello\r\n'],
    ['199 Too low\r\n'],
    ['600 Too high\r\n'],
    ['25 Ok\r\n'],
    ['2500 Ok\r\n'],
    ['250_Ok\r\n'],
    ['250-One\r\n251 Other code\r\n'],
    [`250 ${'x'.repeat(8_200)}\r\n`],
    ['x'.repeat(8_200)],
    ['250-on and on\r\n'.repeat(101)],
  ])('takes nothing for a reply that is none (%#)', (bytes) => {
    expect(readAll([bytes])).toEqual([{ malformed: expect.any(String) }]);
  });

  test('reads the same however the bytes are cut', () => {
    const line = fc.string({ maxLength: 40 }).map((text) => text.replace(/[\r\n]/g, ''));
    const reply = fc.record({
      code: fc.integer({ min: 200, max: 599 }),
      lines: fc.array(line, { minLength: 1, maxLength: 5 }),
    });
    fc.assert(
      fc.property(
        fc.array(reply, { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
        (replies, cuts) => {
          const bytes = Buffer.from(replies.map(written).join(''));
          expect(readAll(cutInto(bytes, cuts))).toEqual(replies);
        },
      ),
    );
  });

  test('knows whether anything is unread', () => {
    const parser = new ReplyParser();
    parser.push(Buffer.from('250 Ok\r\n421-Closing\r\n'));
    expect(parser.next()).toMatchObject({ code: 250 });
    expect(parser.hasUnread).toBe(true);
    expect(parser.next()).toBeUndefined();
    expect(parser.hasUnread).toBe(true);
    parser.push(Buffer.from('421 Bye\r\n'));
    expect(parser.next()).toMatchObject({ code: 421 });
    expect(parser.hasUnread).toBe(false);
  });

  test('says when more waits unread than anybody will want', () => {
    const parser = new ReplyParser();
    parser.push(Buffer.alloc(65_537));
    expect(parser.isOverfull).toBe(true);
  });
});

function written({ code, lines }: Reply): string {
  return lines.map((line, at) => `${code}${at === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join('');
}

function cutInto(bytes: Buffer, cuts: number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let from = 0, turn = 0; from < bytes.length; turn++) {
    const size = cuts[turn % cuts.length]!;
    chunks.push(bytes.subarray(from, from + size));
    from += size;
  }
  return chunks;
}

test('a shown reply has no control characters and nothing that turns the text around', () => {
  const text = replyText({ code: 550, lines: ['5.1.1 no\0 \x1b[31msuch\x07', '\u202euser', ''] });
  expect(text).toBe('550 5.1.1 no [31msuch\n550 user\n550');
});

test.each([
  [550, '5.1.1 No such user', '5.1.1'],
  [452, '4.2.2 Full', '4.2.2'],
  [250, '2.0.0 Ok', '2.0.0'],
  [550, '#5.7.1 Blocked', '5.7.1'],
  [550, 'No such user', undefined],
  [550, '4.1.1 A class that contradicts the code', undefined],
  [550, '5.1.1.1 Too long', '5.1.1'],
])('the enhanced code of %i %s is %s', (code, line, enhanced) => {
  expect(enhancedCode({ code, lines: [line] })).toBe(enhanced);
});

test.each([
  ['550 5.1.1 No such user', { code: 550, lines: ['5.1.1 No such user'] }],
  ['550-5.1.1 No such\n550 5.1.1 user', { code: 550, lines: ['5.1.1 No such', '5.1.1 user'] }],
  ['550-5.1.1 cut off in the middle', { code: 550, lines: ['5.1.1 cut off in the middle'] }],
  ['no code', undefined],
  ['', undefined],
])('a quoted reply %j is read', (text, reply) => {
  expect(parseReply(text)).toEqual(reply);
});
