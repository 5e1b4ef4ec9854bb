import { describe, expect, test } from 'vitest';
import { AppError } from '../errors.ts';
import { type ConnectionInput, checkConnection, otherProtocol } from './connection.ts';

const generic = (changed: Partial<ConnectionInput>): ConnectionInput => ({
  type: 'generic',
  host: 'smtp.example.com',
  port: 587,
  security: 'starttls',
  ...changed,
});

function refusal(input: ConnectionInput): AppError {
  try {
    checkConnection(input);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('It passed.');
}

describe('a host', () => {
  test.each([
    ['smtp.example.com', 'smtp.example.com'],
    [' SMTP.Example.COM ', 'smtp.example.com'],
    ['smtp.example.com.', 'smtp.example.com'],
    ['mail_out.example.com', 'mail_out.example.com'],
    ['mailhost', 'mailhost'],
    ['smtp.exämple.de', 'smtp.xn--exmple-cua.de'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    [`${'a'.repeat(63)}.example.com`, `${'a'.repeat(63)}.example.com`],
  ])('%j is %s', (host, expected) => {
    expect(checkConnection(generic({ host })).host).toBe(expected);
  });

  test.each<[string | null, string, RegExp, object?]>([
    // A web address, with what was meant.
    ['https://smtp.gmail.com', 'host_invalid', /without https/, { suggestion: 'smtp.gmail.com' }],
    ['smtp://smtp.example.com:587/x', 'host_invalid', /without https/, { suggestion: 'smtp.example.com' }],
    [
      'smtp.gmail.com:587',
      'host_has_port',
      /host smtp\.gmail\.com, port 587/,
      { host: 'smtp.gmail.com', port: 587 },
    ],
    ['192.0.2.1:25', 'host_has_port', /port 25/, { host: '192.0.2.1', port: 25 }],
    ['[2001:db8::1]:25', 'host_has_port', /port 25/],
    ['smtp.example.com/', 'host_invalid', /path/, { suggestion: 'smtp.example.com' }],
    // Nothing.
    ['', 'host_required', /smtp\.example\.com/],
    ['   ', 'host_required', /smtp\.example\.com/],
    [null, 'host_required', /smtp\.example\.com/],
    // Slips.
    ['smtp. gmail.com', 'host_invalid', /contains a space/, { suggestion: 'smtp.gmail.com' }],
    ['smtp.gmail.com\r\nRCPT TO:<x>', 'host_invalid', /line break/],
    ['smtp.gmail.com\0', 'host_invalid', /control character/],
    ['user@smtp.example.com', 'host_invalid', /looks like an email address/],
    ['smtp..example.com', 'host_invalid', /not a server name/],
    ['-smtp.example.com', 'host_invalid', /not a server name/],
    ['smtp.example.com%0d%0a', 'host_invalid', /not a server name/],
    ['smtp,example,com', 'host_invalid', /not a server name/],
    ['smtp.example.com:', 'host_invalid', /not a server name/],
    // Numbers in disguise.
    ['2130706433', 'host_invalid', /four numbers/],
    ['0x7f.1', 'host_invalid', /four numbers/],
    ['127.1', 'host_invalid', /four numbers/],
    ['0', 'host_invalid', /four numbers/],
    ['999.1.1.1', 'host_invalid', /four numbers/],
    ['0177.0.0.1', 'host_invalid', /four numbers/],
    // Too long.
    [`${'a'.repeat(64)}.example.com`, 'host_invalid', /too long/],
    [`${'a.'.repeat(126)}com`, 'host_invalid', /too long/],
  ])('%j is refused: %s', (host, code, sentence, detail) => {
    const error = refusal(generic({ host }));
    expect(error).toMatchObject({ code, field: 'host', status: 422, ...(detail ? { detail } : {}) });
    expect(error.message).toMatch(sentence);
  });
});

describe('a port', () => {
  test.each([1, 25, 587, 65_535])('%i is one', (port) => {
    expect(checkConnection(generic({ port })).port).toBe(port);
  });

  test.each([0, -1, 65_536, 70_000, 587.5, Number.NaN])('%s is none', (port) => {
    expect(refusal(generic({ port }))).toMatchObject({ code: 'port_invalid', field: 'port' });
  });

  test.each<[number, RegExp]>([
    [22, /SSH/],
    [993, /reading mail \(IMAP\)\. For sending, use 587 or 465/],
    [995, /POP3/],
    [143, /IMAP/],
    [110, /POP3/],
    [5432, /database/],
    [6379, /Redis/],
  ])('%i belongs to another protocol', (port, sentence) => {
    const error = otherProtocol(port);
    expect(error).toMatchObject({ code: 'port_not_smtp', field: 'port' });
    expect(error!.message).toMatch(sentence);
  });

  test.each([25, 465, 587, 2525, 2587, 2465, 1025, 3025])('%i may be one of mail', (port) => {
    expect(otherProtocol(port)).toBeUndefined();
  });
});

describe('credentials', () => {
  test.each<[string, Partial<ConnectionInput>, object]>([
    ['are both there', { username: 'ann', password: 'secret' }, { username: 'ann', password: 'secret' }],
    ['are both missing', {}, { username: null, password: null }],
    ['are both empty', { username: '', password: '' }, { username: null, password: null }],
    ['keep their blanks', { username: 'ann', password: ' sec ret ' }, { password: ' sec ret ' }],
  ])('%s', (_, given, expected) => {
    expect(checkConnection(generic(given))).toMatchObject(expected);
  });

  test.each<[Partial<ConnectionInput>, string, string]>([
    [{ username: 'ann' }, 'password_required', 'password'],
    [{ username: 'ann', password: '' }, 'password_required', 'password'],
    [{ password: 'secret' }, 'username_required', 'username'],
    [{ username: 'ann', password: 'sec\r\nret' }, 'password_invalid', 'password'],
    [{ username: 'ann', password: 'x'.repeat(1_001) }, 'password_invalid', 'password'],
    [{ username: 'a\nb', password: 'secret' }, 'username_invalid', 'username'],
    [{ type: 'gmail' }, 'username_required', 'username'],
    [{ type: 'gmail', username: 'ann@gmail.com' }, 'password_required', 'password'],
    [{ type: 'postmark' }, 'token_required', 'token'],
    [{ type: 'postmark', token: '' }, 'token_required', 'token'],
    [{ type: 'postmark', token: 'a\nb' }, 'username_invalid', 'token'],
    [{ type: 'aws_ses', region: 'eu-west-1' }, 'username_required', 'username'],
  ])('%j are refused with %s', (given, code, field) => {
    expect(refusal(generic(given))).toMatchObject({ code, field });
  });

  test('never stand in a refusal', () => {
    const error = refusal(generic({ username: 'ann', password: 'hunter2\n' }));
    expect(JSON.stringify([error, error.message])).not.toContain('hunter2');
  });
});

describe('a service type fills in what it knows', () => {
  const account = { username: 'ann@gmail.com', password: 'abcd efgh ijkl mnop' };

  test.each<[ConnectionInput, object]>([
    [
      { type: 'gmail', ...account },
      { host: 'smtp.gmail.com', port: 465, security: 'ssl', password: 'abcdefghijklmnop' },
    ],
    [
      { type: 'mailchimp', ...account },
      { host: 'smtp.mandrillapp.com', port: 587, security: 'starttls' },
    ],
    [
      { type: 'postmark', token: 'abc' },
      { host: 'smtp.postmarkapp.com', port: 587, security: 'starttls', username: 'abc', password: 'abc' },
    ],
    [
      { type: 'turbosmtp', ...account },
      { host: 'pro.turbo-smtp.com', port: 465, security: 'ssl' },
    ],
    [
      { type: 'aws_ses', region: 'eu-central-1', ...account },
      {
        host: 'email-smtp.eu-central-1.amazonaws.com',
        port: 587,
        security: 'starttls',
        region: 'eu-central-1',
      },
    ],
    [
      { type: 'generic', host: 'smtp.example.com' },
      { port: 587, security: 'starttls', region: null },
    ],
    [
      { type: 'generic', host: 'smtp.example.com', port: 465, security: 'ssl' },
      { port: 465, security: 'ssl' },
    ],
    [
      { type: 'gmail', ...account, port: 587, security: 'starttls' },
      { port: 587, security: 'starttls' },
    ],
  ])('%j', (input, expected) => {
    expect(checkConnection(input)).toMatchObject(expected);
  });

  test('and nobody else’s host', () => {
    expect(checkConnection({ type: 'gmail', host: 'evil.example', ...account }).host).toBe('smtp.gmail.com');
  });

  test.each(['', 'smtp', 'Gmail', '__proto__'])('%j is none', (type) => {
    expect(refusal({ type, host: 'smtp.example.com' })).toMatchObject({
      code: 'type_unknown',
      field: 'type',
    });
  });
});

describe('an SES region', () => {
  const ses = (region: string | null): ConnectionInput => ({
    type: 'aws_ses',
    region,
    username: 'a',
    password: 'b',
  });

  test.each([
    ['us-gov-west-1-fips', 'email-smtp-fips.us-gov-west-1.amazonaws.com'],
    ['eu-south-1', 'email-smtp.eu-south-1.amazonaws.com'],
    [' eu-west-1 ', 'email-smtp.eu-west-1.amazonaws.com'],
    // Not listed, but it looks like one: the session has the last word.
    ['il-central-1', 'email-smtp.il-central-1.amazonaws.com'],
    ['ap-southeast-7', 'email-smtp.ap-southeast-7.amazonaws.com'],
  ])('%s is at %s', (region, host) => {
    expect(checkConnection(ses(region)).host).toBe(host);
  });

  test.each([null, '', ' '])('%j is missing', (region) => {
    expect(refusal(ses(region))).toMatchObject({ code: 'region_required', field: 'region' });
  });

  test.each(['Frankfurt', 'eu', 'evil.example/eu-west-1', 'eu-west-1.evil.example', 'EU-WEST-1'])(
    '%j is refused',
    (region) => {
      expect(refusal(ses(region))).toMatchObject({ code: 'region_unknown', field: 'region' });
    },
  );
});
