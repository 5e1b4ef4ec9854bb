import { describe, expect, test } from 'vitest';
import type { Outcome } from '../transport/outcome.ts';
import { type AddressPolicy, hostRefused, mayConnect } from './address-policy.ts';

const OPEN: AddressPolicy = { allowed: [], forbidPrivate: false, ownPort: 3000 };
const LISTED: AddressPolicy = { ...OPEN, allowed: ['10.1.0.0/16', 'fd00:1::/32'] };
const FORBIDDEN: AddressPolicy = { ...LISTED, forbidPrivate: true };

/** Who may connect: anybody; the owner who said so; nobody. */
type Who = 'anybody' | 'owner' | 'nobody';

describe('who may connect to an address', () => {
  test.each<[string, Who]>([
    ['192.0.43.8', 'anybody'],
    ['2606:4700::1', 'anybody'],
    ['::ffff:192.0.43.8', 'anybody'],
    // Private and loopback: an own mail server may live there.
    ['127.0.0.1', 'owner'],
    ['127.255.255.254', 'owner'],
    ['::1', 'owner'],
    ['::ffff:127.0.0.1', 'owner'],
    ['64:ff9b::7f00:1', 'owner'],
    ['10.0.0.5', 'owner'],
    ['172.16.0.1', 'owner'],
    ['192.168.1.1', 'owner'],
    ['::ffff:10.0.0.5', 'owner'],
    ['64:ff9b::a00:5', 'owner'],
    ['fd12::1', 'owner'],
    ['100.64.0.1', 'owner'],
    // Never a mail server.
    ['0.0.0.0', 'nobody'],
    ['::', 'nobody'],
    ['169.254.169.254', 'nobody'],
    ['169.254.1.1', 'nobody'],
    ['::ffff:169.254.169.254', 'nobody'],
    ['64:ff9b::a9fe:a9fe', 'nobody'],
    ['fd00:ec2::254', 'nobody'],
    ['100.100.100.200', 'nobody'],
    ['fe80::1', 'nobody'],
    ['224.0.0.1', 'nobody'],
    ['ff02::1', 'nobody'],
    ['255.255.255.255', 'nobody'],
    ['240.0.0.1', 'nobody'],
    ['localhost', 'nobody'],
    ['', 'nobody'],
  ])('%s: %s', (ip, who) => {
    expect(mayConnect(OPEN, ip, 25, false)).toBe(who === 'anybody');
    expect(mayConnect(OPEN, ip, 25, true)).toBe(who !== 'nobody');
    expect(mayConnect(FORBIDDEN, ip, 25, true)).toBe(who === 'anybody');
  });

  test.each([
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['10.2.0.1', false],
    ['fd00:1::5', true],
    ['fd00:2::5', false],
    ['127.0.0.1', false],
  ])('%s is allowed to everybody by the list: %s', (ip, allowed) => {
    expect(mayConnect(LISTED, ip, 25, false)).toBe(allowed);
    expect(mayConnect(FORBIDDEN, ip, 25, false)).toBe(allowed);
  });

  test('what can never be a mail server is not, also when it is listed', () => {
    const everything: AddressPolicy = { ...OPEN, allowed: ['0.0.0.0/0', '::/0'] };
    for (const ip of ['169.254.169.254', '0.0.0.0', 'fe80::1', '224.0.0.1'])
      expect(mayConnect(everything, ip, 25, true)).toBe(false);
    expect(mayConnect(everything, '10.0.0.5', 25, false)).toBe(true);
  });

  test.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1'])(
    'our own port at %s is never one',
    (ip) => {
      expect(mayConnect(OPEN, ip, 3000, true)).toBe(false);
      expect(mayConnect({ ...OPEN, allowed: ['127.0.0.0/8', '::1/128'] }, ip, 3000, true)).toBe(false);
      expect(mayConnect(OPEN, ip, 3001, true)).toBe(true);
    },
  );
});

describe('a refusal', () => {
  const refused = (
    policy: AddressPolicy,
    ip: string,
    port: number,
    mayAllow: boolean,
    host = 'mail.example.com',
  ) => {
    const message = `${host} points to the private address ${ip}.`;
    const outcome = { code: 'host_not_allowed', stage: 'dns', message } as Outcome;
    return hostRefused(policy, outcome, { host, port }, mayAllow);
  };

  test('tells the owner how to allow it', () => {
    const error = refused(OPEN, '10.0.0.5', 25, true);
    expect(error).toMatchObject({ code: 'host_not_allowed', field: 'host', status: 422 });
    expect(error.detail).toEqual({
      stage: 'dns',
      reply: null,
      host: 'mail.example.com',
      port: 25,
      address: '10.0.0.5',
      mayAllow: true,
    });
    expect(error.message).toBe(
      'mail.example.com points to 10.0.0.5, a private address. If it is your own mail server, allow it: send "allowPrivate": true.',
    );
  });

  test.each<[string, AddressPolicy, string, number, boolean, RegExp]>([
    ['others whom to ask', OPEN, '10.0.0.5', 25, false, /The owner of the workspace can allow it/],
    [
      'where nobody may, that the operator decides',
      FORBIDDEN,
      '10.2.0.5',
      25,
      true,
      /only those listed in SMTP_ALLOW_PRIVATE/,
    ],
    ['that some addresses never are', OPEN, '169.254.169.254', 25, true, /can never be a mail server/],
    ['that it is ourselves', OPEN, '127.0.0.1', 3000, true, /or Mailwright itself/],
  ])('tells %s', (_, policy, ip, port, mayAllow, sentence) => {
    const error = refused(policy, ip, port, mayAllow);
    expect(error.message).toMatch(sentence);
    expect(error.detail!.mayAllow).toBe(false);
  });

  test('reads well for a bare address, of both families', () => {
    expect(refused(OPEN, '10.0.0.5', 25, true, '10.0.0.5').message).toMatch(
      /^10\.0\.0\.5 is a private address\./,
    );
    expect(refused(OPEN, 'fd12::1', 25, true, 'fd12::1').message).toMatch(/^fd12::1 is a private address\./);
  });
});
