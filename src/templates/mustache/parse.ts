import { placeOf, TemplateLimitError, TemplateSyntaxError } from './errors.ts';
import { type SectionTag, scan, type Tag } from './scan.ts';

interface TextNode {
  readonly kind: 'text';
  readonly text: string;
}

export interface VariableNode {
  readonly kind: 'variable';
  readonly name: string;
  readonly raw: boolean;
  readonly fallback: string | undefined;
}

export interface SectionNode {
  readonly kind: 'section' | 'inverted';
  readonly name: string;
  readonly children: readonly Node[];
}

export type Node = TextNode | VariableNode | SectionNode;

/** Sections inside sections. Everything behind the parser may recurse because of this bound. */
const MAX_DEPTH = 32;

/** An unfinished section, or the template itself. */
interface Branch {
  readonly tag: SectionTag | undefined;
  readonly children: Node[];
}

/**
 * The tree of a template.
 * @throws TemplateSyntaxError for a tag that cannot be read and for sections that do not pair
 * @throws TemplateLimitError for sections deeper than 32
 */
export function parse(source: string): readonly Node[] {
  const root: Branch = { tag: undefined, children: [] };
  const branches = [root];
  let textStart = 0;
  for (const tag of scan(source)) {
    const cut = cutOf(source, tag);
    addText(branches.at(-1)!.children, source.slice(textStart, cut.start));
    textStart = cut.end;
    addTag(source, branches, tag);
  }
  addText(root.children, source.slice(textStart));
  const unclosed = branches.at(-1)!.tag;
  if (unclosed) {
    const sentence = `the section ${written(unclosed)} is never closed. Add {{/${unclosed.name}}}.`;
    throw new TemplateSyntaxError(source, unclosed.start, sentence);
  }
  return root.children;
}

/**
 * What a tag takes out of the text: itself, and its whole line when it stands there alone and prints nothing
 * (the specification's standalone lines).
 */
function cutOf(source: string, tag: Tag): { start: number; end: number } {
  if (tag.kind === 'variable') return tag;
  let { start, end } = tag;
  while (isBlank(source[start - 1])) start--;
  if (start > 0 && source[start - 1] !== '\n') return tag;
  while (isBlank(source[end])) end++;
  if (source.startsWith('\r\n', end)) return { start, end: end + 2 };
  if (source[end] === '\n') return { start, end: end + 1 };
  return end === source.length ? { start, end } : tag;
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

/** Text on both sides of a comment becomes one node. */
function addText(children: Node[], text: string): void {
  if (text === '') return;
  const last = children.at(-1);
  if (last?.kind === 'text') children[children.length - 1] = { kind: 'text', text: last.text + text };
  else children.push({ kind: 'text', text });
}

function addTag(source: string, branches: Branch[], tag: Tag): void {
  if (tag.kind === 'comment') return;
  const { children } = branches.at(-1)!;
  if (tag.kind === 'variable') {
    const { kind, name, raw, fallback } = tag;
    children.push({ kind, name, raw, fallback });
  } else if (tag.kind === 'close') {
    closeSection(source, branches, tag);
  } else {
    branches.push(openSection(source, branches, tag));
  }
}

function openSection(source: string, branches: readonly Branch[], tag: SectionTag): Branch {
  if (branches.length > MAX_DEPTH) {
    const { line, column } = placeOf(source, tag.start);
    throw new TemplateLimitError(`Line ${line}, column ${column}: sections nest deeper than ${MAX_DEPTH}.`);
  }
  return { tag, children: [] };
}

function closeSection(source: string, branches: Branch[], tag: SectionTag): void {
  const open = branches.at(-1)!.tag;
  if (!open) {
    const sentence = `${written(tag)} closes a section that is not open. Remove it, or add {{#${tag.name}}} before it.`;
    throw new TemplateSyntaxError(source, tag.start, sentence);
  }
  if (open.name !== tag.name) {
    const { line } = placeOf(source, open.start);
    const sentence = `${written(tag)} stands where {{/${open.name}}} is due, which closes ${written(open)} of line ${line}.`;
    throw new TemplateSyntaxError(source, tag.start, sentence);
  }
  const { children } = branches.pop()!;
  const kind = open.kind === 'inverted' ? 'inverted' : 'section';
  branches.at(-1)!.children.push({ kind, name: open.name, children });
}

const SIGIL = { section: '#', inverted: '^', close: '/' } as const;

function written(tag: SectionTag): string {
  return `{{${SIGIL[tag.kind]}${tag.name}}}`;
}
