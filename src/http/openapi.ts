import { z } from 'zod';
import type { Route } from './route.ts';

/** The OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.0), made from the very schemas that validate the calls. */
export function openApiDocument(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const one of routes) {
    const path = one.path.replace(/:([A-Za-z]+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][one.method.toLowerCase()] = operation(one);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Mailwright',
      version,
      description: 'The HTTP API of Mailwright, the bring-your-own-server email platform.',
    },
    paths,
    components: {
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: ERROR_SCHEMA },
    },
  };
}

const ERROR_SCHEMA = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: { type: 'string' },
        message: { type: 'string' },
        field: { type: 'string' },
        detail: { type: 'object' },
      },
    },
  },
};

function operation(one: Route): object {
  return {
    operationId: operationId(one),
    summary: one.summary,
    tags: [one.tag],
    security: one.access === 'public' ? [] : [{ apiKey: [] }],
    parameters: [...pathParameters(one.path), ...queryParameters(one.query)],
    ...(one.body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: jsonSchema(one.body, 'input') } },
          },
        }
      : {}),
    responses: {
      ...responses(one),
      default: {
        description: 'An error',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

function operationId(one: Route): string {
  const words = one.path
    .split('/')
    .filter((part) => part && part !== 'v1')
    .map((part) => part.replace(/^:/, 'by-').replace(/\W+/g, '-'));
  return [one.method.toLowerCase(), ...words].join('-');
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/:([A-Za-z]+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType | undefined): object[] {
  if (!query) return [];
  const schema = jsonSchema(query, 'input') as { properties?: Record<string, object>; required?: string[] };
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    in: 'query',
    required: schema.required?.includes(name) ?? false,
    schema: property,
  }));
}

function responses(one: Route): Record<string, object> {
  return Object.fromEntries(
    Object.entries(one.answers).map(([status, { description, schema, type }]) => [
      status,
      schema
        ? { description, content: { 'application/json': { schema: jsonSchema(schema, 'output') } } }
        : { description, ...(type ? { content: { [type]: {} } } : {}) },
    ]),
  );
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<
    string,
    unknown
  >;
  return rest;
}
