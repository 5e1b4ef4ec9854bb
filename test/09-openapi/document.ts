import { z } from 'zod';

// The OpenAPI document as the tests read it, with nothing of the program's own schemas.

export interface Operation {
  operationId: string;
  parameters: { name: string; in: 'path' | 'query' | 'header'; required: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema; example?: Record<string, unknown> }> };
  responses: Record<string, { description: string; content?: Record<string, { schema?: Schema }> }>;
}

export interface Schema {
  type?: string | string[];
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
}

export interface Document {
  paths: Record<string, Record<string, Operation>>;
}

export interface Call {
  method: string;
  /** As `/v1/servers/{id}`. */
  path: string;
  operation: Operation;
}

export function callsOf(document: Document): Call[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

export const bodyOf = ({ operation }: Call) => operation.requestBody?.content['application/json'];

const checkers = new Map<Schema, z.ZodType>();

/** What is wrong with a value by a schema of the document; a field that the schema does not list is. */
export function faults(schema: Schema, value: unknown): string[] {
  const checker = checkers.get(schema) ?? z.fromJSONSchema(schema as never);
  checkers.set(schema, checker);
  const { error } = checker.safeParse(value);
  return error ? [z.prettifyError(error)] : [];
}

/** Every `$ref` of the document, wherever it stands. */
export function references(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === '$ref' && typeof inner === 'string' ? [inner] : references(inner),
  );
}

/** What a JSON pointer of the document leads to (RFC 6901). */
export function resolve(document: unknown, reference: string): unknown {
  const steps = reference
    .replace(/^#\//, '')
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  return steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], document);
}
