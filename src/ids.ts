import { hash, randomBytes, randomFillSync } from 'node:crypto';

/** Crockford's base 32 in lower case: sorts like the number it spells, no letters that look alike. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARS = 10; // 50 bits hold the 48-bit millisecond time of ULID
/** 80 random bits behind the time: 60 are drawn once a millisecond, in the last 20 the ids of one are counted. */
const DRAWN_CHARS = 12;
const COUNTED = 2 ** 20;

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

/** Two characters for each ten bits: half the steps. */
const PAIRS = Array.from({ length: 1024 }, (_, value) => ALPHABET[value >> 5]! + ALPHABET[value & 31]!);

/** Asked of the system for many milliseconds at once: one question costs as much as the rest of an id. */
const pool = new Uint32Array(1024);
let poolUsed = pool.length;

let lastTime = -1;
let head = '';
let count = COUNTED;

/**
 * A prefixed id that sorts by the time it was made (as ULID does), also within one millisecond of this process:
 * a random unique key would cost a hot table two thirds of its insert rate.
 */
export function newId(prefix: IdPrefix, now: number): string {
  if (now > lastTime || count === COUNTED) beginAt(Math.max(now, lastTime + 1));
  const last = count++;
  return `${prefix}_${head}${PAIRS[last >> 10]!}${PAIRS[last & 1023]!}`;
}

/** A millisecond whose half a million ids are used up borrows from the next. */
function beginAt(time: number): void {
  lastTime = time;
  head = encodeTime(time);
  for (let chars = 0; chars < DRAWN_CHARS; chars += 2) head += PAIRS[draw(10)]!;
  count = draw(19); // room to count upwards
}

function draw(bits: number): number {
  if (poolUsed === pool.length) {
    randomFillSync(pool);
    poolUsed = 0;
  }
  return pool[poolUsed++]! >>> (32 - bits);
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

/** An unguessable token of `bytes` random bytes (16 by default, 128 bits) in base64url. */
export function newToken(bytes = 16): string {
  return randomBytes(bytes).toString('base64url');
}

/** SHA-256 in hex: how random tokens and keys are stored and looked up. */
export function sha256(text: string | Buffer): string {
  return hash('sha256', text);
}
