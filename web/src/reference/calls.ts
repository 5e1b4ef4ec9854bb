import type { OpenApiDocument, Operation, Schema } from './document.ts';

/** One call: a method on a path. */
export interface Call {
  method: string;
  /** As `/v1/servers/{id}`. */
  path: string;
  operation: Operation;
}

export interface CallGroup {
  tag: string;
  calls: Call[];
}

/** The calls by tag, both in the order of the document. */
export function groupsOf(document: OpenApiDocument): CallGroup[] {
  const groups = new Map<string, Call[]>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0] ?? 'Other';
      groups.set(tag, [...(groups.get(tag) ?? []), { method: method.toUpperCase(), path, operation }]);
    }
  }
  return [...groups].map(([tag, calls]) => ({ tag, calls }));
}

/** The calls that have every word of the text in their path, summary, field names or codes. */
export function matching(groups: CallGroup[], text: string): CallGroup[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return groups
    .map(({ tag, calls }) => ({
      tag,
      calls: calls.filter((call) => {
        const known = wordsOf(tag, call);
        return words.every((word) => known.includes(word));
      }),
    }))
    .filter(({ calls }) => calls.length > 0);
}

function wordsOf(tag: string, { method, path, operation }: Call): string {
  const body = operation.requestBody?.content['application/json'].schema;
  const parameters = operation.parameters.map(({ name }) => name);
  return [tag, method, path, operation.summary, ...parameters, ...(body ? namesIn(body) : [])]
    .join(' ')
    .toLowerCase();
}

function namesIn(schema: Schema): string[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.items ? [schema.items] : [])];
  const named = Object.entries(schema.properties ?? {});
  return [
    ...(schema['x-error-code'] ? [schema['x-error-code']] : []),
    ...named.map(([name]) => name),
    ...[...inner, ...named.map(([, property]) => property)].flatMap(namesIn),
  ];
}
