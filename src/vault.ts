import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 'v1';
const NONCE_BYTES = 12; // AES-GCM's own length (NIST SP 800-38D §5.2.1.1)
const TAG_BYTES = 16;
export const KEY_BYTES = 32;
const BLOCK_BYTES = 64; // of SHA-256 (FIPS 180-4 §1)
const DIGEST_BYTES = 32;

/**
 * Seals secrets at rest with AES-256-GCM. A sealed text is bound to its place (`workspace/server/field`): copied into
 * another row it does not open.
 */
export class Vault {
  readonly #key: Buffer;
  /** The signing key as HMAC begins its two digests with it; every message has its Message-ID signed. */
  readonly #inner: Buffer;
  /** With room for the inner digest behind it. */
  readonly #outer: Buffer;

  /** @param key 32 random bytes */
  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES)
      throw new RangeError(`the master key has ${key.length} bytes, not ${KEY_BYTES}`);
    this.#key = Buffer.from(hkdfSync('sha256', key, '', 'mailwright seal', KEY_BYTES));
    const signing = new Uint8Array(hkdfSync('sha256', key, '', 'mailwright sign', KEY_BYTES));
    this.#inner = padded(signing, 0x36);
    this.#outer = Buffer.concat([padded(signing, 0x5c), Buffer.alloc(DIGEST_BYTES)]);
  }

  seal(secret: string, place: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(place));
    const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${VERSION}.${sealed.toString('base64url')}`;
  }

  /** @throws Error when the key, the place or the text is not the one it was sealed with. */
  open(sealed: string, place: string): string {
    const [version, body = ''] = sealed.split('.');
    if (version !== VERSION) throw new Error('the secret is sealed in an unknown form');
    const bytes = Buffer.from(body, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES))
      .setAAD(Buffer.from(place))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([
      decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)),
      decipher.final(),
    ]).toString('utf8');
  }

  /**
   * A short keyed digest in hex, for values that must not be guessable from what they are made of: HMAC-SHA-256
   * (RFC 2104 §2) of two digests at once. The library's own makes an object that costs several times as much.
   */
  sign(text: string, chars: number): string {
    const inner = hash('sha256', Buffer.concat([this.#inner, Buffer.from(text)]));
    this.#outer.write(inner, BLOCK_BYTES, 'hex');
    return hash('sha256', this.#outer).slice(0, chars);
  }
}

/** A key filled up to a block, each byte of it changed by `pad` (RFC 2104 §2). */
function padded(key: Uint8Array, pad: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES, pad);
  for (const [at, byte] of key.entries()) block[at] = byte ^ pad;
  return block;
}
