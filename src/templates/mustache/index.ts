import type { Context } from './context.ts';
import { joined, Output, type Part, type RenderLimits } from './output.ts';
import { parse } from './parse.ts';
import { type Mode, programOf } from './program.ts';
import { type Variable, variablesOf } from './variables.ts';

export type { Context } from './context.ts';
export { TemplateLimitError, TemplateSyntaxError } from './errors.ts';
export { joined, type Part, type RenderLimits, type StaticText } from './output.ts';
export type { Mode } from './program.ts';
export { missingFrom, type Variable } from './variables.ts';

/** A template ready to render, as often as wanted. */
export interface Compiled {
  /** @throws TemplateLimitError when the output or the repetitions pass their bound */
  render(context: Context, limits?: RenderLimits): string;
  /** As `render`, in pieces. */
  parts(context: Context, limits?: RenderLimits): readonly Part[];
  /** Every name the template uses, in order of first use. */
  readonly variables: readonly Variable[];
}

/**
 * Compiles Mustache (https://mustache.github.io/mustache.5.html) with fallbacks, without partials, lambdas and
 * changed delimiters:
 *
 *     {{ name }}                       the value, escaped in html mode; a missing one prints nothing
 *     {{{ name }}}  {{& name }}        the value as it is
 *     {{ name | "there" }}             a fallback for what would print nothing; ?? is the same
 *     {{#items}} … {{/items}}          once per item, or once for any other value that is there
 *     {{^items}} … {{/items}}          when it is missing, false, 0 or empty
 *     {{ user.name }}  {{.}}           a path, the item itself
 *     {{! a note }}                    nothing
 *
 * Lists and objects print nothing; `{{#items.length}}` asks whether a list has items.
 * @throws TemplateSyntaxError with line, column and a sentence for the author
 * @throws TemplateLimitError when sections nest deeper than 32
 */
export function compile(source: string, mode: Mode): Compiled {
  const nodes = parse(source);
  const program = programOf(nodes, mode);
  const parts = (context: Context, limits: RenderLimits = {}): readonly Part[] => {
    const output = new Output(limits);
    program({ value: context, outer: undefined }, output);
    return output.parts;
  };
  return {
    variables: variablesOf(nodes),
    parts,
    render: (context, limits) => joined(parts(context, limits)),
  };
}
