import { describe, expect, test } from 'vitest';
import { parseMailbox } from '../../address.ts';
import { dateTokens, headerField, mailboxTokens, textTokens, valueTokens } from './headers.ts';

describe('headerField', () => {
  const long = 'x'.repeat(80);
  test.each<[string[], string]>([
    [[], 'Name:\r\n'],
    [['a', 'b'], 'Name: a b\r\n'],
    [['a'.repeat(35), 'b'.repeat(34)], `Name: ${'a'.repeat(35)} ${'b'.repeat(34)}\r\n`], // 76 characters
    [['a'.repeat(35), 'b'.repeat(35)], `Name: ${'a'.repeat(35)}\r\n ${'b'.repeat(35)}\r\n`],
    [[long, long], `Name: ${long}\r\n ${long}\r\n`],
    [[`=?utf-8?Q?${long}?=`], `Name:\r\n =?utf-8?Q?${long}?=\r\n`],
  ])('folds %j', (tokens, field) => {
    expect(headerField('Name', tokens)).toBe(field);
  });
});

test.each<[string, string[]]>([
  ['', []],
  [' \r\n ', []],
  ['Hello, world', ['Hello, world']],
  ['a\r\nb', ['a b']],
  [`${'x'.repeat(60)}  y z`, [`${'x'.repeat(60)}  y`, 'z']],
  ['a  b c', ['a  b c']],
  [`${'x'.repeat(60)}  yy z`, [`${'x'.repeat(60)}  yy`, 'z']],
  ['Größe und Gewicht', ['=?utf-8?Q?Gr=C3=B6=C3=9Fe_und_Gewicht?=']],
  ['x'.repeat(64), ['x'.repeat(64)]],
  ['x'.repeat(65), [`=?utf-8?Q?${'x'.repeat(52)}?=`, `=?utf-8?Q?${'x'.repeat(13)}?=`]],
])('textTokens(%j)', (text, tokens) => {
  expect(textTokens(text)).toEqual(tokens);
});

test.each<[string, string[]]>([
  [
    '<https://example.com/?a==?b>, <mailto:a@example.com>',
    ['<https://example.com/?a==?b>,', '<mailto:a@example.com>'],
  ],
  ['=?utf-8?Q?x?=', ['=?utf-8?Q?x?=']],
  ['Größe und Gewicht', ['=?utf-8?Q?Gr=C3=B6=C3=9Fe_und_Gewicht?=']],
  ['x'.repeat(500), ['x'.repeat(500)]],
])('valueTokens(%j)', (value, tokens) => {
  expect(valueTokens(value)).toEqual(tokens);
});

test.each<[string, string[]]>([
  ['a@example.com', ['a@example.com']],
  ['Jane Doe <a@example.com>', ['Jane Doe', '<a@example.com>']],
  ['John Q. Public <a@example.com>', ['"John Q. Public"', '<a@example.com>']],
  ['"a \\"b\\" \\\\ c" <a@example.com>', ['"a \\"b\\" \\\\ c"', '<a@example.com>']],
  ['two  blanks <a@example.com>', ['"two  blanks"', '<a@example.com>']],
  ['Zoë und ihre Freunde <a@example.com>', ['=?utf-8?Q?Zo=C3=AB_und_ihre_Freunde?=', '<a@example.com>']],
  ['=?utf-8?Q?x?= <a@example.com>', ['=?utf-8?B?PT91dGYtOD9RP3g/PQ==?=', '<a@example.com>']],
])('mailboxTokens(%j)', (mailbox, tokens) => {
  expect(mailboxTokens([parseMailbox(mailbox, 'to')])).toEqual(tokens);
});

test('mailboxTokens separates mailboxes by commas', () => {
  const list = ['A <a@example.com>', 'b@example.com', 'c@example.com'].map((one) => parseMailbox(one, 'to'));
  expect(mailboxTokens(list).join(' ')).toBe('A <a@example.com>, b@example.com, c@example.com');
});

test('dateTokens is UTC in the form of RFC 5322', () => {
  expect(dateTokens(Date.UTC(2026, 1, 3, 4, 5, 6, 789))).toEqual(['Tue, 03 Feb 2026 04:05:06 +0000']);
});
