/** A text in an encoding that survives every server: ASCII, CRLF line ends, lines of at most 76 characters. */
export interface EncodedText {
  readonly encoding: 'quoted-printable' | 'base64';
  readonly body: string;
}

const MAX_LINE = 76; // RFC 2045 §6.7 rule 5 and §6.8
/** Characters of a line before the = of a soft break. */
const ROOM = MAX_LINE - 1;
const CR = 13;
const LF = 10;
const TAB = 9;
const SPACE = 32;
const DOT = 46;
const EQUALS = 61;
const HEX = Buffer.from('0123456789ABCDEF');

/** 1 for the bytes that quoted-printable leaves as they are inside of a line (RFC 2045 §6.7 rules 2 and 3). */
const LITERAL = new Uint8Array(256).fill(1, SPACE, 127);
LITERAL[TAB] = 1;
LITERAL[EQUALS] = 0;

/** Fresh memory costs more than what is written into it, so texts up to this size pass through the same bytes. */
const KEPT = 131_072;
const WORST = 3.2; // all escaped, a soft break every 73 characters
const plain = Buffer.allocUnsafeSlow(KEPT);
const encoded = Buffer.allocUnsafeSlow(Math.ceil(KEPT * WORST) + 3);

/**
 * Encodes a text as UTF-8, in quoted-printable or in base64, whichever is shorter. Every kind of line end (CRLF, CR,
 * LF) becomes CRLF: a body that mixed them could be read as two messages by a server that ends it early.
 */
export function encodeText(text: string): EncodedText {
  const readable = quotedPrintable(text);
  if (readable.length > base64Length(Buffer.byteLength(text))) {
    const body = base64Lines(Buffer.from(text.replace(/\r\n?|\n/g, '\r\n'), 'utf8'));
    if (body.length < readable.length) return { encoding: 'base64', body: body.toString('latin1') };
  }
  return { encoding: 'quoted-printable', body: readable };
}

/** Quoted-printable (RFC 2045 §6.7) of text in UTF-8. A dot that starts a line is escaped: servers lose or double it. */
export function quotedPrintable(text: string): string {
  const most = text.length * 3;
  const bytes = most <= KEPT ? plain : Buffer.allocUnsafe(most);
  const size = bytes.write(text, 'utf8');
  const out = size <= KEPT ? encoded : Buffer.allocUnsafe(Math.ceil(size * WORST) + 3);
  return out.toString('latin1', 0, writeQuotedPrintable(bytes, size, out));
}

/** Encodes the first `size` bytes, and returns how many it wrote. */
function writeQuotedPrintable(bytes: Buffer, size: number, out: Buffer): number {
  let length = 0;
  let column = 0;
  let at = 0;
  for (;;) {
    if (column > 0 || bytes[at] !== DOT) {
      const begin = at;
      const end = Math.min(size, at + ROOM - column);
      while (at < end && LITERAL[bytes[at]!] === 1) out[length++] = bytes[at++]!;
      column += at - begin;
    }
    const isOver = at >= size;
    const byte = bytes[at++]!;
    if (isOver || byte === CR || byte === LF) {
      if (column > 0 && isBlank(out[length - 1]!)) length = escapeBlank(out, length, column);
      if (isOver) return length;
      if (byte === CR && at < size && bytes[at] === LF) at++;
      out[length++] = CR;
      out[length++] = LF;
      column = 0;
      continue;
    }
    const isLiteral = LITERAL[byte] === 1;
    if (column + (isLiteral ? 1 : 3) > ROOM) {
      length = breakSoftly(out, length);
      column = 0;
    }
    if (isLiteral && !(byte === DOT && column === 0)) {
      out[length++] = byte;
      column++;
    } else {
      length = escapeByte(out, length, byte);
      column += 3;
    }
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

/** Blanks are literal, but servers cut them from the end of a line (rule 3). Here a line that ends in one has ended. */
function escapeBlank(out: Buffer, length: number, column: number): number {
  const blank = out[length - 1]!;
  const before = column - 1 + 3 > ROOM ? breakSoftly(out, length - 1) : length - 1;
  return escapeByte(out, before, blank);
}

/** Never inside of =XX. */
function breakSoftly(out: Buffer, length: number): number {
  out[length] = EQUALS;
  out[length + 1] = CR;
  out[length + 2] = LF;
  return length + 3;
}

function escapeByte(out: Buffer, length: number, byte: number): number {
  out[length] = EQUALS;
  out[length + 1] = HEX[byte >> 4]!;
  out[length + 2] = HEX[byte & 15]!;
  return length + 3;
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

/** How long octets are as lines of base64. */
export function base64Length(octets: number): number {
  const encoded = Math.ceil(octets / 3) * 4;
  return encoded + 2 * Math.max(0, Math.ceil(encoded / MAX_LINE) - 1);
}
