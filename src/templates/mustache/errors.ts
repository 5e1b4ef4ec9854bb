/** Characters of the source shown around the place of an error. */
const EXCERPT_CHARS = 60;

/**
 * A template that cannot be read. The message is a sentence for its author that begins with the place. `line` and
 * `column` count from 1, columns in UTF-16 units as code editors do; `excerpt` is the line around the place.
 */
export class TemplateSyntaxError extends Error {
  readonly line: number;
  readonly column: number;
  readonly excerpt: string;

  /** @param sentence what is wrong and what to do, without the place and beginning in lower case */
  constructor(source: string, offset: number, sentence: string) {
    const { line, column } = placeOf(source, offset);
    super(`Line ${line}, column ${column}: ${sentence}`);
    this.name = 'TemplateSyntaxError';
    this.line = line;
    this.column = column;
    this.excerpt = excerptOf(source, offset);
  }
}

/** A template that nests too deep, or whose rendering became too large. */
export class TemplateLimitError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TemplateLimitError';
  }
}

/** The line and the column of an offset, both from 1. */
export function placeOf(source: string, offset: number): { line: number; column: number } {
  let line = 1;
  let lineStart = 0;
  for (let end = source.indexOf('\n'); end >= 0 && end < offset; end = source.indexOf('\n', lineStart)) {
    line++;
    lineStart = end + 1;
  }
  return { line, column: offset - lineStart + 1 };
}

function excerptOf(source: string, offset: number): string {
  const lineStart = source.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = source.indexOf('\n', offset);
  const end = lineEnd < 0 ? source.length : lineEnd;
  const from = Math.max(lineStart, offset - EXCERPT_CHARS / 2);
  const to = Math.min(end, from + EXCERPT_CHARS);
  return `${from > lineStart ? '…' : ''}${source.slice(from, to).trimEnd()}${to < end ? '…' : ''}`;
}
