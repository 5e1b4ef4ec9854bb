import { isShown, lookup, pathOf, type Scope, textOf } from './context.ts';
import { decodeReferences, escapeHtml } from './escape.ts';
import type { Output } from './output.ts';
import type { Node, SectionNode, VariableNode } from './parse.ts';

/** In html, values are escaped. In text, never: subjects and text parts. */
export type Mode = 'html' | 'text';

/** A piece of a template ready to render: everything that does not depend on the context is done before. */
export type Program = (scope: Scope, output: Output) => void;

/** Recursion is bounded by the parser's depth. */
export function programOf(nodes: readonly Node[], mode: Mode): Program {
  const parts = nodes.map((node) => partOf(node, mode));
  return (scope, output) => {
    for (const part of parts) part(scope, output);
  };
}

function partOf(node: Node, mode: Mode): Program {
  switch (node.kind) {
    case 'text':
      return (_scope, output) => output.add(node);
    case 'variable':
      return variablePart(node, mode);
    case 'section':
      return sectionPart(node, mode);
    case 'inverted':
      return invertedPart(node, mode);
  }
}

/** One rule for fallbacks: what renders as nothing falls back. So 0 and false do not; null, '' and objects do. */
function variablePart(node: VariableNode, mode: Mode): Program {
  const path = pathOf(node.name);
  const fallback = fallbackText(node, mode);
  const escaped = mode === 'html' && !node.raw;
  return (scope, output) => {
    const text = textOf(lookup(scope, path));
    if (text === '') output.add(fallback);
    else output.add(escaped ? escapeHtml(text) : text);
  };
}

/**
 * A literal is text, in which a visual editor has written `&` as a reference: it is decoded, then escaped like a
 * value. In a raw HTML tag it is HTML and stays as written.
 */
function fallbackText({ fallback = '', raw }: VariableNode, mode: Mode): string {
  if (mode === 'text') return decodeReferences(fallback);
  return raw ? fallback : escapeHtml(decodeReferences(fallback));
}

function sectionPart(node: SectionNode, mode: Mode): Program {
  const path = pathOf(node.name);
  const content = programOf(node.children, mode);
  const size = node.children.length;
  return (scope, output) => {
    const value = lookup(scope, path);
    if (!isShown(value)) return;
    for (const item of Array.isArray(value) ? value : [value]) {
      output.countIteration(size);
      content({ value: item, outer: scope }, output);
    }
  };
}

function invertedPart(node: SectionNode, mode: Mode): Program {
  const path = pathOf(node.name);
  const content = programOf(node.children, mode);
  return (scope, output) => {
    if (!isShown(lookup(scope, path))) content(scope, output);
  };
}
