/** HTML editors write a no-break space as a reference. */
const SPACE = /\s+|&nbsp;|&#160;/y;

/**
 * A place in a source that only moves forward. `steps` counts the characters looked at, so that a test can prove
 * reading linear: nothing here looks at a character more often than a constant number of times, unless a search
 * fails, and a failed search ends the reading with an error.
 */
export class Cursor {
  readonly source: string;
  at = 0;
  steps = 0;

  constructor(source: string) {
    this.source = source;
  }

  /** Moves past the next match and returns the text before it; undefined, not moving, when there is none. Needs the g flag. */
  through(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source);
    const end = found ? pattern.lastIndex : this.source.length;
    this.steps += end - this.at + 1;
    if (!found) return undefined;
    const before = this.source.slice(this.at, found.index);
    this.at = end;
    return before;
  }

  /** Moves past what the pattern matches here and returns it, '' when nothing. Needs the y flag. */
  take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const text = pattern.exec(this.source)?.[0] ?? '';
    this.at += text.length;
    this.steps += text.length + 1;
    return text;
  }

  /** Moves past `word` if it stands here. */
  accept(word: string): boolean {
    this.steps += word.length;
    if (!this.source.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  skipSpace(): void {
    while (this.take(SPACE) !== '');
  }
}
