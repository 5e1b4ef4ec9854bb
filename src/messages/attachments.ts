import { AppError } from '../errors.ts';

export interface Attachment {
  readonly filename: string;
  readonly contentType: string;
  readonly content: Buffer;
}

export const DEFAULT_MAX_ATTACHMENT_BYTES = 10 * 1024 * 1024; // of all attachments of a message, decoded
const MAX_ATTACHMENTS = 100;
const MAX_FILENAME_CHARS = 255;
const FIELDS: ReadonlySet<string> = new Set(['content', 'filename', 'contentType']);

/** What mailboxes refuse because it runs when opened; the list that Gmail publishes. */
const EXECUTABLE_EXTENSIONS: ReadonlySet<string> = new Set(
  (
    'ade adp apk appx appxbundle bat cab chm cmd com cpl diagcab dll dmg ex ex_ exe hta img ins iso isp jar jnlp js jse ' +
    'lib lnk mde mjs msc msi msix msixbundle msp mst nsh pif ps1 scr sct shb sys vb vbe vbs vhd vxd wsc wsf wsh xll'
  ).split(' '),
);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  gif: 'image/gif',
  htm: 'text/html',
  html: 'text/html',
  ics: 'text/calendar',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  odt: 'application/vnd.oasis.opendocument.text',
  pdf: 'application/pdf',
  png: 'image/png',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  svg: 'image/svg+xml',
  txt: 'text/plain',
  vcf: 'text/vcard',
  webp: 'image/webp',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  xml: 'application/xml',
  zip: 'application/zip',
};
const UNKNOWN_TYPE = 'application/octet-stream';
const CONTENT_TYPE =
  /^[a-z0-9][\w!#$&^.+-]{0,126}\/[a-z0-9][\w!#$&^.+-]{0,126}(?:; ?charset="?[\w.:-]{1,40}"?)?$/i;
/** Entities with a structure of their own: in base64, as attachments travel, these types are not allowed (RFC 2046 §5). */
const COMPOSITE_TYPE = /^(?:multipart|message)\//i;

/** Controls, line separators, half surrogates, and what reorders text: `invoice\u202efdp.exe` reads as a PDF. */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069]/u;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Reads the attachments of a call, `{content: base64, filename, contentType?}` each. Throws AppError `unknown_field`,
 * `filename_required`, `control_character`, `attachment_type`, `attachment_encoding`, `too_many_attachments`, or
 * `attachment_too_large` (413) when they have more than `maxBytes` together, decoded.
 */
export function checkAttachments(
  list: readonly Readonly<Record<string, unknown>>[],
  maxBytes = DEFAULT_MAX_ATTACHMENT_BYTES,
): Attachment[] {
  if (list.length > MAX_ATTACHMENTS) {
    throw new AppError('too_many_attachments', `A message takes at most ${MAX_ATTACHMENTS} attachments.`, {
      field: 'attachments',
      detail: { count: list.length, limit: MAX_ATTACHMENTS },
    });
  }
  let total = 0;
  return list.map((given, index) => {
    const field = `attachments[${index}]`;
    for (const key of Object.keys(given)) if (!FIELDS.has(key)) throw unknownField(key, `${field}.${key}`);
    const filename = cleanFilename(given.filename, `${field}.filename`);
    refuseExecutable(filename, `${field}.filename`);
    const contentType = checkContentType(given.contentType, filename, `${field}.contentType`);
    const encoded = stripBlanks(given.content, index, filename);
    total += decodedLength(encoded);
    if (total > maxBytes) throw tooLarge(list, maxBytes);
    return { filename, contentType, content: decode(encoded, index, filename) };
  });
}

function unknownField(key: string, field: string): AppError {
  return new AppError(
    'unknown_field',
    `An attachment has no field ${JSON.stringify(key.slice(0, 40))}. Send the file itself as base64 in content, with its filename.`,
    { field, detail: { allowed: [...FIELDS] } },
  );
}

/** The last part of a path, without the dots and blanks at its end that Windows would drop, cut to 255 characters. */
function cleanFilename(given: unknown, field: string): string {
  const text = typeof given === 'string' ? given : '';
  const unseen = text.search(UNSEEN);
  if (unseen >= 0) {
    throw new AppError(
      'control_character',
      `The filename has a control character at position ${unseen + 1}.`,
      {
        field,
        detail: { position: unseen + 1 },
      },
    );
  }
  const last = text.slice(Math.max(text.lastIndexOf('/'), text.lastIndexOf('\\')) + 1);
  let end = last.length;
  while (end > 0 && (last[end - 1] === '.' || last[end - 1]!.trim() === '')) end--;
  const name = last.slice(0, end).trimStart();
  if (name === '') {
    throw new AppError('filename_required', 'Give the attachment a filename, such as "invoice.pdf".', {
      field,
    });
  }
  if (name.length <= MAX_FILENAME_CHARS) return name;
  const suffix = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? '';
  return name.slice(0, MAX_FILENAME_CHARS - suffix.length).replace(/[\ud800-\udbff]$/, '') + suffix;
}

/** In lower case, and without what only disguises it: full-width letters, invisible characters, a colon behind. */
function extensionOf(filename: string): string {
  if (!filename.includes('.')) return '';
  const extension = filename.slice(filename.lastIndexOf('.') + 1).normalize('NFKC');
  return extension.toLowerCase().replace(/[^a-z0-9_]/g, '');
}

function refuseExecutable(filename: string, field: string): void {
  const extension = extensionOf(filename);
  if (!EXECUTABLE_EXTENSIONS.has(extension)) return;
  throw new AppError(
    'attachment_type',
    `Files of type .${extension} are refused by most mailboxes: send a link instead.`,
    {
      field,
      detail: { extension, refused: [...EXECUTABLE_EXTENSIONS] },
    },
  );
}

function checkContentType(given: unknown, filename: string, field: string): string {
  if (given === undefined || given === null || given === '') {
    const extension = extensionOf(filename);
    return Object.hasOwn(CONTENT_TYPES, extension) ? CONTENT_TYPES[extension]! : UNKNOWN_TYPE;
  }
  if (typeof given !== 'string' || !CONTENT_TYPE.test(given)) {
    throw new AppError('attachment_type', 'contentType must look like "image/png".', { field });
  }
  return COMPOSITE_TYPE.test(given) ? UNKNOWN_TYPE : given;
}

function stripBlanks(given: unknown, index: number, filename: string): string {
  if (typeof given !== 'string') throw notBase64(index, filename);
  return /\s/.test(given) ? given.replace(/\s+/g, '') : given;
}

function decodedLength(encoded: string): number {
  const padding = encoded.endsWith('==') ? 2 : encoded.endsWith('=') ? 1 : 0;
  return Math.floor((encoded.length * 3) / 4) - padding;
}

/** Strict (RFC 4648 §4): the standard alphabet, padded. Node itself would skip what it does not know. */
function decode(encoded: string, index: number, filename: string): Buffer {
  if (encoded.length % 4 !== 0 || !BASE64.test(encoded)) throw notBase64(index, filename);
  return Buffer.from(encoded, 'base64');
}

function notBase64(index: number, filename: string): AppError {
  return new AppError(
    'attachment_encoding',
    `The content of attachment ${index + 1} (${filename}) is not standard base64: letters, digits, + and /, padded with =.`,
    { field: `attachments[${index}].content`, detail: { index, filename } },
  );
}

function tooLarge(list: readonly Readonly<Record<string, unknown>>[], maxBytes: number): AppError {
  const sizes = list.map(({ content }) =>
    typeof content === 'string' ? decodedLength(content.replace(/\s+/g, '')) : 0,
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
  return new AppError(
    'attachment_too_large',
    `The attachments have ${megabytes(total)} together, and ${megabytes(maxBytes)} is the limit.`,
    { field: 'attachments', status: 413, detail: { total, limit: maxBytes, sizes } },
  );
}
