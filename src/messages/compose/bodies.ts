import { joined, type Part, type StaticText } from '../../templates/mustache/index.ts';
import { base64Length, type EncodedText, encodeText, quotedPrintable } from './encode.ts';
import { beginOf, endOf, type Fragment, insideOf, Lines } from './lines.ts';
import { blockOf, lengthOf, type Piece } from './pieces.ts';

/** A body, whole or in the pieces that a template rendered. */
export type Body = string | readonly Part[];

/** As `encodeText`, in pieces. */
export interface EncodedParts {
  readonly encoding: EncodedText['encoding'];
  readonly body: readonly Piece[];
}

/** As `encodeText`. Whole lines that stood in the template are encoded once, however many letters have them. */
export function encodeBody(body: Body): EncodedParts {
  if (typeof body === 'string') return encodeWhole(body);
  const readable = quotedPrintableParts(body);
  const octets = readable.reduce((sum, piece) => sum + lengthOf(piece), 0);
  const characters = body.reduce((sum, part) => sum + textOf(part).length, 0);
  // A text has at least as many octets as characters. Only where base64 may be shorter, all of it is looked at.
  if (octets > base64Length(characters)) return encodeWhole(joined(body));
  return { encoding: 'quoted-printable', body: readable };
}

function encodeWhole(text: string): EncodedParts {
  const { encoding, body } = encodeText(text);
  return { encoding, body: [body] };
}

/** Each line is encoded by itself, so a text may be cut behind any LF, and the pieces are the whole. */
function quotedPrintableParts(parts: readonly Part[]): Piece[] {
  const pieces: Piece[] = [];
  const lines = new Lines();
  for (const part of parts) {
    if (typeof part === 'string') lines.value(part);
    else addStatic(knownCut(part), lines, pieces);
  }
  pieces.push(lines.take());
  return pieces;
}

function addStatic({ end, whole, begin }: Cut, lines: Lines, pieces: Piece[]): void {
  if (end !== undefined) {
    lines.end(end);
    if (typeof whole === 'string') lines.addEncoded(whole);
    else pieces.push(lines.take(), whole);
  }
  lines.add(begin);
}

/** A text of a template, cut around its whole lines. */
interface Cut {
  /** The end of a line that may have begun before. Undefined for a text without a line end, which is all `begin`. */
  readonly end: Fragment | undefined;
  /** Encoded. */
  readonly whole: Piece;
  /** The beginning of a line that may go on. */
  readonly begin: Fragment;
}

/** Kept as long as the compiled template that has the text. */
const KNOWN = new WeakMap<StaticText, Cut>();
/** Characters from which it costs less to look up bytes and digest than to write and digest a text. */
const WORTH_A_BLOCK = 256;

function knownCut(part: StaticText): Cut {
  let cut = KNOWN.get(part);
  if (cut === undefined) {
    cut = cutOf(part.text);
    KNOWN.set(part, cut);
  }
  return cut;
}

function cutOf(text: string): Cut {
  const begin = text.indexOf('\n') + 1;
  const end = text.lastIndexOf('\n') + 1;
  if (begin === 0) return { end: undefined, whole: '', begin: insideOf(text) };
  const whole = quotedPrintable(text.slice(begin, end));
  return {
    end: endOf(text.slice(0, begin)),
    whole: whole.length < WORTH_A_BLOCK ? whole : blockOf(Buffer.from(whole, 'latin1')),
    begin: beginOf(text.slice(end)),
  };
}

export function textOf(part: Part): string {
  return typeof part === 'string' ? part : part.text;
}
