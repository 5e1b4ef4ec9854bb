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
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // Where the document was fetched is where the calls go (OpenAPI 3.1.0 §4.8.5).
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map((one) => one.tag))].map((name) => ({ name })),
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
        code: { type: 'string', description: 'Stable; programs may rely on it.' },
        message: { type: 'string', description: 'A sentence that says what to do.' },
        field: { type: 'string', description: 'What it is about, such as `rcpt` or `limits.perDay`.' },
        detail: {
          type: 'object',
          additionalProperties: {},
          description: 'More for programs: a suggestion, a limit, the reply of a server.',
        },
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
    'x-access': one.access,
    parameters: [
      ...pathParameters(one.path),
      ...queryParameters(one.query),
      ...headerParameters(one.headers ?? {}),
    ],
    ...(one.body ? { requestBody: requestBody(one, one.body) } : {}),
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

function headerParameters(headers: Record<string, string>): object[] {
  return Object.entries(headers).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }));
}

function requestBody(one: Route, body: z.ZodType): object {
  return {
    required: true,
    content: {
      'application/json': {
        schema: jsonSchema(body, 'input'),
        ...(one.example === undefined ? {} : { example: one.example }),
      },
    },
    'x-unknown-fields': one.unknownFields,
    'x-max-bytes': one.maxBodyBytes,
  };
}

function responses(one: Route): Record<string, object> {
  return Object.fromEntries(
    Object.entries(one.answers).map(([status, { description, schema, type }]) => {
      const content = {
        ...(schema ? { 'application/json': { schema: jsonSchema(schema, 'output') } } : {}),
        ...(type ? { [type]: {} } : {}),
      };
      return [status, Object.keys(content).length > 0 ? { description, content } : { description }];
    }),
  );
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<
    string,
    unknown
  >;
  return rest;
}
