import { type Context, lookup, pathOf } from './context.ts';
import { decodeReferences } from './escape.ts';
import type { Node, SectionNode, VariableNode } from './parse.ts';

/** Names that the platform fills in. */
export const BUILT_INS: readonly string[] = ['unsubscribe_link'];

/** A name that a template uses. */
export interface Variable {
  /** The dotted path as written. */
  readonly name: string;
  /**
   * The innermost {{#section}} around it, whose item or whose surroundings may give the value. The same name inside
   * and outside of a section is two variables.
   */
  readonly within: string | undefined;
  /** The first fallback written for it, as text. */
  readonly fallback: string | undefined;
  /** Somewhere it opens a section or an inverted one. */
  readonly section: boolean;
  /** Somewhere it is printed unescaped. */
  readonly raw: boolean;
  /** Somewhere it is printed unconditionally (outside of every section) without a fallback, and is not built in. */
  readonly required: boolean;
}

/** Every variable once, in order of first use. The item itself, {{.}}, has no name and is not listed. */
export function variablesOf(nodes: readonly Node[]): readonly Variable[] {
  const found = new Map<string, Variable>();
  collect(nodes, { within: undefined, conditional: false }, found);
  return [...found.values()];
}

/**
 * Makes a look for names that print nothing with a context although the template counts on them: a warning, not an
 * error. What is null or empty was left so on purpose.
 */
export function missingFrom(variables: readonly Variable[]): (context: Context) => string[] {
  const names = new Set(variables.filter((one) => one.required).map(({ name }) => name));
  const required = [...names].map((name) => ({ name, path: pathOf(name) }));
  return (context) => {
    const scope = { value: context, outer: undefined };
    return required.filter(({ path }) => lookup(scope, path) === undefined).map(({ name }) => name);
  };
}

interface Place {
  readonly within: string | undefined;
  readonly conditional: boolean;
}

/** Recursion is bounded by the parser's depth. */
function collect(nodes: readonly Node[], place: Place, found: Map<string, Variable>): void {
  for (const node of nodes) {
    if (node.kind === 'text') continue;
    if (node.name !== '.') add(found, variableOf(node, place));
    if (node.kind !== 'variable') collect(node.children, placeInside(node, place), found);
  }
}

function variableOf(node: VariableNode | SectionNode, { within, conditional }: Place): Variable {
  const { name } = node;
  if (node.kind !== 'variable') {
    return { name, within, fallback: undefined, section: true, raw: false, required: false };
  }
  const fallback = node.fallback === undefined ? undefined : decodeReferences(node.fallback);
  const required = !conditional && fallback === undefined && !BUILT_INS.includes(name);
  return { name, within, fallback, section: false, raw: node.raw, required };
}

/** An inverted section has no item: its names come from where it stands. */
function placeInside(node: SectionNode, { within }: Place): Place {
  const isItem = node.kind === 'section' && node.name !== '.';
  return { within: isItem ? node.name : within, conditional: true };
}

function add(found: Map<string, Variable>, variable: Variable): void {
  const key = `${variable.within ?? ''} ${variable.name}`; // names hold no spaces
  const known = found.get(key);
  found.set(key, known ? merge(known, variable) : variable);
}

function merge(first: Variable, later: Variable): Variable {
  return {
    ...first,
    fallback: first.fallback ?? later.fallback,
    section: first.section || later.section,
    raw: first.raw || later.raw,
    required: first.required || later.required,
  };
}
