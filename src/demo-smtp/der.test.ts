import { expect, test } from 'vitest';
import * as der from './der.ts';

test.each([
  ['zero', der.integer(Buffer.of(0)), '020100'],
  ['a small integer', der.integer(Buffer.of(2)), '020102'],
  ['an integer with the top bit set', der.integer(Buffer.of(0x80)), '02020080'],
  ['an integer with zeros before it', der.integer(Buffer.of(0, 0, 0x7f)), '02017f'],
  ['zeros before a top bit', der.integer(Buffer.of(0, 0xff)), '020200ff'],
  ['true', der.boolean(true), '0101ff'],
  ['a bit string', der.bitString(Buffer.of(6), 1), '03020106'],
  ['an empty sequence', der.sequence(), '3000'],
  ['a nested sequence', der.sequence(der.set(der.boolean(false))), '30053103010100'],
  ['an object id with a long arc', der.objectId('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
  [
    'a time',
    der.utcTime(Date.UTC(2026, 10, 23, 8, 7, 6)),
    `170d${Buffer.from('261123080706Z').toString('hex')}`,
  ],
])('%s', (_, bytes, hex) => {
  expect(bytes.toString('hex')).toBe(hex);
});

test.each([
  [127, '047f'],
  [128, '048180'],
  [255, '0481ff'],
  [256, '04820100'],
  [65_535, '0482ffff'],
])('%i bytes have the shortest length there is', (size, head) => {
  const bytes = der.octetString(Buffer.alloc(size));
  expect(bytes.subarray(0, head.length / 2).toString('hex')).toBe(head);
  expect(bytes).toHaveLength(head.length / 2 + size);
});
