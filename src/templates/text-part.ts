import { createRequire } from 'node:module';
import type { FormatCallback, HtmlToTextOptions } from 'html-to-text';
import { mask, type Original, TOKEN, unmask } from './mustache/mask.ts';

/** Deeper elements are left out. Layout tables take four levels a nesting; the converter recurses, so its stack is at risk. */
const MAX_ELEMENT_DEPTH = 500;

/** How mail hides a preheader, and what only some clients are to show. */
const HIDDEN = [
  'head',
  'title',
  '[hidden]',
  '[style*="display:none" i]',
  '[style*="display: none" i]',
  '[style*="visibility:hidden" i]',
  '[style*="visibility: hidden" i]',
  '[style*="mso-hide:all" i]',
  '[style*="mso-hide: all" i]',
];

/** Section tags that wait for a partner. HTML that compiles has at most 32 inside each other; the oldest are lost cases. */
const MAX_WAITING = 1000;

const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];

/** Elements with a line of their own that the converter takes for inline. Rows are lines; columns cannot survive. */
const LINES = ['tr', 'center', 'address', 'figure', 'figcaption', 'dt', 'dd'];

const formatCell: FormatCallback = (cell, walk, builder) => {
  walk(cell.children, builder);
  builder.addInline(' ');
};

/** The address of an image says nothing to a reader. */
const formatImage: FormatCallback = (image, _walk, builder) => {
  builder.addInline(image.attribs.alt ?? '');
};

// The converter's data tables are not used: they drop section tags between rows.
const OPTIONS: HtmlToTextOptions = {
  wordwrap: false, // quoted-printable keeps lines short on the wire; a reader's window wraps better
  whitespaceCharacters: ' \t\r\n\f\u200b\u00a0',
  limits: { maxDepth: MAX_ELEMENT_DEPTH },
  formatters: { cell: formatCell, alternative: formatImage },
  selectors: [
    {
      selector: 'a',
      options: { hideLinkHrefIfSameAsText: true, noAnchorUrl: true, linkBrackets: ['[', ']'] },
    },
    { selector: 'img', format: 'alternative' },
    { selector: 'td', format: 'cell' },
    { selector: 'th', format: 'cell' },
    { selector: 'ul', options: { itemPrefix: '- ' } },
    ...HEADINGS.map((selector) => ({ selector, options: { uppercase: false, leadingLineBreaks: 2 } })),
    ...LINES.map((selector) => ({
      selector,
      format: 'block',
      options: { leadingLineBreaks: 1, trailingLineBreaks: 1 },
    })),
    ...HIDDEN.map((selector) => ({ selector, format: 'skip' })),
  ],
};

let converter: ((html: string) => string) | undefined;

/** Loaded for the first author that needs it: the converter is some thirty files, and who only sends does without. */
function toText(html: string): string {
  const load = createRequire(import.meta.url);
  converter ??= (load('html-to-text') as typeof import('html-to-text')).compile(OPTIONS);
  return converter(html);
}

/**
 * The plain-text template of an HTML template: what a reader sees, with its tags. If the HTML compiles, so does the
 * result: a section tag whose partner is not in visible text is left out.
 * @throws TemplateSyntaxError for a tag that cannot be read
 */
export function textPartOf(html: string): string {
  const { text, originals } = mask(html);
  const visible = keepBracesApart(toText(text));
  const paired = dropUnpaired(visible, originals);
  const laidOut = layOutSections(paired, originals);
  return unmask(laidOut, originals.map(withPlainQuotes));
}

/** Braces that HTML wrote as references, or split by an element, are text: they must not become a tag, or part of one. */
function keepBracesApart(text: string): string {
  return text.replace(/\{(?=[{\ue000])/g, '{ ');
}

/** Removes the section tags that do not pair, such as one whose partner stood in a <style> or in an attribute. */
function dropUnpaired(text: string, originals: readonly Original[]): string {
  const waiting: { name: string; at: number }[] = [];
  const paired = new Set<number>();
  for (const { index: at, 1: number } of text.matchAll(TOKEN)) {
    const tag = originals[Number(number)]?.tag;
    if (tag?.kind === 'section' || tag?.kind === 'inverted') {
      waiting.push({ name: tag.name, at });
      if (waiting.length > MAX_WAITING) waiting.shift();
    } else if (tag?.kind === 'close') {
      const partner = waiting.findLastIndex(({ name }) => name === tag.name);
      if (partner < 0) continue;
      paired.add(waiting[partner]!.at).add(at);
      waiting.length = partner; // those inside can no longer be closed
    }
  }
  return text.replace(TOKEN, (token, number, at) =>
    isSection(originals[Number(number)]) && !paired.has(at) ? '' : token,
  );
}

/**
 * Gives section tags that share a line with nothing else a line each, which rendering then removes, and never leaves
 * two blank lines with at most such tags between them: else each section would leave a gap.
 */
function layOutSections(text: string, originals: readonly Original[]): string {
  const lines: string[] = [];
  let afterBlank = true;
  for (const line of text.split('\n')) {
    const tags = silentTagsOf(line, originals);
    if (tags) {
      lines.push(...tags);
      continue;
    }
    const blank = line.trim() === '';
    if (!(blank && afterBlank)) lines.push(line);
    afterBlank = blank;
  }
  return lines.join('\n');
}

/** The tokens of a line that holds only section tags and comments; undefined for other lines. */
function silentTagsOf(line: string, originals: readonly Original[]): string[] | undefined {
  const tokens: string[] = [];
  const rest = line.replace(TOKEN, (token, number) => {
    const original = originals[Number(number)];
    if (!isSection(original) && original?.tag?.kind !== 'comment') return token;
    tokens.push(token);
    return '';
  });
  return tokens.length > 0 && rest.trim() === '' ? tokens : undefined;
}

function isSection(original: Original | undefined): boolean {
  const kind = original?.tag?.kind;
  return kind === 'section' || kind === 'inverted' || kind === 'close';
}

/** Quotes that were references for the sake of an HTML attribute. Inside plain quotes they are needed as they are. */
function withPlainQuotes(original: Original): Original {
  if (original.source.includes('"')) return original;
  return { ...original, source: original.source.replaceAll('&quot;', '"') };
}
