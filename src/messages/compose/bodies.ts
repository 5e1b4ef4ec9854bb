import { joined, type Part, type StaticText } from '../../templates/mustache/index.ts';
import { base64Length, type EncodedText, encodeText, quotedPrintable } from './encode.ts';
import { type Block, blockOf, lengthOf, type Piece } from './pieces.ts';

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
  const encoded: Piece[] = [];
  let open = ''; // a line begun, and what follows it up to whole lines of the template
  for (const part of parts) {
    const lines = typeof part === 'string' ? undefined : linesOf(part);
    if (lines) {
      encoded.push(quotedPrintable(open + lines.first), lines.encoded);
      open = lines.last;
    } else open += textOf(part);
  }
  encoded.push(quotedPrintable(open));
  return encoded;
}

/** A text of a template around its whole lines. */
interface Lines {
  /** The end of a line that may have begun before. */
  readonly first: string;
  readonly encoded: Block;
  /** The beginning of a line that may go on. */
  readonly last: string;
}

/** Kept as long as the compiled template that has the text. */
const KNOWN = new WeakMap<StaticText, Lines | null>();
/** Characters below which it is cheaper to encode than to join. */
const WORTH_KEEPING = 64;

function linesOf(part: StaticText): Lines | undefined {
  let lines = KNOWN.get(part);
  if (lines === undefined) {
    lines = cut(part.text);
    KNOWN.set(part, lines);
  }
  return lines ?? undefined;
}

function cut(text: string): Lines | null {
  const begin = text.indexOf('\n') + 1;
  const end = text.lastIndexOf('\n') + 1;
  if (end - begin < WORTH_KEEPING) return null;
  return {
    first: text.slice(0, begin),
    encoded: blockOf(Buffer.from(quotedPrintable(text.slice(begin, end)), 'latin1')),
    last: text.slice(end),
  };
}

export function textOf(part: Part): string {
  return typeof part === 'string' ? part : part.text;
}
