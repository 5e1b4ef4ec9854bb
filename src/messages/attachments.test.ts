import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkAttachments } from './attachments.ts';

const file = (more: Record<string, unknown> = {}) => ({ filename: 'a.pdf', content: 'aGVsbG8=', ...more });
const refusal = (code: string, more: Record<string, unknown> = {}) =>
  expect.objectContaining({ code, status: 422, ...more });

test('reads content, filename and type', () => {
  const content = Buffer.from('hello');
  expect(checkAttachments([file(), file({ filename: 'b.bin', contentType: 'image/png' })])).toEqual([
    { filename: 'a.pdf', contentType: 'application/pdf', content },
    { filename: 'b.bin', contentType: 'image/png', content },
  ]);
  expect(checkAttachments([])).toEqual([]);
});

describe('content', () => {
  test.each([
    ['aGVs\r\nbG8=\n', 'hello'],
    [' aGVs bG8= ', 'hello'],
    ['', ''],
    ['/+8=', '\xff\xef'],
  ])('takes %j', (content, expected) => {
    expect(checkAttachments([file({ content })])[0]!.content.toString('latin1')).toBe(expected);
  });

  test.each<[string, unknown]>([
    ['url-safe', '_-8='],
    ['without padding', 'aGVsbG8'],
    ['too much padding', 'aGVsbA==='],
    ['padding inside', 'aGVs=G8='],
    ['a data URL', 'data:text/plain;base64,aGVsbG8='],
    ['plain text', 'hello, world'],
    ['nothing', undefined],
    ['bytes as JSON', { type: 'Buffer', data: [1] }],
  ])('refuses %s and names the attachment', (_, content) => {
    expect(() => checkAttachments([file(), file({ filename: 'b.pdf', content })])).toThrow(
      refusal('attachment_encoding', {
        field: 'attachments[1].content',
        detail: { index: 1, filename: 'b.pdf' },
      }),
    );
  });

  test('any bytes come back as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        const content = Buffer.from(bytes).toString('base64').replace(/.{76}/g, '$&\r\n');
        expect([...checkAttachments([file({ content })])[0]!.content]).toEqual([...bytes]);
      }),
    );
  });
});

describe('size', () => {
  const sized = (bytes: number) => file({ content: Buffer.alloc(bytes).toString('base64') });

  test('is judged decoded and together', () => {
    expect(checkAttachments([sized(600), sized(400)], 1000)).toHaveLength(2);
    expect(() => checkAttachments([sized(600), sized(401), sized(5)], 1000)).toThrow(
      refusal('attachment_too_large', {
        status: 413,
        detail: { total: 1006, limit: 1000, sizes: [600, 401, 5] },
      }),
    );
  });

  test('is at most 10 MB when nothing else is said', () => {
    const limit = 10 * 1024 * 1024;
    expect(checkAttachments([sized(limit)])[0]!.content).toHaveLength(limit);
    expect(() => checkAttachments([sized(limit + 1)])).toThrow('10.0 MB is the limit');
  });

  test('a hundred files are enough', () => {
    const files = Array.from({ length: 101 }, () => file());
    expect(checkAttachments(files.slice(1))).toHaveLength(100);
    expect(() => checkAttachments(files)).toThrow(refusal('too_many_attachments'));
  });
});

describe('filename', () => {
  test.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\x\\report.pdf', 'report.pdf'],
    ['/a\\b/c.txt', 'c.txt'],
    ['  a.pdf. . ', 'a.pdf'],
    ['.profile', '.profile'],
    ['請求書 "März".pdf', '請求書 "März".pdf'],
    [`${'n'.repeat(300)}.pdf`, `${'n'.repeat(251)}.pdf`],
    ['🙂'.repeat(200), '🙂'.repeat(127)],
  ])('%j becomes %j', (filename, expected) => {
    expect(checkAttachments([file({ filename })])[0]!.filename).toBe(expected);
  });

  test.each([
    ['a\r\nBcc: x.pdf', 2],
    ['a\0.pdf', 2],
    ['a\u0085.pdf', 2],
    ['a\u2028.pdf', 2],
    ['invoice\u202efdp.exe', 8],
    ['dir\n/a.pdf', 4],
  ])('%j has a control character at %i', (filename, position) => {
    expect(() => checkAttachments([file({ filename })])).toThrow(
      refusal('control_character', { field: 'attachments[0].filename', detail: { position } }),
    );
  });

  test.each([undefined, null, 5, '', ' ', '.', '..', 'a/', '../..'])('%j is none', (filename) => {
    expect(() => checkAttachments([file({ filename })])).toThrow(refusal('filename_required'));
  });
});

describe('type', () => {
  test.each([
    ...['a.exe', 'a.js', 'a.bat', 'a.cmd', 'a.com', 'a.scr', 'a.vbs', 'a.msi', 'a.jar', 'a.ps1', 'a.lnk'],
    ...['A.EXE', 'invoice.pdf.exe', 'a.exe.', 'a.exe ', 'a.exe\u200b', 'a.ｅｘｅ', 'dir/a.exe'],
  ])('%j is refused', (filename) => {
    expect(() => checkAttachments([file({ filename })])).toThrow(
      refusal('attachment_type', {
        detail: expect.objectContaining({ refused: expect.arrayContaining(['exe', 'js']) }),
      }),
    );
  });

  test.each([
    ['a.PDF', undefined, 'application/pdf'],
    ['a.csv', '', 'text/csv'],
    ['a.unknown', null, 'application/octet-stream'],
    ['exe', undefined, 'application/octet-stream'],
    ['a.constructor', undefined, 'application/octet-stream'],
    ['a.txt', 'text/plain; charset=utf-8', 'text/plain; charset=utf-8'],
    ['a.eml', 'message/rfc822', 'application/octet-stream'],
    ['a.bin', 'Multipart/mixed', 'application/octet-stream'],
  ])('%s declared as %j is sent as %s', (filename, contentType, expected) => {
    expect(checkAttachments([file({ filename, contentType })])[0]!.contentType).toBe(expected);
  });

  test.each(['pdf', 'a/b\r\nBcc: x', 'a/b; name="x"', '/', 'a/', 5, 'a/b/c'])(
    '%j is no content type',
    (contentType) => {
      expect(() => checkAttachments([file({ contentType })])).toThrow(
        refusal('attachment_type', { field: 'attachments[0].contentType' }),
      );
    },
  );
});

test.each(['path', 'href', 'url', 'fileName', 'contentId'])('the field %s is unknown', (key) => {
  expect(() => checkAttachments([file({ [key]: 'x' })])).toThrow(
    refusal('unknown_field', { field: `attachments[0].${key}` }),
  );
});
