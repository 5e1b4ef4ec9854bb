/** An encoded-word may have 75 characters, its line 76 (RFC 2047 §2). With 64 the first still fits behind `Reply-To: `. */
const MAX_WORD = 64;
const FRAME = '=?utf-8?Q??='.length;
/** A part of a parameter's value, short enough for a line of its own (RFC 2231 §3). */
const MAX_SEGMENT = 56;
const MAX_FALLBACK = 56;
/** What may stand in an encoded-word of a phrase unescaped (RFC 2047 §5 rule 3), which is fit for every other place. */
const WORD_LITERAL = /[A-Za-z0-9!*+/-]/;
const ATTRIBUTE_CHAR = /[A-Za-z0-9!#$&+.^_`|~-]/; // RFC 2231 §7

/** Encodes a text as RFC 2047 encoded-words in Q or B, whichever is shorter. No character is split between two words. */
export function encodedWords(text: string): string[] {
  let q = 0;
  let octets = 0;
  for (const character of text) {
    q += qLength(character);
    octets += utf8Length(character);
  }
  const room = MAX_WORD - FRAME;
  if (q <= Math.ceil(octets / 3) * 4)
    return chunks(text, room, qLength).map((chunk) => `=?utf-8?Q?${qEncode(chunk)}?=`);
  return chunks(text, (room / 4) * 3, utf8Length).map(
    (chunk) => `=?utf-8?B?${Buffer.from(chunk, 'utf8').toString('base64')}?=`,
  );
}

/**
 * The file name as parameters of Content-Disposition: `filename="…"` in ASCII, and where that cannot say it all also
 * `filename*=` with every character (RFC 2231), in several parts when it is long.
 */
export function filenameParameters(filename: string): string[] {
  const fallback = asciiFilename(filename);
  const plain = `filename="${fallback}"`;
  if (fallback === filename) return [plain];
  const segments = chunks(filename, MAX_SEGMENT, attributeLength).map(percentEncode);
  if (segments.length === 1) return [plain, `filename*=utf-8''${segments[0]}`];
  return [
    plain,
    ...segments.map((segment, index) => `filename*${index}*=${index === 0 ? "utf-8''" : ''}${segment}`),
  ];
}

/** Cuts a text between characters into pieces whose lengths add up to at most `room`. */
function chunks(text: string, room: number, lengthOf: (character: string) => number): string[] {
  const pieces: string[] = [];
  let piece = '';
  let used = 0;
  for (const character of text) {
    const length = lengthOf(character);
    if (used + length > room) {
      pieces.push(piece);
      piece = '';
      used = 0;
    }
    piece += character;
    used += length;
  }
  if (piece !== '') pieces.push(piece);
  return pieces;
}

function qLength(character: string): number {
  return character === ' ' || WORD_LITERAL.test(character) ? 1 : 3 * utf8Length(character);
}

function qEncode(text: string): string {
  return escapeBytes(text, WORD_LITERAL, '=').replaceAll('=20', '_');
}

function attributeLength(character: string): number {
  return ATTRIBUTE_CHAR.test(character) ? 1 : 3 * utf8Length(character);
}

function percentEncode(text: string): string {
  return escapeBytes(text, ATTRIBUTE_CHAR, '%');
}

function escapeBytes(text: string, literal: RegExp, mark: string): string {
  let escaped = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    escaped += literal.test(character) ? character : mark + byte.toString(16).toUpperCase().padStart(2, '0');
  }
  return escaped;
}

function utf8Length(character: string): number {
  const code = character.codePointAt(0)!;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

/** What a reader without RFC 2231 shows: accents dropped, the rest that is not plain an underscore, the extension kept. */
function asciiFilename(filename: string): string {
  const plain = filename
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\u0020-\u007e]|["\\?%]/gu, '_'); // ? and % would start encodings that some readers undo
  if (plain.length <= MAX_FALLBACK) return plain;
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(plain)?.[0] ?? '';
  return plain.slice(0, MAX_FALLBACK - extension.length) + extension;
}
