import { scan, type Tag } from './scan.ts';

/** A source whose tags are opaque words, so that an HTML tool may read it without understanding Mustache. */
export interface Masked {
  readonly text: string;
  readonly originals: readonly Original[];
}

export interface Original {
  readonly source: string;
  /** Undefined for a stray bracket character of the source. */
  readonly tag: Tag | undefined;
}

// Private-use brackets around a number: no letters to change case, no spaces to break at, nothing HTML cares about.
// Where the source has these characters itself, they are masked too, so that no token can be mistaken.
const OPEN = '\ue000';
const CLOSE = '\ue001';
const BRACKET = /[\ue000\ue001]/g;

/** A token in a masked text; the group is the number of its original. */
export const TOKEN = /\ue000(\d+)\ue001/g;

/**
 * Replaces each tag with a token. Equal tags get equal tokens: a link whose text is its address still shows it.
 * @throws TemplateSyntaxError for a tag that cannot be read
 */
export function mask(source: string): Masked {
  const originals: Original[] = [];
  const numbers = new Map<string, number>();
  const tokenFor = (original: Original): string => {
    const number = numbers.get(original.source) ?? originals.push(original) - 1;
    numbers.set(original.source, number);
    return `${OPEN}${number}${CLOSE}`;
  };
  const maskBrackets = (text: string): string =>
    text.replace(BRACKET, (bracket) => tokenFor({ source: bracket, tag: undefined }));

  let text = '';
  let textStart = 0;
  for (const tag of scan(source)) {
    text += maskBrackets(source.slice(textStart, tag.start));
    text += tokenFor({ source: source.slice(tag.start, tag.end), tag });
    textStart = tag.end;
  }
  return { text: text + maskBrackets(source.slice(textStart)), originals };
}

/** Puts the originals back. What looks like a token but has no original stays. */
export function unmask(text: string, originals: readonly Original[]): string {
  return text.replace(TOKEN, (token, number) => originals[Number(number)]?.source ?? token);
}
