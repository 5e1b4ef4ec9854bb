import { randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';
import { sha256 } from '../ids.ts';

const PREFIX = 'mw_live_';
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const SECRET_CHARS = 32; // 32 × 5 bits = 160 bits
const CHECK_CHARS = 6;
const FORM = new RegExp(`^${PREFIX}[${ALPHABET}]{${SECRET_CHARS + CHECK_CHARS}}$`);

/** A new key: recognizable by its prefix (for secret scanners), with a checksum that tells a typo from a dead key. */
export function newApiKey(): string {
  const secret = Array.from(randomBytes(SECRET_CHARS), (byte) => ALPHABET[byte & 31]).join('');
  return PREFIX + secret + checksum(secret);
}

export function isWellFormed(key: string): boolean {
  if (!FORM.test(key)) return false;
  const rest = key.slice(PREFIX.length);
  return checksum(rest.slice(0, SECRET_CHARS)) === rest.slice(SECRET_CHARS);
}

function checksum(secret: string): string {
  // As text and cut: a digest in a buffer of its own takes six times as long, on each call.
  const digest = sha256(`mailwright-key:${secret}`).slice(0, CHECK_CHARS * 2);
  let text = '';
  for (let at = 0; at < digest.length; at += 2)
    text += ALPHABET[Number.parseInt(digest.slice(at, at + 2), 16) & 31];
  return text;
}

const REFUSALS = {
  missing: 'Send your API key in the header: Authorization: Bearer <API key>.',
  malformed: 'This is not an API key of Mailwright. Copy the whole key again; it starts with mw_live_.',
  unknown: 'No workspace has this API key. Copy it again from Settings → API key.',
  revoked: 'This API key was replaced or revoked. Use the current one from Settings → API key.',
  expired: 'This API key has expired. Make a new one under Settings → API key.',
} as const;

/** 401, with a code of its own for each cause. */
export function keyRefused(cause: keyof typeof REFUSALS): AppError {
  return new AppError(`api_key_${cause}`, REFUSALS[cause], { status: 401 });
}
