import { joined, type Part, type StaticText } from '../../templates/mustache/index.ts';
import { type Body, textOf } from './bodies.ts';

const HIDDEN = 'display:none;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all';
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Puts the line that inboxes show behind the subject (plain text, escaped here) in front of all the body's content. */
export function insertPreheader(html: Body, preheader: string): readonly Part[] {
  const text = preheader.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
  const parts = typeof html === 'string' ? [html] : html;
  return inserted(parts, contentStart(parts), `<div style="${HIDDEN}">${text}</div>`);
}

function inserted(parts: readonly Part[], at: number, piece: string): readonly Part[] {
  let rest = at;
  let index = 0;
  for (; index < parts.length; index++) {
    const { length } = textOf(parts[index]!);
    if (rest < length) break;
    rest -= length;
  }
  const part = parts[index];
  if (part === undefined || rest === 0) return parts.toSpliced(index, 0, piece);
  const [before, after] =
    typeof part === 'string' ? [part.slice(0, rest), part.slice(rest)] : halves(part, rest);
  return parts.toSpliced(index, 1, before, piece, after);
}

type Halves = readonly [before: StaticText, after: StaticText];

/** The halves of a template's text stay the same objects too, as its lines are known by them. */
const HALVES = new WeakMap<StaticText, Halves>();

function halves(part: StaticText, at: number): Halves {
  const known = HALVES.get(part);
  if (known?.[0].text.length === at) return known;
  const made: Halves = [{ text: part.text.slice(0, at) }, { text: part.text.slice(at) }];
  HALVES.set(part, made);
  return made;
}

/** Behind the opening body tag; without one behind the head; a fragment has neither. */
function contentStart(parts: readonly Part[]): number {
  // Most templates write the tag into their first text. Only where it is not there, all of the rest is looked at.
  const first = parts[0];
  const found = first === undefined || typeof first === 'string' ? 0 : bodyStartOf(first);
  if (found > 0) return found;
  const html = joined(parts);
  const start = bodyStart(html);
  if (start !== undefined) return start;
  const head = /<\/head\s{0,10}>/i.exec(html);
  return head ? head.index + head[0].length : 0;
}

/** Kept as long as the compiled template that has the text. */
const BODY_STARTS = new WeakMap<StaticText, number>();

/** As `bodyStart`, 0 for a text that has no whole tag. */
function bodyStartOf(part: StaticText): number {
  let start = BODY_STARTS.get(part);
  if (start === undefined) {
    start = bodyStart(part.text) ?? 0;
    BODY_STARTS.set(part, start);
  }
  return start;
}

/** The index behind the first opening body tag, 0 when it does not end; undefined when there is none. */
function bodyStart(html: string): number | undefined {
  const body = /<body[\s>]/i.exec(html);
  return body ? tagEnd(html, body.index) : undefined;
}

/** The index behind the > of the tag that starts at `start`. A > inside of a quoted attribute does not end it. */
function tagEnd(html: string, start: number): number {
  let quote = '';
  for (let at = start; at < html.length; at++) {
    const character = html[at]!;
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '>') {
      return at + 1;
    } else if (character === '"' || character === "'") {
      quote = character;
    }
  }
  return 0;
}
