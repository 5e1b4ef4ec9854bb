import { describe, expect, test } from 'vitest';
import { ConfigError, closest, readConfig, SETTINGS } from './config.ts';

const read = (env: Record<string, string>) => readConfig(env, '/srv/mail');

test('without any setting the defaults hold', () => {
  expect(read({})).toEqual({
    port: 3000,
    host: '127.0.0.1',
    dataDir: '/srv/mail/data',
    databaseUrl: undefined,
    publicUrl: 'http://localhost:3000',
    masterKey: undefined,
    masterKeyFile: '/srv/mail/data/master.key',
    systemSmtp: undefined,
    smtpAllowPrivate: [],
    smtpPrivate: 'ask',
    role: 'all',
    logLevel: 'info',
    warnings: [],
  });
});

describe('a setting is read', () => {
  test.each<[string, Record<string, string>, object]>([
    ['an empty one as missing', { PORT: '', HOST: ' ' }, { port: 3000, host: '127.0.0.1' }],
    ['port 0, which takes a free one', { PORT: '0' }, { port: 0 }],
    ['the default address follows the port', { PORT: '8025' }, { publicUrl: 'http://localhost:8025' }],
    [
      'an address without its last slash',
      { PUBLIC_URL: 'https://mail.example.com/' },
      { publicUrl: 'https://mail.example.com' },
    ],
    [
      'folders from where it was started',
      { DATA_DIR: 'var', MASTER_KEY_FILE: 'key' },
      { dataDir: '/srv/mail/var', masterKeyFile: '/srv/mail/key' },
    ],
    [
      'the key beside the data',
      { DATA_DIR: '/var/mail' },
      { dataDir: '/var/mail', masterKeyFile: '/var/mail/master.key' },
    ],
    [
      'a list of networks',
      { SMTP_ALLOW_PRIVATE: '10.0.0.0/8, fd00::/8,' },
      { smtpAllowPrivate: ['10.0.0.0/8', 'fd00::/8'] },
    ],
    [
      'the system server, with STARTTLS',
      { SYSTEM_SMTP_URL: 'smtp://post%40example.com:p%23ss@smtp.example.com' },
      {
        systemSmtp: {
          host: 'smtp.example.com',
          port: 587,
          security: 'starttls',
          username: 'post@example.com',
          password: 'p#ss',
          from: 'post@example.com',
        },
      },
    ],
    [
      'the system server, with TLS from the first byte and a From',
      { SYSTEM_SMTP_URL: 'smtps://user:pass@smtp.example.com?from=mail@example.com' },
      { systemSmtp: { port: 465, security: 'ssl', username: 'user', from: 'mail@example.com' } },
    ],
    [
      'the system server of one’s own machine',
      { SYSTEM_SMTP_URL: 'smtp://[::1]:25?security=none' },
      { systemSmtp: { host: '::1', port: 25, security: 'none', from: 'mailwright@localhost' } },
    ],
  ])('%s', (_, env, expected) => {
    expect(read(env)).toMatchObject(expected);
  });
});

describe('a setting that cannot work is named, with what it takes', () => {
  test.each([
    ['PORT', 'abc', /^PORT must be a number from 0 to 65535, not "abc"\.$/],
    ['PORT', '-1', /^PORT must be/],
    ['PORT', '65536', /^PORT must be/],
    ['PORT', '80.5', /^PORT must be/],
    [
      'PUBLIC_URL',
      'mail.example.com',
      /^PUBLIC_URL must be a web address such as https:.*"mail\.example\.com"/,
    ],
    ['PUBLIC_URL', 'ftp://mail.example.com', /^PUBLIC_URL must be/],
    [
      'SMTP_ALLOW_PRIVATE',
      '10.0.0.1',
      /^SMTP_ALLOW_PRIVATE takes CIDRs such as 10\.0\.0\.0\/8.*"10\.0\.0\.1"/,
    ],
    ['SMTP_ALLOW_PRIVATE', '10.0.0.0/8;192.168.0.0/16', /^SMTP_ALLOW_PRIVATE takes/],
    ['SMTP_ALLOW_PRIVATE', '10.0.0.0/8,localhost', /"localhost" is not one/],
    ['SMTP_ALLOW_PRIVATE', '10.0.0.0/33', /"10\.0\.0\.0\/33" is not one/],
    ['SMTP_ALLOW_PRIVATE', '300.0.0.0/8', /"300\.0\.0\.0\/8" is not one/],
    ['SMTP_ALLOW_PRIVATE', 'fd00::/129', /"fd00::\/129" is not one/],
    ['SMTP_PRIVATE', 'allow', /^SMTP_PRIVATE must be one of ask, forbid, not "allow"\.$/],
    ['SYSTEM_SMTP_URL', 'smtp.example.com', /^SYSTEM_SMTP_URL must look like smtp:/],
    ['SYSTEM_SMTP_URL', 'https://smtp.example.com', /^SYSTEM_SMTP_URL must look like/],
    ['SYSTEM_SMTP_URL', 'smtp://user@smtp.example.com', /needs a user name and a password, or neither/],
    ['SYSTEM_SMTP_URL', 'smtp://user:100%@smtp.example.com', /has a broken % escape/],
    ['SYSTEM_SMTP_URL', 'smtp://a.example?security=ssl', /must be one of starttls, none, not "ssl"/],
    ['SYSTEM_SMTP_URL', 'smtp://a.example?from=me', /must send from an address.*"me" is none/],
    ['ROLE', 'web', /^ROLE must be one of all, api, worker, not "web"\.$/],
    ['LOG_LEVEL', 'loud', /^LOG_LEVEL must be one of debug, info, warn, error, silent, not "loud"\.$/],
  ])('%s=%s', (name, value, sentence) => {
    expect(() => read({ [name]: value })).toThrow(ConfigError);
    expect(() => read({ [name]: value })).toThrow(sentence);
  });
});

test('the password of the system server is in no sentence', () => {
  for (const url of ['canary:1@host', 'smtp://u:canary@h?from=me', 'smtp://u:canary%@h', 'http://u:canary@h'])
    expect(() => read({ SYSTEM_SMTP_URL: url })).toThrow(/^(?!.*canary)/s);
});

describe('FAILPOINT', () => {
  const plan = { FAILPOINT: 'claimed:1:kill', DATA_DIR: '/tmp/self-test' };

  test('works where MAILWRIGHT_SELFTEST names the data folder', () => {
    const { selfTest, warnings } = read({ ...plan, MAILWRIGHT_SELFTEST: '/tmp/self-test' });
    expect(selfTest?.strikes).toEqual([{ point: 'claimed', nth: 1, action: 'kill' }]);
    expect(warnings).toEqual([]);
  });

  test.each([
    ['missing', {}],
    ['another folder', { MAILWRIGHT_SELFTEST: '/tmp/another' }],
    ['a mere yes', { MAILWRIGHT_SELFTEST: '1' }],
  ])('is refused where it is %s', (_, env) => {
    expect(() => read({ ...plan, ...env })).toThrow(ConfigError);
    expect(() => read({ ...plan, ...env })).toThrow(
      /^FAILPOINT makes the program fail on purpose\. .* Unset it\.$/,
    );
  });

  test('that cannot be read is refused', () => {
    const wrong = { ...plan, MAILWRIGHT_SELFTEST: '/tmp/self-test', FAILPOINT: 'claimed' };
    expect(() => read(wrong)).toThrow(ConfigError);
    expect(() => read(wrong)).toThrow(/"claimed" is none of them\.$/);
  });
});

describe('a mistyped name is told', () => {
  test.each([
    ['SMTP_ALOW_PRIVATE', 'SMTP_ALLOW_PRIVATE'],
    ['MASTER_KEY_FIEL', 'MASTER_KEY_FILE'],
    ['PUBLIC_ULR', 'PUBLIC_URL'],
    ['DATABASE_URI', 'DATABASE_URL'],
  ])('%s', (wrong, meant) => {
    expect(read({ [wrong]: 'x' }).warnings).toEqual([
      `The setting ${wrong} is unknown. Did you mean ${meant}?`,
    ]);
  });

  test.each(['PATH', 'SMTP_SOMETHING_ELSE', 'PORTS', ...SETTINGS.map(([name]) => name)])(
    'and %s is not one',
    (name) => {
      const known = {
        PORT: '1',
        PUBLIC_URL: 'http://x',
        SYSTEM_SMTP_URL: 'smtp://x',
        SMTP_PRIVATE: 'ask',
        ROLE: 'all',
        LOG_LEVEL: 'info',
      };
      const value = Object.hasOwn(known, name) ? known[name as keyof typeof known] : '10.0.0.0/8';
      expect(read({ [name]: value }).warnings).toEqual([]);
    },
  );
});

describe('closest', () => {
  test.each([
    ['subjct', 'subject'],
    ['sendAT', 'sendAt'],
    ['varibles', 'variables'],
    ['too', undefined], // half of `to` is one letter: that proves nothing
    ['completely', undefined],
    ['', undefined],
  ])('%s → %s', (word, expected) => {
    expect(closest(word, ['subject', 'sendAt', 'variables', 'to'])).toBe(expected);
  });

  test('takes the nearest, not the first', () => {
    expect(closest('tests', ['text', 'test'])).toBe('test');
  });
});
