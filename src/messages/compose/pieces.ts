import { sha256 } from '../../ids.ts';

/** Bytes whose digest is known: those that many letters have in common are looked at once, not for each. */
export interface Block {
  readonly bytes: Buffer;
  readonly digest: string;
}

/** A piece of a letter. Texts become UTF-8. */
export type Piece = string | Block;

export function blockOf(bytes: Buffer): Block {
  return { bytes, digest: sha256(bytes) };
}

export function lengthOf(piece: Piece): number {
  return typeof piece === 'string' ? piece.length : piece.bytes.length;
}

export interface Assembled {
  readonly content: Buffer;
  readonly digest: string;
}

/**
 * Puts a letter together. Its digest is the SHA-256 of all its texts, behind an outline that has the digest of each
 * block, and how many characters of text are in front of it. So no two letters are digested as the same: the outline
 * ends with its line, and says where each of the texts stood.
 */
export function assemble(pieces: readonly Piece[]): Assembled {
  let outline = '';
  let text = '';
  let digested = 0; // characters of text behind the last block
  let octets = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') text += piece;
    else {
      outline += `${text.length - digested} ${piece.digest} `;
      digested = text.length;
      octets += piece.bytes.length;
    }
  }
  const whole = `${outline}\n${text}`;
  const begin = whole.length - text.length;
  const digest = sha256(whole);
  octets += Buffer.byteLength(whole) - begin;
  return { content: written(pieces, whole, begin, octets), digest };
}

/** Texts between two blocks are written at once. They begin in the whole text where its outline ends. */
function written(pieces: readonly Piece[], whole: string, outlineEnd: number, octets: number): Buffer {
  const content = memoryOf(octets);
  let at = 0;
  let begin = outlineEnd;
  let end = outlineEnd;
  for (const piece of pieces) {
    if (typeof piece === 'string') end += piece.length;
    else {
      if (begin < end) at += content.write(whole.slice(begin, end), at);
      begin = end;
      content.set(piece.bytes, at);
      at += piece.bytes.length;
    }
  }
  content.write(whole.slice(begin), at);
  return content;
}

/** Letters of usual size share memory: to get some for each costs more than to write it. It goes with the last of them. */
const SHEET = 65_536;
let sheet = Buffer.alloc(0);
let used = 0;

function memoryOf(octets: number): Buffer {
  if (octets > SHEET / 2) return Buffer.allocUnsafeSlow(octets);
  if (octets > sheet.length - used) {
    sheet = Buffer.allocUnsafeSlow(SHEET);
    used = 0;
  }
  used += octets;
  return sheet.subarray(used - octets, used);
}
