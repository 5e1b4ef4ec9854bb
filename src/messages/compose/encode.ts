/** A body in an encoding that survives every server: ASCII, CRLF line ends, lines of at most 76 characters. */
export interface EncodedBody {
  readonly encoding: 'quoted-printable' | 'base64';
  readonly body: Buffer;
}

const MAX_LINE = 76; // RFC 2045 §6.7 rule 5 and §6.8
const CR = 13;
const LF = 10;
const TAB = 9;
const SPACE = 32;
const DOT = 46;
const EQUALS = 61;
const HEX = Buffer.from('0123456789ABCDEF');

/** 1 for the bytes that quoted-printable leaves as they are wherever they stand (RFC 2045 §6.7 rule 2). */
const LITERAL = new Uint8Array(256).fill(1, SPACE + 1, 127);
LITERAL[EQUALS] = 0;
LITERAL[DOT] = 0;

/**
 * Encodes a text as UTF-8, in quoted-printable or in base64, whichever is shorter. Every kind of line end (CRLF, CR,
 * LF) becomes CRLF: a body that mixed them could be read as two messages by a server that ends it early.
 */
export function encodeText(text: string): EncodedBody {
  const bytes = Buffer.from(text, 'utf8');
  const readable = quotedPrintable(bytes);
  if (readable.length > base64Length(bytes.length)) {
    const body = base64Lines(Buffer.from(text.replace(/\r\n?|\n/g, '\r\n'), 'utf8'));
    if (body.length < readable.length) return { encoding: 'base64', body };
  }
  return { encoding: 'quoted-printable', body: readable };
}

/** Quoted-printable (RFC 2045 §6.7) of UTF-8 text. A dot that starts a line is escaped: servers lose or double it. */
export function quotedPrintable(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(Math.ceil(bytes.length * 3.2) + 3); // all escaped, a soft break every 73 characters
  let length = 0;
  let column = 0;
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at++]!;
    if (LITERAL[byte] === 1 && column < MAX_LINE - 1) {
      out[length++] = byte;
      column++;
      continue;
    }
    if (byte === CR || byte === LF) {
      if (byte === CR && bytes[at] === LF) at++;
      out[length++] = CR;
      out[length++] = LF;
      column = 0;
      continue;
    }
    const literal = isLiteral(byte, bytes[at]);
    if (column + (literal ? 1 : 3) > MAX_LINE - 1) {
      out[length++] = EQUALS; // a soft break, never inside of =XX
      out[length++] = CR;
      out[length++] = LF;
      column = 0;
    }
    if (literal && !(byte === DOT && column === 0)) {
      out[length++] = byte;
      column++;
    } else {
      out[length++] = EQUALS;
      out[length++] = HEX[byte >> 4]!;
      out[length++] = HEX[byte & 15]!;
      column += 3;
    }
  }
  return out.subarray(0, length);
}

/** Blanks are literal, but servers cut them from the end of a line (rule 3). */
function isLiteral(byte: number, next: number | undefined): boolean {
  if (byte === SPACE || byte === TAB) return next !== undefined && next !== CR && next !== LF;
  return LITERAL[byte] === 1 || byte === DOT;
}

/** Base64 (RFC 2045 §6.8) in lines of 76 characters, without a line end after the last. */
export function base64Lines(content: Buffer): Buffer {
  const encoded = Buffer.from(content.toString('base64'), 'latin1');
  const out = Buffer.allocUnsafe(base64Length(content.length));
  let length = 0;
  for (let start = 0; start < encoded.length; start += MAX_LINE) {
    if (start > 0) {
      out[length++] = CR;
      out[length++] = LF;
    }
    length += encoded.copy(out, length, start, start + MAX_LINE);
  }
  return out;
}

function base64Length(octets: number): number {
  const encoded = Math.ceil(octets / 3) * 4;
  return encoded + 2 * Math.max(0, Math.ceil(encoded / MAX_LINE) - 1);
}
