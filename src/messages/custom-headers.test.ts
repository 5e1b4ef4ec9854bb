import { expect, test } from 'vitest';
import { checkHeaders } from './custom-headers.ts';

test('takes the headers that belong to the caller', () => {
  const headers = {
    'List-Unsubscribe': '<https://example.com/u/1>, <mailto:leave@example.com>',
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    'In-Reply-To': '<1@example.com>',
    References: '<1@example.com> <2@example.com>',
    'X-Entity-Ref-ID': '42',
    'X-Anything-Else': 'Größe 🙂',
    Precedence: 'bulk',
    'Auto-Submitted': 'auto-generated',
    'Feedback-ID': 'a:b:c:d',
    Importance: 'high',
    'X-Priority': '1',
  };
  expect(checkHeaders(headers)).toEqual(headers);
  expect(checkHeaders({ 'X-A': '  b ' })).toEqual({ 'X-A': 'b' });
  expect(checkHeaders({})).toEqual({});
});

test.each([
  ...[
    'Bcc',
    'To',
    'cc',
    'FROM',
    'Reply-To',
    'Subject',
    'Sender',
    'Date',
    'Message-ID',
    'MIME-Version',
    'Return-Path',
  ],
  ...['Received', 'Received-SPF', 'DKIM-Signature', 'ARC-Seal', 'Authentication-Results', 'Resent-To'],
  ...[
    'Content-Type',
    'content-transfer-encoding',
    'X-SES-CONFIGURATION-SET',
    'X-MC-Tags',
    'X-PM-Tag',
    'X-SMTPAPI',
  ],
  ...['X-Mailgun-Variables', 'X-MJ-CustomID', 'X-MSYS-API', 'X-Mailwright-ID'],
])('%s is not allowed', (name) => {
  expect(() => checkHeaders({ [name]: 'x' })).toThrow(
    expect.objectContaining({ code: 'header_not_allowed', field: `headers.${name}`, status: 422 }),
  );
});

test('a header that is a field of the message names the field', () => {
  expect(() => checkHeaders({ 'Reply-To': 'a@example.com' })).toThrow('use the field replyTo');
});

test.each<[string, string, unknown]>([
  ['an empty name', '', 'x'],
  ['a blank in the name', 'X A', 'x'],
  ['a blank behind the name', 'Bcc ', 'x'],
  ['a colon in the name', 'X-A: b', 'x'],
  ['a line break in the name', 'X-A\r\nBcc', 'x'],
  ['a letter that is not ASCII', 'X-Größe', 'x'],
  ['a long name', 'X'.repeat(77), 'x'],
  ['CRLF', 'X-A', 'x\r\nBcc: y@example.com'],
  ['CR', 'X-A', 'x\rBcc: y@example.com'],
  ['LF', 'X-A', 'x\nBcc: y@example.com'],
  ['a folded line', 'X-A', 'x\r\n y'],
  ['a line end at the end', 'X-A', 'x\n'],
  ['NUL', 'X-A', 'x\0'],
  ['a tab', 'X-A', 'x\ty'],
  ['U+0085', 'X-A', 'x\u0085y'],
  ['U+2028', 'X-A', 'x\u2028y'],
  ['a half surrogate', 'X-A', 'x\ud800'],
  ['a long value', 'X-A', 'x'.repeat(994)],
  ['a value of long characters', 'X-A', 'ü'.repeat(497)],
  ['an empty value', 'X-A', ' '],
  ['a number', 'X-A', 1],
  ['a list', 'X-A', ['x']],
])('%s is invalid', (_, name, value) => {
  expect(() => checkHeaders({ [name]: value })).toThrow(
    expect.objectContaining({ code: 'header_invalid', status: 422 }),
  );
});

test('a value may fill its line to the last byte', () => {
  expect(checkHeaders({ 'X-A': 'x'.repeat(993) })).toEqual({ 'X-A': 'x'.repeat(993) });
});

test('the same header in two spellings is invalid', () => {
  expect(() => checkHeaders({ 'X-A': '1', 'x-a': '2' })).toThrow('twice');
});

test('fifty headers are enough', () => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`X-${n}`, 'x']));
  expect(Object.keys(checkHeaders(many(50)))).toHaveLength(50);
  for (const count of [51, 10_000]) {
    expect(() => checkHeaders(many(count))).toThrow(
      expect.objectContaining({ code: 'header_invalid', detail: { count, limit: 50 } }),
    );
  }
});

test('a name from the prototype is a name like any other', () => {
  const checked = checkHeaders(JSON.parse('{"__proto__": "x", "constructor": "y"}'));
  expect(Object.entries(checked)).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
});
