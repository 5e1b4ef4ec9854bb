import fc from 'fast-check';

/** Random templates and contexts for property tests. Texts hold nothing that is special to Mustache or to HTML. */

const NAMES = ['a', 'b', 'items', 'user', 'user.name', 'items.length', '.'];

const name = fc.constantFrom(...NAMES);
const text = fc.string({ unit: fc.constantFrom('x', 'Y', '0', ' ', '\n', '.', '}', 'é', '😀') });
const literal = fc.string({ unit: fc.constantFrom('x', ' ', '<', '&', "'", '}}', '{{', '|', '&amp;') });
const quotes = fc.constantFrom(['"', '"'], ['&quot;', '&quot;'], ['“', '”'], ['„', '“'], ['«', '»']);
const separator = fc.constantFrom('|', '??');

const fallback = fc.option(
  fc
    .tuple(separator, quotes, literal)
    .map(([mark, [open, close], words]) => ` ${mark} ${open}${words}${close}`),
  { nil: '' },
);

const escapedTag = fc.tuple(name, fallback).map(([path, words]) => `{{ ${path}${words} }}`);
const rawTag = fc
  .tuple(name, fallback, fc.constantFrom(['{{{', '}}}'], ['{{&', '}}'], ['{{&amp; ', ' }}']))
  .map(([path, words, [open, close]]) => `${open}${path}${words}${close}`);
const comment = text.filter((words) => !words.includes('}')).map((words) => `{{!${words}}}`);

/** Texts, variables, comments and balanced sections; `wrap` may put markup around a piece. */
function templates(variable: fc.Arbitrary<string>, wrap = (piece: string) => piece): fc.Arbitrary<string> {
  const { pieces } = fc.letrec<{ pieces: string; piece: string; section: string }>((tie) => ({
    pieces: fc.array(tie('piece'), { maxLength: 5 }).map((all) => all.join('')),
    piece: fc.oneof({ depthSize: 'small' }, text, variable, comment, tie('section')).map(wrap),
    section: fc
      .tuple(fc.constantFrom('#', '^'), name, tie('pieces'))
      .map(([sigil, path, content]) => `{{${sigil}${path}}}${content}{{/${path}}}`),
  }));
  return pieces;
}

/** Templates that always compile. */
export const anyTemplate = templates(fc.oneof(escapedTag, rawTag));

/** Templates that always compile and escape every value. */
export const escapingTemplate = templates(escapedTag);

/** HTML templates that always compile, all of whose tags stand in visible text. */
export const htmlTemplate = templates(fc.oneof(escapedTag, rawTag), (piece) => `<p>${piece}</p>`);

export const context = fc.record(
  { a: fc.jsonValue(), b: fc.jsonValue(), items: fc.array(fc.jsonValue()), user: fc.object() },
  { requiredKeys: [] },
);
