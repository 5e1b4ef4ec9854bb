import { hash, randomBytes, randomFillSync } from 'node:crypto';

/** Crockford's base 32 in lower case: sorts like the number it spells, no letters that look alike. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARS = 10; // 50 bits hold the 48-bit millisecond time of ULID
const RANDOM_BYTES = 10; // 80 bits, 16 characters

export type IdPrefix =
  | 'wsp'
  | 'usr'
  | 'key'
  | 'ses'
  | 'srv'
  | 'tpl'
  | 'tpv'
  | 'msg'
  | 'att'
  | 'evt'
  | 'con'
  | 'sup'
  | 'ntc'
  | 'req';

/** Asked of the system for many ids at once: one question costs as much as the rest of an id. */
const pool = Buffer.alloc(RANDOM_BYTES * 256);
let poolUsed = pool.length;

const random = Buffer.alloc(RANDOM_BYTES);
let lastTime = -1;
let lastTimeText = '';

/**
 * A prefixed id that sorts by the time it was made (as ULID does), also within one millisecond of this process:
 * a random unique key would cost a hot table two thirds of its insert rate.
 */
export function newId(prefix: IdPrefix, now: number): string {
  if (now > lastTime) {
    lastTime = now;
    lastTimeText = encodeTime(now);
    drawRandom();
    random[0]! &= 0x7f; // room to count upwards
  } else {
    increment(random);
  }
  return `${prefix}_${lastTimeText}${encodeBytes(random)}`;
}

function drawRandom(): void {
  if (poolUsed === pool.length) {
    randomFillSync(pool);
    poolUsed = 0;
  }
  pool.copy(random, 0, poolUsed, poolUsed + RANDOM_BYTES);
  poolUsed += RANDOM_BYTES;
}

function increment(bytes: Buffer): void {
  for (let at = bytes.length - 1; at >= 0; at--) {
    bytes[at] = (bytes[at]! + 1) & 0xff;
    if (bytes[at] !== 0) return;
  }
}

function encodeTime(ms: number): string {
  let text = '';
  let rest = ms;
  for (let i = 0; i < TIME_CHARS; i++) {
    text = ALPHABET[rest % 32]! + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function encodeBytes(bytes: Buffer): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (let at = 0; at < bytes.length; at++) {
    value = (value << 8) | bytes[at]!;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >> bits) & 31];
      value &= (1 << bits) - 1;
    }
  }
  return text;
}

/** An unguessable token of `bytes` random bytes (16 by default, 128 bits) in base64url. */
export function newToken(bytes = 16): string {
  return randomBytes(bytes).toString('base64url');
}

/** SHA-256 in hex: how random tokens and keys are stored and looked up. */
export function sha256(text: string | Buffer): string {
  return hash('sha256', text);
}
