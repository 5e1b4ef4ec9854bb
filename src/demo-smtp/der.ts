/**
 * Just enough DER (ITU-T X.690) to write an X.509 certificate. Every function returns one encoded value.
 */

export function sequence(...parts: Buffer[]): Buffer {
  return value(0x30, Buffer.concat(parts));
}

export function set(...parts: Buffer[]): Buffer {
  return value(0x31, Buffer.concat(parts));
}

/** A context-specific, constructed tag, such as [0] and [3] of a certificate. */
export function explicit(tag: number, part: Buffer): Buffer {
  return value(0xa0 | tag, part);
}

/** A context-specific, primitive tag, such as the kinds of a subject's alternative name. */
export function implicit(tag: number, content: Buffer): Buffer {
  return value(0x80 | tag, content);
}

/** A non-negative integer, given as big-endian bytes. In DER it has no byte too many (X.690 §8.3.2). */
export function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.of(0) : bytes.subarray(first);
  const looksNegative = digits[0]! >= 0x80;
  return value(0x02, looksNegative ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

export function boolean(yes: boolean): Buffer {
  return value(0x01, Buffer.of(yes ? 0xff : 0));
}

export function bitString(bytes: Buffer, unusedBits = 0): Buffer {
  return value(0x03, Buffer.concat([Buffer.of(unusedBits), bytes]));
}

export function octetString(bytes: Buffer): Buffer {
  return value(0x04, bytes);
}

export function utf8String(text: string): Buffer {
  return value(0x0c, Buffer.from(text));
}

/** A moment as UTCTime before 2050 (RFC 5280 §4.1.2.5.1), in whole seconds. */
export function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return value(0x17, Buffer.from(`${digits}Z`));
}

export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return value(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(arc: number): number[] {
  const digits = [arc & 0x7f];
  for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

function value(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag), length(content.length), content]);
}

function length(size: number): Buffer {
  if (size < 0x80) return Buffer.of(size);
  const bytes = Buffer.from(size.toString(16).padStart(size > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
}
