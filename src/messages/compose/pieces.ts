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
  const script = { pieces, whole, outlineEnd: whole.length - text.length };
  const digest = sha256(whole);
  return { content: contentOf(script, text.length, octets), digest };
}

interface Script {
  readonly pieces: readonly Piece[];
  /** All texts, behind the outline. */
  readonly whole: string;
  readonly outlineEnd: number;
}

/** Letters of usual size share memory: to get some for each costs more than to write it. It goes with the last of them. */
const SHEET = 65_536;
/** Of UTF-8, for each unit of UTF-16. To count them costs more than to write them. */
const MOST_OCTETS = 3;
let sheet = Buffer.alloc(0);
let used = 0;

/** @param octets of the blocks */
function contentOf(script: Script, characters: number, octets: number): Buffer {
  const most = characters * MOST_OCTETS + octets;
  if (most > SHEET / 2) {
    const own = Buffer.allocUnsafeSlow(Buffer.byteLength(script.whole) - script.outlineEnd + octets);
    write(script, own, 0);
    return own;
  }
  if (most > sheet.length - used) {
    sheet = Buffer.allocUnsafeSlow(SHEET);
    used = 0;
  }
  const begin = used;
  used = write(script, sheet, begin);
  return sheet.subarray(begin, used);
}

/** Texts between two blocks are written at once. Returns where the letter ends. */
function write({ pieces, whole, outlineEnd }: Script, memory: Buffer, start: number): number {
  let at = start;
  let begin = outlineEnd;
  let end = outlineEnd;
  for (const piece of pieces) {
    if (typeof piece === 'string') end += piece.length;
    else {
      if (begin < end) at += memory.write(whole.slice(begin, end), at);
      begin = end;
      memory.set(piece.bytes, at);
      at += piece.bytes.length;
    }
  }
  return at + memory.write(whole.slice(begin), at);
}
