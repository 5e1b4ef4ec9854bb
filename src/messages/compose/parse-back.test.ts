import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import PostalMime from 'postal-mime';
import { describe, expect, test } from 'vitest';
import { type Mailbox, parseAddress } from '../../address.ts';
import { joined } from '../../templates/mustache/index.ts';
import { wireContent } from '../../transport/content.ts';
import type { Body } from './bodies.ts';
import { type ComposeInput, compose } from './compose.ts';
import { lintMessage } from './lint.ts';

/** A message as a reader sees it; in texts every line end is LF, and those at the end are dropped. */
interface Read {
  subject: string;
  from: [string, string][];
  to: [string, string][];
  cc: [string, string][];
  replyTo: [string, string][];
  text: string | undefined;
  html: string | undefined;
  attachments: { filename: string; contentType: string; content: string; contentId: string | undefined }[];
}

const lines = (body: Body | undefined) =>
  joined([body ?? []].flat())
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/\n+$/, '') || undefined;

/** Some readers show the domain in Unicode. */
const aLabel = (address = '') => parseAddress(address, 'read').address;

async function readByMailparser(content: Buffer): Promise<Read> {
  const mail = await simpleParser(content, {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
    keepCidLinks: true,
  });
  const list = (given: typeof mail.to) =>
    [given ?? []]
      .flat()
      .flatMap(({ value }) => value.map(({ name, address }): [string, string] => [name, aLabel(address)]));
  return {
    subject: mail.subject ?? '',
    from: list(mail.from),
    to: list(mail.to),
    cc: list(mail.cc),
    replyTo: list(mail.replyTo),
    text: lines(mail.text),
    html: lines(mail.html || undefined),
    attachments: mail.attachments.map((file) => ({
      filename: file.filename ?? '',
      contentType: file.contentType,
      content: file.content.toString('hex'),
      contentId: file.contentId,
    })),
  };
}

async function readByPostalMime(content: Buffer): Promise<Read> {
  const mail = await PostalMime.parse(content, { attachmentEncoding: 'arraybuffer' });
  const list = (given: typeof mail.to) =>
    (given ?? []).map(({ name, address }): [string, string] => [name, aLabel(address)]);
  return {
    subject: mail.subject ?? '',
    from: list(mail.from && [mail.from]),
    to: list(mail.to),
    cc: list(mail.cc),
    replyTo: list(mail.replyTo),
    text: lines(mail.text),
    html: lines(mail.html),
    attachments: mail.attachments.map((file) => ({
      filename: file.filename ?? '',
      contentType: file.mimeType,
      content: Buffer.from(file.content as ArrayBuffer).toString('hex'),
      contentId: file.contentId,
    })),
  };
}

/** What both readers should find: the input itself, with the blanks that no header keeps taken out. */
function expected(input: ComposeInput): Read {
  const flat = (text: string) =>
    text
      .toWellFormed()
      .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
      .trim();
  const list = (mailboxes: readonly Mailbox[] = []) =>
    mailboxes.map(({ name, address }): [string, string] => [flat(name ?? ''), address.address]);
  return {
    subject: flat(input.subject),
    from: list([input.from]),
    to: list(input.to),
    cc: list(input.cc),
    replyTo: list(input.replyTo && [input.replyTo]),
    text: lines(input.text),
    html: lines(input.html),
    attachments: (input.attachments ?? []).map((file) => ({
      filename: file.filename,
      contentType: file.contentType,
      content: file.content.toString('hex'),
      contentId: file.contentId && `<${file.contentId}>`,
    })),
  };
}

async function expectReadBack(input: ComposeInput): Promise<void> {
  const { content } = compose(input);
  expect(lintMessage(content)).toEqual([]);
  expect(await readByMailparser(content)).toEqual(expected(input));
  expect(await readByPostalMime(content)).toEqual(expected(input));
}

const mailbox = (address: string, name?: string): Mailbox => ({
  ...(name === undefined ? {} : { name }),
  address: parseAddress(address, 'to'),
});

const base: ComposeInput = {
  id: 'msg_1',
  messageId: 'msg_1.abcd@example.com',
  date: Date.UTC(2026, 0, 2, 3, 4, 5),
  from: mailbox('sender@example.com', 'Sender'),
  to: [mailbox('rcpt@example.net')],
  subject: 'Hello',
  text: 'Hello',
  boundarySeed: 'msg_1',
};

const png = Buffer.from('89504e470d0a1a0a', 'hex');
const pdf = { filename: 'a.pdf', contentType: 'application/pdf', content: Buffer.alloc(200, 'pdf\r\n.\r\n') };

describe('two independent parsers read what was meant', () => {
  test.each<[string, Partial<ComposeInput>]>([
    ['text', {}],
    ['html', { text: undefined, html: '<p>Hello</p>' }],
    ['text and html', { html: '<p>Grüße</p>\n<p>.</p>' }],
    ['an attachment', { html: '<p>Hello</p>', attachments: [pdf] }],
    [
      'an inline image',
      {
        html: '<img src="cid:logo@x">',
        attachments: [
          { filename: 'l.png', contentType: 'image/png', content: png, contentId: 'logo@x' },
          pdf,
        ],
      },
    ],
    ['an empty attachment', { attachments: [{ ...pdf, content: Buffer.alloc(0) }] }],
    ['a long subject', { subject: 'word '.repeat(60) }],
    ['a long subject without blanks', { subject: 'x'.repeat(2000) }],
    ['a long subject in Japanese', { subject: '東京都'.repeat(100) }],
    ['a subject that looks encoded', { subject: '=?utf-8?q?a=0d=0aBcc:_x@y.com?=' }],
    ['an empty subject', { subject: '' }],
    [
      'names with specials',
      {
        from: mailbox('a@example.com', 'Acme, "Best" <Inc> \\ (x)'),
        replyTo: mailbox('r@example.com', 'Jörg & Söhne'),
      },
    ],
    [
      'many recipients',
      {
        to: Array.from({ length: 40 }, (_, n) => mailbox(`rcpt${n}@example.com`, `Recipient ${n}`)),
        cc: [mailbox('cc@example.com', 'Ünal')],
      },
    ],
    ['an international address', { to: [mailbox('jösé@example.com', 'José')] }],
    ['an international domain', { to: [mailbox('a@exämple.de')] }],
    [
      'bodies that look like MIME',
      { text: '--=_x\r\nContent-Type: text/html\r\n\r\n.\r\n', html: '=_\r\n--' },
    ],
    [
      'filenames',
      {
        attachments: [
          'Übersicht "2".pdf',
          '請求書.pdf',
          `${'long '.repeat(40)}.pdf`,
          '👩‍👩‍👧.png',
          "it's 100%.txt",
        ].map((filename) => ({ ...pdf, filename })),
      },
    ],
  ])('%s', async (_, more) => {
    await expectReadBack({ ...base, ...more } as ComposeInput);
  });
});

/** Pieces of text that have hurt mailers, beside any character of Unicode. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }).map((raw) => raw.replaceAll('\0', '')),
      fc.constantFrom(
        ' ',
        '.',
        '=',
        '=?',
        '?=',
        '_',
        '"',
        '\\',
        ',',
        ';',
        '<',
        '>',
        '(',
        ':',
        '@',
        'ü',
        '🙂',
        'שלום',
        '東京',
        'x'.repeat(100),
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
const body = fc
  .array(
    fc.oneof(
      text,
      fc.constantFrom('\r', '\n', '\r\n', '\r\n.\r\n', '\n.\n', '\r.\r', 'From ', '\t', 'a'.repeat(1200)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => `body${parts.join('')}|`);
const filename = text.map(
  (raw) =>
    `f${raw
      .toWellFormed()
      .replace(/[\p{Cc}\p{Zl}\p{Zp}/\\]/gu, '')
      .slice(0, 80)
      .toWellFormed()}.pdf`,
);
const someMailbox = fc.option(text, { nil: undefined }).map((name) => mailbox('someone@example.com', name));

const anyInput = fc.record({
  subject: text,
  from: someMailbox,
  to: fc.array(someMailbox, { minLength: 1, maxLength: 3 }),
  cc: fc.array(someMailbox, { maxLength: 2 }),
  text: fc.option(body, { nil: undefined }),
  html: fc.option(body, { nil: undefined }),
  attachments: fc.array(
    fc.record({
      filename,
      contentType: fc.constantFrom('application/pdf', 'image/png', 'text/csv'),
      content: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    }),
    { maxLength: 2 },
  ),
});

test('whatever is sent, both parsers agree with it', async () => {
  await fc.assert(
    fc.asyncProperty(anyInput, (more) => expectReadBack({ ...base, ...more } as ComposeInput)),
    { numRuns: 300 },
  );
});

describe('wire form', () => {
  test('is what all content has, whatever is sent', () => {
    const start = fc.constantFrom('.', '..\r\n.', '.\n.\r.', ' .', '=.', `${'x'.repeat(75)}.`);
    const dotted = fc.record({ subject: start, text: start, html: start });
    fc.assert(
      fc.property(anyInput, fc.oneof(fc.constant({}), dotted), (more, dots) => {
        const { content, isWireForm } = compose({ ...base, ...more, ...dots } as ComposeInput);
        expect(isWireForm).toBe(true);
        expect(wireContent(content)).toBe(content);
      }),
    );
  });

  test('is missing where the name of a header starts with a dot', () => {
    const { content, isWireForm } = compose({ ...base, headers: { '.X': 'y' } } as ComposeInput);
    expect(isWireForm).toBe(false);
    expect(wireContent(content)).not.toBe(content);
  });
});
