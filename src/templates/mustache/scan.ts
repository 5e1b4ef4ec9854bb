import { Cursor } from './cursor.ts';
import { TemplateSyntaxError } from './errors.ts';

interface Span {
  /** Offsets into the source: of the first brace, and after the last. */
  readonly start: number;
  readonly end: number;
}

export interface VariableTag extends Span {
  readonly kind: 'variable';
  /** A dotted path, or '.' for the item itself. */
  readonly name: string;
  readonly raw: boolean;
  /** The literal between its quotes, as written. */
  readonly fallback: string | undefined;
}

export interface SectionTag extends Span {
  readonly kind: 'section' | 'inverted' | 'close';
  readonly name: string;
}

interface CommentTag extends Span {
  readonly kind: 'comment';
}

export type Tag = VariableTag | SectionTag | CommentTag;

/** Characters of a tag repeated in the sentence about it. */
const SHOWN_CHARS = 40;

const OPENING = /\{\{/g;
const CLOSING = /\}\}/g;

/** A longer name is a missing brace, not a name. */
const NAME = /[\p{L}\p{M}\p{N}_.-]{1,200}/uy;

/** What may stand before a name. Visual editors write & and > as references. */
const SIGIL = /[!#^/>=]|&gt;|&amp;|&/y;

/** The quotes of a fallback: plain, as references inside an HTML attribute, and as writing programs set them. */
const QUOTES: readonly { open: string; close: RegExp }[] = [
  { open: '"', close: /"/g },
  { open: "'", close: /'/g },
  { open: '&quot;', close: /&quot;/g },
  { open: '&#34;', close: /&#34;/g },
  { open: '&#39;', close: /&#39;/g },
  { open: '&apos;', close: /&apos;/g },
  { open: '“', close: /”/g },
  { open: '„', close: /[“”]/g },
  { open: '”', close: /”/g },
  { open: '‘', close: /’/g },
  { open: '‚', close: /[‘’]/g },
  { open: '’', close: /’/g },
  { open: '«', close: /»/g },
  { open: '»', close: /«/g },
];

/**
 * All tags of a template in order, read as they are asked for. A tag ends at the first closing braces outside the
 * quotes of its fallback.
 * @throws TemplateSyntaxError at the first tag that cannot be read
 */
export function* scan(source: string, cursor = new Cursor(source)): Generator<Tag> {
  while (cursor.through(OPENING) !== undefined) yield readTag(cursor, cursor.at - 2);
}

function readTag(cursor: Cursor, start: number): Tag {
  const triple = cursor.accept('{');
  cursor.skipSpace();
  const sigil = triple ? '' : cursor.take(SIGIL);
  if (sigil === '!') return readComment(cursor, start);
  rejectUnsupported(cursor, start, sigil);

  cursor.skipSpace();
  const name = cursor.take(NAME);
  if (!isName(name)) throw unreadable(cursor, start);
  cursor.skipSpace();
  const kind = kindOf(sigil);
  const fallback = kind === 'variable' ? readFallback(cursor, start) : undefined;
  cursor.skipSpace();
  if (!cursor.accept(triple ? '}}}' : '}}')) throw unreadable(cursor, start);

  const span = { start, end: cursor.at };
  if (kind !== 'variable') return { kind, name, ...span };
  return { kind, name, raw: triple || sigil !== '', fallback, ...span };
}

function readComment(cursor: Cursor, start: number): CommentTag {
  if (cursor.through(CLOSING) === undefined) throw unreadable(cursor, start);
  return { kind: 'comment', start, end: cursor.at };
}

function rejectUnsupported(cursor: Cursor, start: number, sigil: string): void {
  if (sigil === '>' || sigil === '&gt;') {
    const sentence = 'partials ({{> name}}) are not supported. Paste the content here.';
    throw new TemplateSyntaxError(cursor.source, start, sentence);
  }
  if (sigil === '=') {
    const sentence = 'changing the delimiters ({{= … =}}) is not supported. Tags always stand in {{ and }}.';
    throw new TemplateSyntaxError(cursor.source, start, sentence);
  }
}

/** '.', or parts with dots between them. */
function isName(name: string): boolean {
  return name === '.' || name.split('.').every((part) => part !== '');
}

function kindOf(sigil: string): 'variable' | SectionTag['kind'] {
  if (sigil === '#') return 'section';
  if (sigil === '^') return 'inverted';
  if (sigil === '/') return 'close';
  return 'variable';
}

function readFallback(cursor: Cursor, start: number): string | undefined {
  if (!cursor.accept('|') && !cursor.accept('??')) return undefined;
  cursor.skipSpace();
  const quote = QUOTES.find(({ open }) => cursor.accept(open));
  if (!quote) {
    const sentence = 'a fallback stands in quotes, as in {{ name | "there" }}.';
    throw new TemplateSyntaxError(cursor.source, start, sentence);
  }
  const literal = cursor.through(quote.close);
  if (literal === undefined) {
    const sentence = `the quote ${quote.open} of the fallback is never closed. Close it before }}.`;
    throw new TemplateSyntaxError(cursor.source, start, sentence);
  }
  return literal;
}

/** Why the tag that began at `start` does not go on at the cursor. Looks ahead freely: the reading ends here. */
function unreadable(cursor: Cursor, start: number): TemplateSyntaxError {
  const { source, at } = cursor;
  const close = source.indexOf('}}', at);
  const nextOpen = source.indexOf('{{', at);
  const open = close < 0 || (nextOpen >= 0 && nextOpen < close);
  const written = source.slice(start, close < 0 ? undefined : close + 2);
  return new TemplateSyntaxError(source, start, sentenceFor(written, open));
}

/** The sentence for a tag as written, up to its closing braces if it has any of its own. */
function sentenceFor(written: string, open: boolean): string {
  const shown = shorten(written);
  if (open) return `the tag ${shown} is never closed. Add }} where it ends.`;
  const inner = written.replace(/^\{+/, '').slice(0, -2).trim();
  if (inner === '') return 'the tag is empty. Write a name between the braces.';
  if (/[<>]/.test(inner)) return `the tag ${shown} holds HTML. Remove the formatting between the braces.`;
  const block = /^[#^/]\s*(?:if|unless|each|with)\s/.test(inner);
  if (block) return `${shown} is not Mustache. A condition or a list is written {{#name}} … {{/name}}.`;
  const triple = /^\{{3}[^{]/.test(written) && isName(inner);
  if (triple) return `the tag ${shown} opens with three braces. Close it with three.`;
  return `${shown} is not a tag that can be read. A name has letters, digits, - and _ (dots between its parts), then at most a fallback in quotes: {{ name | "there" }}.`;
}

function shorten(text: string): string {
  const line = text.slice(0, 200).replace(/\s+/g, ' ').trim();
  return line.length <= SHOWN_CHARS ? line : `${line.slice(0, SHOWN_CHARS - 1)}…`;
}
