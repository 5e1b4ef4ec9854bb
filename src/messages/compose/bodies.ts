import { joined, type Part, type StaticText } from '../../templates/mustache/index.ts';
import { base64Length, type EncodedBody, encodeText, quotedPrintable } from './encode.ts';

/** A body, whole or in the pieces that a template rendered. */
export type Body = string | readonly Part[];

/** As `encodeText`. Whole lines that stood in the template are encoded once, however many letters have them. */
export function encodeBody(body: Body): EncodedBody {
  if (typeof body === 'string') return encodeText(body);
  const readable = quotedPrintableParts(body);
  const characters = body.reduce((sum, part) => sum + textOf(part).length, 0);
  // A text has at least as many octets as characters. Only where base64 may be shorter, all of it is looked at.
  if (readable.length > base64Length(characters)) return encodeText(joined(body));
  return { encoding: 'quoted-printable', body: readable };
}

/** Each line is encoded by itself, so a text may be cut behind any LF, and the pieces are the whole. */
function quotedPrintableParts(parts: readonly Part[]): string {
  let encoded = '';
  let open = ''; // a line begun, and what follows it up to whole lines of the template
  for (const part of parts) {
    const lines = typeof part === 'string' ? undefined : linesOf(part);
    if (lines) {
      encoded += quotedPrintable(open + lines.first) + lines.encoded;
      open = lines.last;
    } else open += textOf(part);
  }
  return encoded + quotedPrintable(open);
}

/** A text of a template around its whole lines. */
interface Lines {
  /** The end of a line that may have begun before. */
  readonly first: string;
  readonly encoded: string;
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
    encoded: quotedPrintable(text.slice(begin, end)),
    last: text.slice(end),
  };
}

export function textOf(part: Part): string {
  return typeof part === 'string' ? part : part.text;
}
