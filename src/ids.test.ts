import { describe, expect, test } from 'vitest';
import { newId, newToken, sha256 } from './ids.ts';

const FUTURE = Date.parse('2040-01-01T00:00:00Z'); // after any time that this process has used

describe('an id', () => {
  test('is its prefix and 26 characters of Crockford’s base 32', () => {
    expect(newId('msg', FUTURE)).toMatch(/^msg_[0-9a-hjkmnp-tv-z]{26}$/);
  });

  test('sorts by the time it was made', () => {
    const ids = [0, 1, 31, 32, 1_000, 86_400_000, 10 ** 12].map((later) => newId('msg', FUTURE + later));
    expect([...ids].sort()).toEqual(ids);
  });

  test('is unique and in order also within one millisecond', () => {
    const ids = Array.from({ length: 5_000 }, () => newId('evt', FUTURE * 2));
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });

  test('stays in order when a millisecond has more than can be counted', () => {
    let last = '';
    for (let at = 0; at < 2 ** 20; at++) {
      const id = newId('evt', FUTURE * 2);
      if (id <= last) throw new Error(`${id} came after ${last}`);
      last = id;
    }
  });

  test('stays in order when the clock goes back', () => {
    const before = newId('msg', FUTURE * 3);
    expect(newId('msg', FUTURE) > before).toBe(true);
  });

  test('of another millisecond shares nothing but the time that can be guessed', () => {
    const tail = (id: string) => id.slice(-16);
    const tails = Array.from({ length: 200 }, (_, at) => tail(newId('msg', FUTURE * 4 + at)));
    expect(new Set(tails.map((text) => text.slice(0, 8))).size).toBe(200);
  });
});

test('a token has the asked bytes and never repeats', () => {
  expect(Buffer.from(newToken(), 'base64url')).toHaveLength(16);
  expect(Buffer.from(newToken(32), 'base64url')).toHaveLength(32);
  expect(newToken()).not.toBe(newToken());
});

test('sha256 is the standard one, of text and of bytes', () => {
  const ofAbc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'; // FIPS 180-4, appendix B.1
  expect(sha256('abc')).toBe(ofAbc);
  expect(sha256(Buffer.from('abc'))).toBe(ofAbc);
});
