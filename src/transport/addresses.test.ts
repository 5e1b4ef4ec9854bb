import { expect, test } from 'vitest';
import { addressKind, mayCarryPlainPassword } from './addresses.ts';

test.each([
  ['8.8.8.8', 'public'],
  ['2606:4700::1111', 'public'],
  ['::ffff:8.8.8.8', 'public'],
  ['10.0.0.5', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['100.64.0.1', 'private'],
  ['fd12:3456::1', 'private'],
  ['64:ff9b::a00:5', 'private'],
  ['127.0.0.1', 'loopback'],
  ['127.255.0.9', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::7f00:1', 'loopback'],
  ['64:ff9b::7f00:1', 'loopback'],
  ['169.254.169.254', 'forbidden'],
  ['::ffff:169.254.169.254', 'forbidden'],
  ['64:ff9b::a9fe:a9fe', 'forbidden'],
  ['169.254.1.1', 'forbidden'],
  ['100.100.100.200', 'forbidden'],
  ['fd00:ec2::254', 'forbidden'],
  ['fe80::1', 'forbidden'],
  ['0.0.0.0', 'forbidden'],
  ['0.1.2.3', 'forbidden'],
  ['::', 'forbidden'],
  ['224.0.0.1', 'forbidden'],
  ['ff02::1', 'forbidden'],
  ['255.255.255.255', 'forbidden'],
  ['240.0.0.1', 'forbidden'],
  ['192.0.2.1', 'forbidden'],
  ['198.18.0.1', 'forbidden'],
  ['2001:db8::1', 'forbidden'],
  ['2002:7f00:1::', 'forbidden'],
  ['not an address', 'forbidden'],
  ['', 'forbidden'],
])('%s is %s', (ip, kind) => {
  expect(addressKind(ip)).toBe(kind);
});

test('a password may cross in plain text only where nobody else is', () => {
  const kinds = ['8.8.8.8', '2606:4700::1111', '169.254.1.1', '10.0.0.5', '::1'].map(mayCarryPlainPassword);
  expect(kinds).toEqual([false, false, false, true, true]);
});
