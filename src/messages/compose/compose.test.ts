import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Mailbox, parseMailbox } from '../../address.ts';
import { checkHeaders } from '../custom-headers.ts';
import { type ComposeInput, compose } from './compose.ts';
import { fieldNames, lintMessage } from './lint.ts';

const mailbox = (text: string): Mailbox => parseMailbox(text, 'to');

const base: ComposeInput = {
  id: 'msg_1',
  messageId: 'msg_1.abcd@example.com',
  date: Date.UTC(2026, 0, 2, 3, 4, 5),
  from: mailbox('Sender <sender@example.com>'),
  to: [mailbox('rcpt@example.net')],
  subject: 'Hello',
  text: 'Hello',
  boundarySeed: 'msg_1',
};

const source = (input: ComposeInput) => compose(input).content.toString('utf8');
/** The structure alone: content types in the order they stand. */
const types = (input: ComposeInput) =>
  [...source(input).matchAll(/^Content-Type: ([\w/+-]+)/gm)].map((match) => match[1]);

const png = {
  filename: 'logo.png',
  contentType: 'image/png',
  content: Buffer.from('89504e470d0a1a0a', 'hex'),
};
const logo = { ...png, contentId: 'logo@example.com' };
const pdf = {
  filename: 'Rechnung März.pdf',
  contentType: 'application/pdf',
  content: Buffer.alloc(100, '%PDF-1.7\n'),
};

describe('golden files', () => {
  test.each<[string, ComposeInput]>([
    [
      'password-reset',
      {
        ...base,
        subject: 'Reset your password',
        text: 'Somebody asked for a new password.\n\nhttps://example.com/reset?token=0123456789abcdef0123456789abcdef0123456789\n.\n',
        headers: { 'Auto-Submitted': 'auto-generated' },
      },
    ],
    [
      'newsletter',
      {
        ...base,
        from: mailbox('Café Müller, Köln <news@example.com>'),
        replyTo: mailbox('"Küche & Keller" <reply@example.com>'),
        to: [mailbox('Zoë <zoe@exämple.de>')],
        subject: 'Frühling im Café: neue Kuchen, längere Öffnungszeiten und ein Konzert am Samstag 🎻',
        preheader: 'Kuchen & Konzert',
        text: 'Liebe Zoë,\n\nder Frühling ist da.',
        html: '<!doctype html>\n<html lang="de"><body style="margin:0">\n<p>Liebe Zoë,</p><p>der Frühling ist da.</p>\n</body></html>\n',
        headers: {
          'List-Unsubscribe':
            '<https://example.com/u/0123456789abcdef0123456789abcdef>, <mailto:leave@example.com>',
          'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
          'X-Campaign': 'Frühling',
        },
      },
    ],
    [
      'invoice',
      {
        ...base,
        to: [mailbox('"Doe, Jane" <jane@example.net>'), mailbox('john@example.net')],
        cc: [mailbox('東京本社 <tokyo@example.org>')],
        subject: 'Your invoice',
        text: 'Your invoice is attached.',
        html: '<p><img src="cid:logo@example.com"> Your invoice is attached.</p>',
        attachments: [pdf, logo],
      },
    ],
  ])('%s', (name, input) => {
    const { content } = compose(input);
    expect(lintMessage(content)).toEqual([]);
    expect(content.toString('utf8')).toBe(
      readFileSync(new URL(`./fixtures/${name}.eml`, import.meta.url), 'utf8'),
    );
  });
});

describe('structure', () => {
  const html = '<p>Hello</p>';
  test.each<[string, Partial<ComposeInput>, string[]]>([
    ['text', {}, ['text/plain']],
    ['html', { text: undefined, html }, ['text/html']],
    ['nothing', { text: undefined }, ['text/plain']],
    ['text and html', { html }, ['multipart/alternative', 'text/plain', 'text/html']],
    ['text and a file', { attachments: [pdf] }, ['multipart/mixed', 'text/plain', 'application/pdf']],
    [
      'html and its image',
      { text: undefined, html, attachments: [logo] },
      ['multipart/related', 'text/html', 'image/png'],
    ],
    ['an image named by nothing', { attachments: [logo] }, ['multipart/mixed', 'text/plain', 'image/png']],
    [
      'everything',
      { html, attachments: [pdf, logo] },
      [
        'multipart/mixed',
        'multipart/alternative',
        'text/plain',
        'multipart/related',
        'text/html',
        'image/png',
        'application/pdf',
      ],
    ],
  ])('%s', (_, more, expected) => {
    expect(types({ ...base, ...more } as ComposeInput)).toEqual(expected);
  });

  test('the same input gives the same bytes, another seed other boundaries', () => {
    const input = { ...base, html, attachments: [pdf] };
    expect(compose(input).content.equals(compose({ ...input }).content)).toBe(true);
    expect(compose(input).content.equals(compose({ ...input, boundarySeed: 'msg_2' }).content)).toBe(false);
  });

  test('other bytes of a file have another hash', () => {
    const hash = (content: Buffer) => compose({ ...base, html, attachments: [{ ...pdf, content }] }).bodyHash;
    expect(hash(Buffer.from('one'))).toBe(hash(Buffer.from('one')));
    expect(hash(Buffer.from('one'))).not.toBe(hash(Buffer.from('two')));
  });

  test('a letter stays as it was made, whatever is made after it', () => {
    const made = Array.from({ length: 200 }, (_, at) => {
      const { content } = compose({ ...base, text: `${at} ü`.repeat(at * 20) });
      return { content, atFirst: content.toString() };
    });
    for (const { content, atFirst } of made) expect(content.toString()).toBe(atFirst);
  });

  test('no body can contain a boundary', () => {
    const boundary = /boundary="(.+)"/.exec(source({ ...base, html }))![1]!;
    const forged = source({ ...base, text: `x\n--${boundary}--\n`, html });
    expect(forged.split(`\r\n--${boundary}`)).toHaveLength(4);
  });
});

test('SMTPUTF8 is needed for international local parts in headers, and for nothing else', () => {
  const needs = (more: Partial<ComposeInput>) => compose({ ...base, ...more }).needsSmtpUtf8;
  expect(needs({})).toBe(false);
  expect(needs({ subject: 'Größe', to: [mailbox('Jösé <a@exämple.de>')], text: 'ü' })).toBe(false);
  for (const field of ['to', 'cc'] as const)
    expect(needs({ [field]: [mailbox('jösé@example.com')] })).toBe(true);
  for (const field of ['from', 'replyTo'] as const)
    expect(needs({ [field]: mailbox('jösé@example.com') })).toBe(true);
  expect(source({ ...base, to: [mailbox('jösé@example.com')] })).toContain('\r\nTo: jösé@example.com\r\n');
});

describe('no value becomes a header of its own', () => {
  const asked = fieldNames(compose({ ...base, replyTo: base.from }).content);
  test.each([
    ['CRLF', 'x\r\nBcc: evil@example.com'],
    ['CR', 'x\rBcc: evil@example.com'],
    ['LF', 'x\nBcc: evil@example.com'],
    ['two line ends', 'x\r\n\r\nbody'],
    ['a folded line', 'x\r\n Bcc: evil@example.com'],
    ['NUL', 'x\0\nBcc: evil@example.com'],
    ['U+0085', 'x\u0085Bcc: evil@example.com'],
    ['U+2028', 'x\u2028Bcc: evil@example.com'],
    ['an encoded-word', '=?utf-8?q?x=0d=0aBcc:_evil@example.com?='],
    ['an unfinished encoded-word', '=?utf-8?q?x=0d=0aBcc:'],
    ['a quote', 'x" <evil@example.com>, "y'],
    ['a backslash', 'x\\'],
    ['a very long word', 'x'.repeat(5000)],
    ['a half surrogate', 'x\ud83d'],
  ])('%s in a subject or a name', (_, value) => {
    const { content } = compose({
      ...base,
      subject: value,
      from: { ...base.from, name: value },
      replyTo: { ...base.from, name: value },
      to: [{ address: base.to[0]!.address, name: value }],
    });
    expect(lintMessage(content)).toEqual([]);
    expect(fieldNames(content)).toEqual(asked);
    expect(content.toString('latin1')).not.toContain('=0D');
  });

  test.each<[string, Partial<ComposeInput>]>([
    ['a custom header', { headers: { 'X-A': 'x\r\nBcc: evil@example.com' } }],
    ['the name of one', { headers: { 'X-A: x\r\nBcc': 'evil@example.com' } }],
    ['the Message-ID', { messageId: 'x>\r\nBcc: evil@example.com' }],
    ['our id', { id: 'x\nBcc: evil@example.com' }],
    ['a content type', { attachments: [{ ...pdf, contentType: 'a/b\r\n\r\nbody' }] }],
    ['a content id', { attachments: [{ ...pdf, contentId: 'x\0' }] }],
  ])('unchecked line breaks in %s are a bug, not a mail', (_, more) => {
    expect(() => compose({ ...base, ...more })).toThrow('contains a line break');
  });
});

test('custom headers keep their value, also folded and at their longest', () => {
  const references = Array.from({ length: 12 }, (_, n) => `<${n}.0123456789abcdef@example.com>`).join(' ');
  const headers = checkHeaders({
    References: references,
    'X-Long': 'y'.repeat(990),
    'X-Blanks': `a  b${' c'.repeat(60)}`,
  });
  const { content } = compose({ ...base, headers });
  expect(lintMessage(content)).toEqual([]);
  const unfolded = content.toString('utf8').replaceAll('\r\n ', ' ').split('\r\n');
  for (const [name, value] of Object.entries(headers)) expect(unfolded).toContain(`${name}: ${value}`);
});
