import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress, parseMailbox, suggestDomain } from './address.ts';
import { AppError } from './errors.ts';

/** The code an input is refused with, and the position where there is one: `address_invalid@3`. */
function refusal(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.field).toBe('to');
    const position = error.detail?.position;
    return position === undefined ? error.code : `${error.code}@${position}`;
  }
  return 'accepted';
}

const label63 = 'a'.repeat(63);
const domain189 = `${'b'.repeat(61)}.${label63}.${'c'.repeat(61)}.d`;

describe('a plain address is what the rules make of it', () => {
  /** A blank before it, which is dropped, and it is not plain any more. */
  const byTheRules = (address: string) => parseAddress(` ${address}`, 'to');
  const read = (one: (address: string) => unknown, address: string) => {
    try {
      return one(address);
    } catch (error) {
      return (error as AppError).code;
    }
  };
  const both = (address: string) => {
    expect(read((one) => parseAddress(one, 'to'), address)).toEqual(read(byTheRules, address));
  };

  test.each([
    'ada@example.com',
    'Ada.Lovelace+news_1-2@mail-1.example.co.uk',
    'a@xn--bcher-kva.example',
    'a@xn--zzzz.example',
    'a@b.localhost',
    'a@1.2.3.4',
    'a@0x7f.1',
    `${'a'.repeat(65)}@example.com`,
    `a@${'b'.repeat(64)}.com`,
  ])('%s', both);

  test('whatever is put together of its characters', () => {
    const few = (characters: string) =>
      fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: 8 });
    const any = fc.tuple(
      few('aZ09_+-.'),
      few('az09-.x'),
      fc.constantFrom('.com', '.localhost', '.c', '', '.1x'),
    );
    fc.assert(
      fc.property(any, ([local, domain, last]) => both(`${local}@${domain}${last}`)),
      { numRuns: 2_000 },
    );
  });
});

describe('parseAddress refuses', () => {
  test.each([
    // structure
    ['', 'address_invalid@1'],
    ['   ', 'address_invalid@4'],
    ['a', 'address_invalid@2'],
    ['a@b', 'address_invalid@4'],
    ['@b.com', 'address_invalid@1'],
    ['a@', 'address_invalid@3'],
    ['@', 'address_invalid@1'],
    ['a b@c.com', 'address_invalid@2'],
    ['a\u00a0b@c.com', 'address_invalid@2'],
    ['a@c .com', 'address_invalid@4'],
    ['  a b@c.com', 'address_invalid@4'],
    ['a..b@c.com', 'address_invalid@2'],
    ['.a@c.com', 'address_invalid@1'],
    ['a.@c.com', 'address_invalid@2'],
    ['a@b@c.com', 'address_invalid@4'],
    // several
    ['a@x.com, b@y.com', 'one_address'],
    ['a@x,evil@y', 'one_address'],
    ['a@x.com;b@y.com', 'one_address'],
    ['a@x.com b@y.com', 'one_address'],
    ['a,b@x.com', 'address_invalid@2'],
    // controls and invisible characters
    ['a@x.com\r\nBcc: b@y.com', 'control_character@8'],
    ['a@x.com\n', 'control_character@8'],
    ['a\r@x.com', 'control_character@2'],
    ['a\0@x.com', 'control_character@2'],
    ['a\t@x.com', 'control_character@2'],
    ['a\u0085@x.com', 'control_character@2'],
    ['a\u2028@x.com', 'control_character@2'],
    ['\u200ba@x.com', 'control_character@1'],
    ['a\u202e@x.com', 'control_character@2'],
    ['a@x\u200d.com', 'control_character@4'],
    ['a\ud800@x.com', 'control_character@2'],
    // syntax of header fields
    ['x <a@b.com>, evil', 'address_invalid@3'],
    ['<a@b.com>', 'address_invalid@1'],
    ['a(comment)@b.com', 'address_invalid@2'],
    ['Group:a@b.com;', 'address_invalid@6'],
    ['Group: a@b.com, c@d.com;', 'address_invalid@6'],
    ['"a b"@c.com', 'address_invalid@1'],
    ['"a>"@c.com', 'address_invalid@1'],
    ['a\\@c.com', 'address_invalid@2'],
    // length
    [`${'a'.repeat(65)}@x.com`, 'address_too_long'],
    [`${'é'.repeat(33)}@x.com`, 'address_too_long'],
    [`${'a'.repeat(64)}@${domain189}.e`, 'address_too_long'],
    [`a@${'b'.repeat(260)}.com`, 'address_too_long'],
    [`a@${'ä.'.repeat(40)}de`, 'address_too_long'], // 123 bytes as typed, 322 as A-labels
    // domain
    ['a@xn--0.com', 'domain_invalid'],
    ['a@xn--.com', 'domain_invalid'],
    ['a@xn--b-5da.com', 'domain_invalid'], // decodes to Äb, whose A-label is another
    ['a@xn--exämple.com', 'domain_invalid'],
    ['a@xn--pypal-.com', 'domain_invalid'],
    [`a@${label63}a.com`, 'domain_invalid'],
    [`a@${'ä'.repeat(80)}.com`, 'domain_invalid'],
    ['a@b..com', 'domain_invalid'],
    ['a@.com', 'domain_invalid'],
    ['a@b.com.', 'domain_invalid'],
    ['a@-b.com', 'domain_invalid'],
    ['a@b-.com', 'domain_invalid'],
    ['a@-ä.com', 'domain_invalid'],
    ['a@b_c.com', 'domain_invalid'],
    ['a@b%2ec.com', 'domain_invalid'],
    ['a@ä/c.com', 'domain_invalid'],
    ['a@b!c.com', 'domain_invalid'],
    // not routable
    ['a@localhost', 'domain_not_routable'],
    ['a@LOCALHOST', 'domain_not_routable'],
    ['a@box.localhost', 'domain_not_routable'],
    ['a@[127.0.0.1]', 'domain_not_routable'],
    ['a@[IPv6:::1]', 'domain_not_routable'],
    ['a@1.2.3.4', 'domain_not_routable'],
    ['a@2130706433', 'domain_not_routable'],
    ['a@0x7f.1', 'domain_not_routable'],
    ['a@１.２.３.４', 'domain_not_routable'],
  ])('%j as %s', (input, expected) => {
    expect(refusal(() => parseAddress(input, 'to'))).toBe(expected);
  });

  test('names the reason', () => {
    expect(() => parseAddress('a..b@c.com', 'to')).toThrow('two dots in a row');
    expect(() => parseAddress('"a"@c.com', 'to')).toThrow('quoted local parts');
    expect(() => parseAddress('a\u200b@c.com', 'to')).toThrow('U+200B at position 2');
  });

  test.each([
    ['no @', 'a'.repeat(50_000)],
    ['many labels', `a@${'a.'.repeat(25_000)}`],
    ['many numbers', `a@${'1.'.repeat(25_000)}x`],
    ['many @', 'a@'.repeat(25_000)],
    ['many dots', `${'.'.repeat(50_000)}@x.com`],
    ['international', `a@${'ä'.repeat(50_000)}.com`],
    ['brackets', '<'.repeat(50_000)],
    ['quotes', '"\\'.repeat(25_000)],
    ['blanks', `a${' '.repeat(50_000)}b`],
  ])('50 kB of %s in linear time', (_, input) => {
    const started = performance.now();
    expect(refusal(() => parseMailbox(input, 'to'))).not.toBe('accepted');
    expect(performance.now() - started).toBeLessThan(250); // quadratic work takes seconds
  });
});

describe('parseAddress accepts', () => {
  test.each([
    ['a@x.com', 'a@x.com', 'x.com', 'a@x.com'],
    ['  a@x.com ', 'a@x.com', 'x.com', 'a@x.com'],
    ['First.Last+tag@Example.COM', 'First.Last+tag@example.com', 'example.com', 'first.last+tag@example.com'],
    ["o'neil/x=1@x.com", "o'neil/x=1@x.com", 'x.com', "o'neil/x=1@x.com"],
    ['a@exämple.de', 'a@xn--exmple-cua.de', 'exämple.de', 'a@xn--exmple-cua.de'],
    ['a@EXÄMPLE.de', 'a@xn--exmple-cua.de', 'exämple.de', 'a@xn--exmple-cua.de'],
    ['a@XN--EXMPLE-CUA.de', 'a@xn--exmple-cua.de', 'exämple.de', 'a@xn--exmple-cua.de'],
    ['a@faß.de', 'a@xn--fa-hia.de', 'faß.de', 'a@xn--fa-hia.de'], // non-transitional: not fass.de
    ['a@раypal.com', 'a@xn--ypal-43d9g.com', 'раypal.com', 'a@xn--ypal-43d9g.com'],
    ['a@b。com', 'a@b.com', 'b.com', 'a@b.com'],
    ['a@3com.com', 'a@3com.com', '3com.com', 'a@3com.com'],
    [
      `${'a'.repeat(64)}@${domain189}`,
      `${'a'.repeat(64)}@${domain189}`,
      domain189,
      `${'a'.repeat(64)}@${domain189}`,
    ],
  ])('%j', (input, address, unicodeDomain, key) => {
    expect(parseAddress(input, 'to')).toMatchObject({ address, unicodeDomain, key, needsSmtpUtf8: false });
  });

  test('an international local part, which only SMTPUTF8 carries', () => {
    expect(parseAddress('jösé@x.com', 'to')).toMatchObject({ address: 'jösé@x.com', needsSmtpUtf8: true });
  });

  test('spellings of one mailbox with one key, each address as given', () => {
    const composed = parseAddress('Jos\u00e9@x.com', 'to');
    const decomposed = parseAddress('jose\u0301@X.com', 'to');
    expect(decomposed.key).toBe(composed.key);
    expect(decomposed.local).toBe('jose\u0301');
  });

  test.each(['root@localhost', 'x@mailhost', 'x@[192.0.2.1]', 'x@[IPv6:2001:db8::1]', 'x@10.0.0.5'])(
    '%s where local domains are allowed',
    (input) => {
      expect(parseAddress(input, 'to', { allowLocalDomains: true }).address).toBe(input);
    },
  );

  test('nothing that could end a line or leave an envelope, whatever is typed', () => {
    const typed = fc.array(
      fc.constantFrom('a', 'é', '@', '.', '-', '<', '>', '"', ',', ' ', '\r', '\n', '\u2028', 'com', '[1]'),
    );
    fc.assert(
      fc.property(typed, (parts) => {
        let address: string;
        try {
          address = parseAddress(parts.join(''), 'to', { allowLocalDomains: true }).address;
        } catch (error) {
          return error instanceof AppError;
        }
        return /^[^\s<>",@\u2028]+@[a-z0-9.[\]-]+$/.test(address);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parseMailbox', () => {
  test.each([
    ['a@x.com', undefined],
    ['<a@x.com>', undefined],
    ['"" <a@x.com>', undefined],
    ['Acme <a@x.com>', 'Acme'],
    ['  Acme Mail  < a@x.com > ', 'Acme Mail'],
    ['Acme, Inc. <a@x.com>', 'Acme, Inc.'],
    ['Acme (Sales): you & me <a@x.com>', 'Acme (Sales): you & me'],
    ['"Acme, <Inc>" <a@x.com>', 'Acme, <Inc>'],
    ['"The \\"Best\\" \\\\ Shop" <a@x.com>', 'The "Best" \\ Shop'],
    ['a@x.com <a@x.com>', 'a@x.com'],
    ['Jörg 👨‍👩‍👧 <a@x.com>', 'Jörg 👨‍👩‍👧'],
    ['=?utf-8?q?a=0d=0aBcc:x@y.com?= <a@x.com>', '=?utf-8?q?a=0d=0aBcc:x@y.com?='],
  ])('reads %j', (input, name) => {
    const mailbox = parseMailbox(input, 'to');
    expect(mailbox.address.address).toBe('a@x.com');
    expect(mailbox.name).toBe(name);
  });

  test.each([
    ['A <a@x.com>, B <b@y.com>', 'one_from'],
    ['"A" <a@x.com>, "B" <b@y.com>', 'one_from'],
    ['a@x.com, B <b@y.com>', 'one_from'],
    ['a@x.com, b@y.com', 'one_from'],
    ['A <a@x.com, b@y.com>', 'one_from'],
    ['x <a@b.com>, evil', 'address_invalid@12'],
    ['A <a@x.com', 'address_invalid@11'],
    ['A <>', 'address_invalid@4'],
    ['A <a..b@x.com>', 'address_invalid@5'],
    ['The "Best" Shop <a@x.com>', 'address_invalid@1'],
    ['"A <a@x.com>', 'address_invalid@1'],
    ['A: b <a@x.com>;', 'address_invalid@15'],
    ['A\r\nBcc: b@y.com <a@x.com>', 'control_character@2'],
    ['A\u0085 <a@x.com>', 'control_character@2'],
    ['A\u2028 <a@x.com>', 'control_character@2'],
    ['A\u202emoc <a@x.com>', 'control_character@2'],
    ['A <a\u200b@x.com>', 'control_character@5'],
    [`${'n'.repeat(256)} <a@x.com>`, 'address_too_long'],
    ['A <a@localhost>', 'domain_not_routable'],
  ])('refuses %j as %s', (input, expected) => {
    expect(refusal(() => parseMailbox(input, 'to', { severalCode: 'one_from' }))).toBe(expected);
  });
});

test('suggestDomain knows frequent slips and nothing else', () => {
  expect(suggestDomain('gmial.com')).toBe('gmail.com');
  expect(suggestDomain('yahoo.con')).toBe('yahoo.com');
  expect(suggestDomain('ymail.com')).toBeUndefined();
  expect(suggestDomain('gmail.com')).toBeUndefined();
});
