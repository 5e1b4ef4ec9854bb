import { describe, expect, test } from 'vitest';
import { checkPassword, hashPassword, MAX_PASSWORD_BYTES, verifyPassword } from './password.ts';

describe('a password', () => {
  test.each(['12345679', 'correct horse', 'pässwörd', '🐎🐎🐎🐎🐎🐎🐎🐎', 'x'.repeat(MAX_PASSWORD_BYTES)])(
    '%.20s is good enough',
    (password) => {
      expect(() => checkPassword(password)).not.toThrow();
    },
  );

  test.each([
    ['', 'password_required'],
    ['seven77', 'password_too_short'],
    ['🐎🐎🐎🐎🐎🐎🐎', 'password_too_short'],
    ['x'.repeat(MAX_PASSWORD_BYTES + 1), 'password_too_long'],
    ['é'.repeat(MAX_PASSWORD_BYTES / 2 + 1), 'password_too_long'],
    ['password', 'password_common'],
    ['PassWord1', 'password_common'],
  ])('%.20s is refused with %s', (password, code) => {
    expect(() => checkPassword(password)).toThrow(expect.objectContaining({ code, field: 'password' }));
  });
});

describe('a hash', () => {
  test('is argon2id with the parameters OWASP asks for, and never the same twice', async () => {
    const [one, two] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(two);
  });

  test('opens for its password only', async () => {
    const hash = await hashPassword('correct horse');
    expect(await verifyPassword('correct horse', hash)).toBe(true);
    for (const wrong of ['correct horsf', 'correct hors', 'correct horse ', 'Correct horse', ''])
      expect(await verifyPassword(wrong, hash)).toBe(false);
  });

  test('opens for the same letters typed on another keyboard', async () => {
    const hash = await hashPassword('caf\u00e9 caf\u00e9');
    expect(await verifyPassword('cafe\u0301 cafe\u0301', hash)).toBe(true);
  });

  test('keeps the parameters it was made with', async () => {
    const older = '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$iVVzJW2OEzr08cFFLkVbJ1lHWdbtQzIgyW5pMRpNbjE';
    expect(await verifyPassword('another', older)).toBe(false);
  });

  test.each([undefined, '', 'plain', '$2b$10$abcdefghijklmnopqrstuv', '$argon2id$v=19$m=8,t=1,p=1$$'])(
    'that is none (%s) opens for nobody',
    async (stored) => {
      expect(await verifyPassword('correct horse', stored)).toBe(false);
    },
  );

  test('is not even made of what is far too long', async () => {
    expect(await verifyPassword('x'.repeat(MAX_PASSWORD_BYTES + 1), undefined)).toBe(false);
  });
});

test('many at once all get their answer', async () => {
  const hash = await hashPassword('correct horse');
  const guesses = Array.from({ length: 6 }, (_, at) =>
    verifyPassword(at === 3 ? 'correct horse' : 'wrong', hash),
  );
  expect(await Promise.all(guesses)).toEqual([false, false, false, true, false, false]);
});
