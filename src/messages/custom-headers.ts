import { AppError } from '../errors.ts';

const MAX_HEADERS = 50;
const MAX_NAME_CHARS = 76; // leaves room for a value on the line
const MAX_LINE_OCTETS = 998; // RFC 5322 §2.1.1
const TOKEN = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/; // RFC 5322 §3.6.8 in the narrower form that HTTP uses, too
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Written by us from other fields of the message, or by the servers on the way. */
const RESERVED: ReadonlySet<string> = new Set([
  ...['from', 'to', 'cc', 'bcc', 'reply-to', 'subject'],
  ...['sender', 'date', 'message-id', 'mime-version', 'return-path', 'authentication-results'],
  'x-smtpapi', // SendGrid reads recipients from it
]);

/** Signatures and traces of transport, the MIME structure, and the commands that relays take from headers. */
const RESERVED_PREFIXES = [
  ...['received', 'resent-', 'dkim-', 'arc-', 'content-'],
  ...['x-mailwright-', 'x-ses-', 'x-mc-', 'x-pm-', 'x-mailgun-', 'x-mj-', 'x-msys-'],
];

/** The fields of a message that a reserved header is set by instead. */
const FIELD_OF_HEADER: Readonly<Record<string, string>> = {
  from: 'from',
  to: 'to',
  cc: 'cc',
  bcc: 'bcc',
  'reply-to': 'replyTo',
  subject: 'subject',
};

/**
 * Checks the headers a caller adds to a message and returns them with the blanks around their values dropped.
 * Throws AppError `header_invalid` or `header_not_allowed` with `field` `headers.<name>`.
 */
export function checkHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) {
    throw new AppError('header_invalid', `A message takes at most ${MAX_HEADERS} headers of its own.`, {
      field: 'headers',
      detail: { count: entries.length, limit: MAX_HEADERS },
    });
  }
  const seen = new Set<string>();
  const checked = entries.map(([name, value]) => {
    checkName(name);
    const key = name.toLowerCase();
    if (seen.has(key)) throw invalid(name, 'is given twice, in different spellings');
    seen.add(key);
    return [name, checkValue(name, value)] as const;
  });
  return Object.fromEntries(checked);
}

function checkName(name: string): void {
  if (name.length > MAX_NAME_CHARS)
    throw invalid(name, `has a name of more than ${MAX_NAME_CHARS} characters`);
  if (!TOKEN.test(name))
    throw invalid(name, 'has a name with a blank, a colon or another character no header has');
  const key = name.toLowerCase();
  if (!RESERVED.has(key) && !RESERVED_PREFIXES.some((prefix) => key.startsWith(prefix))) return;
  const instead = Object.hasOwn(FIELD_OF_HEADER, key) ? `; use the field ${FIELD_OF_HEADER[key]}` : '';
  throw new AppError('header_not_allowed', `The header ${name} cannot be set by hand${instead}.`, {
    field: `headers.${name}`,
  });
}

function checkValue(name: string, value: unknown): string {
  if (typeof value !== 'string') throw invalid(name, 'has a value that is not text');
  if (UNPRINTABLE.test(value))
    throw invalid(name, 'has a value with a line break or another control character');
  const trimmed = value.trim();
  if (trimmed === '') throw invalid(name, 'is empty');
  if (Buffer.byteLength(`${name}: ${trimmed}`) > MAX_LINE_OCTETS) {
    throw invalid(name, `is longer than ${MAX_LINE_OCTETS} bytes, name and value together`);
  }
  return trimmed;
}

function invalid(name: string, reason: string): AppError {
  const shown = name.length > MAX_NAME_CHARS ? `${name.slice(0, MAX_NAME_CHARS)}…` : name;
  return new AppError('header_invalid', `The header ${JSON.stringify(shown)} ${reason}.`, {
    field: `headers.${shown}`,
  });
}
