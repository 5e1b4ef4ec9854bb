import { queryOptions } from '@tanstack/react-query';
import { get } from '../api.ts';

// The parts of an OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.0) that the reference shows.

export interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: { Error: Schema } };
}

export interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  'x-access': 'public' | 'viewer' | 'editor' | 'admin';
  parameters: Parameter[];
  requestBody?: {
    content: { 'application/json': { schema: Schema; example?: unknown } };
    'x-unknown-fields': 'refuse' | 'warn' | 'keep';
    'x-max-bytes': number;
  };
  responses: Record<string, Answer>;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  description?: string;
  schema: Schema;
}

export interface Answer {
  description: string;
  content?: Record<string, { schema?: Schema }>;
}

/** JSON Schema 2020-12, as far as our document uses it. */
export interface Schema {
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  'x-error-code'?: string;
}

/** The description of the running program; it changes only with the program. */
export const documentQuery = queryOptions({
  queryKey: ['openapi'],
  queryFn: ({ signal }) => get<OpenApiDocument>('/v1/openapi.json', signal),
  staleTime: Number.POSITIVE_INFINITY,
});
