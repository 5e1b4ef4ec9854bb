import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KEY_BYTES, Vault } from './vault.ts';

const vault = new Vault(randomBytes(KEY_BYTES));
const PLACE = 'wsp_1/srv_1/password';

describe('a sealed secret', () => {
  test.each(['correct horse', '', 'pässword 🐎', 'x'.repeat(10_000)])('opens again: %.20s', (secret) => {
    expect(vault.open(vault.seal(secret, PLACE), PLACE)).toBe(secret);
  });

  test('shows neither itself nor that two are the same', () => {
    const sealed = vault.seal('correct horse', PLACE);
    const inside = Buffer.from(sealed.slice(3), 'base64url');
    expect(inside.includes('correct')).toBe(false);
    expect(vault.seal('correct horse', PLACE)).not.toBe(sealed);
  });

  test.each(['wsp_1/srv_2/password', 'wsp_2/srv_1/password', 'wsp_1/srv_1/token', ''])(
    'does not open at another place: %s',
    (place) => {
      expect(() => vault.open(vault.seal('secret', PLACE), place)).toThrow();
    },
  );

  test('does not open with a flipped bit, wherever it is', () => {
    const [version, body] = vault.seal('secret', PLACE).split('.');
    const bytes = Buffer.from(body!, 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(() => vault.open(`${version}.${changed.toString('base64url')}`, PLACE)).toThrow();
    }
  });

  test('does not open when it is cut, or in an unknown form', () => {
    const sealed = vault.seal('secret', PLACE);
    for (const wrong of [sealed.slice(0, -4), sealed.slice(0, 10), 'v1.', '', sealed.replace('v1', 'v2')])
      expect(() => vault.open(wrong, PLACE)).toThrow();
  });

  test('does not open with another key', () => {
    const sealed = vault.seal('secret', PLACE);
    expect(() => new Vault(randomBytes(KEY_BYTES)).open(sealed, PLACE)).toThrow();
  });
});

test('a key of another length is refused', () => {
  for (const bytes of [0, 16, 31, 33]) expect(() => new Vault(randomBytes(bytes))).toThrow(RangeError);
});

test('a signature is stable, short, and another with another key or text', () => {
  const key = Buffer.alloc(KEY_BYTES, 7);
  const signature = new Vault(key).sign('msg_1', 8);
  expect(signature).toMatch(/^[0-9a-f]{8}$/);
  expect(new Vault(key).sign('msg_1', 8)).toBe(signature);
  expect(new Vault(key).sign('msg_2', 8)).not.toBe(signature);
  expect(vault.sign('msg_1', 8)).not.toBe(signature);
});

test.each(['', 'msg_1', 'Ädä 🐎', 'x'.repeat(1_000)])('a signature is the HMAC of the text (%j)', (text) => {
  const key = randomBytes(KEY_BYTES);
  const signing = Buffer.from(hkdfSync('sha256', key, '', 'mailwright sign', KEY_BYTES));
  expect(new Vault(key).sign(text, 64)).toBe(createHmac('sha256', signing).update(text).digest('hex'));
});
