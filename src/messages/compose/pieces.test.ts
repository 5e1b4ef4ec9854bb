import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256 } from '../../ids.ts';
import { assemble, blockOf, type Piece } from './pieces.ts';

const block = (text: string) => blockOf(Buffer.from(text));
const bytes = (pieces: readonly Piece[]) =>
  Buffer.concat(pieces.map((one) => (typeof one === 'string' ? Buffer.from(one) : one.bytes)));

const words = fc.constantFrom(
  '',
  'a',
  'b',
  'ab',
  '0 ',
  '\n',
  'ü',
  '東京',
  `${sha256('a')} `,
  `0 ${sha256('a')} \n`,
);
const piece: fc.Arbitrary<Piece> = fc.oneof(words, words.map(block));
const pieces = fc.array(piece, { maxLength: 6 });

test('the content is the bytes of all pieces', () => {
  fc.assert(
    fc.property(pieces, (some) => {
      expect(assemble(some).content.equals(bytes(some))).toBe(true);
    }),
  );
});

test('other bytes have another digest, however they are cut', () => {
  fc.assert(
    fc.property(pieces, pieces, (some, others) => {
      fc.pre(!bytes(some).equals(bytes(others)));
      expect(assemble(some).digest).not.toBe(assemble(others).digest);
    }),
    { numRuns: 2_000 },
  );
});

test.each<[string, Piece[], Piece[]]>([
  ['a text moves past a block', ['ab', block('x'), 'c'], ['a', block('x'), 'bc']],
  ['blocks change places', ['a', block('x'), block('y')], ['a', block('y'), block('x')]],
  ['a block is there twice', [block('x')], [block('x'), block('x')]],
  ['a block is another', [block('x'), block('z')], [block('y'), block('z')]],
  ['a text is an outline', [block('a'), 'b'], [`0 ${sha256('a')} \nb`]],
])('digests differ when %s', (_, some, others) => {
  expect(assemble(some).digest).not.toBe(assemble(others).digest);
});

test('the digest is the same for the same letter: in every process, and however its texts are cut', () => {
  const expected = sha256(`1 ${sha256('block')} \naüb`);
  expect(assemble(['a', block('block'), 'üb']).digest).toBe(expected);
  expect(assemble(['a', '', block('block'), 'ü', 'b']).digest).toBe(expected);
});

test('letters that share memory do not share bytes, and a large one has its own', () => {
  const sizes = [1, 5_000, 10_000, 10_923, 5_000, 8_000, 200_000, 1];
  const texts = sizes.map((size, at) => `${at}ü東`.repeat(size / 3) + 'x'.repeat(size % 3));
  const letters = texts.map((text, at) => assemble([text, block(`end ${at}`), text]).content);
  for (const [at, text] of texts.entries()) expect(letters[at]!.toString()).toBe(`${text}end ${at}${text}`);
  for (const large of [letters[3]!, letters[6]!]) expect(large.buffer.byteLength).toBe(large.length);
  const small = Array.from({ length: 10 }, () => assemble(['small']).content.buffer);
  expect(new Set(small).size).toBeLessThanOrEqual(2);
});
