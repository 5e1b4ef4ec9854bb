import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { audienceRoutes } from '../audience/routes.ts';
import { messageRoutes } from '../messages/routes.ts';
import { noticeRoutes } from '../notices/routes.ts';
import { serverRoutes } from '../servers/routes.ts';
import { suppressionRoutes } from '../suppressions/routes.ts';
import { templateRoutes } from '../templates/routes.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { workspaceRoutes } from '../workspaces/routes.ts';
import { openApiDocument } from './openapi.ts';
import { route } from './route.ts';

// Routes are data: they can be looked at without anything behind them.
const nothing = {} as never;
const ROUTES = [
  ...workspaceRoutes(nothing),
  ...serverRoutes(nothing),
  ...templateRoutes(nothing),
  ...audienceRoutes(nothing),
  ...messageRoutes(nothing),
  ...suppressionRoutes(nothing),
  ...noticeRoutes(nothing),
];

interface Operation {
  operationId: string;
  summary: string;
  security: object[];
  parameters: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: { 'application/json': { schema: Record<string, unknown> } } };
  responses: Record<
    string,
    { description: string; content?: Record<string, { schema?: Record<string, unknown> }> }
  >;
}

let running: TestApp;
let document: { openapi: string; paths: Record<string, Record<string, Operation>> };

beforeAll(async () => {
  running = await testApp({ start: false });
  document = (await running.call('GET', '/v1/openapi.json')).body;
  return () => running.stop();
});

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );

test('the document is served without a key, in its version', async () => {
  const answer = await running.app.request('/v1/openapi.json');
  expect(answer.status).toBe(200);
  expect(document.openapi).toBe('3.1.0');
});

describe.each(ROUTES.map((one) => [`${one.method} ${one.path}`, one] as const))('%s', (_, one) => {
  const operation = () => document.paths[one.path.replace(/:(\w+)/g, '{$1}')]?.[one.method.toLowerCase()];

  test('is in the document with its parameters, body and answers', () => {
    const found = operation()!;
    expect(found.summary).toBe(one.summary);
    expect(found.security).toHaveLength(one.access === 'public' ? 0 : 1);
    const named = [...one.path.matchAll(/:(\w+)/g)].map(([, name]) => name);
    expect(found.parameters.filter((each) => each.in === 'path').map((each) => each.name)).toEqual(named);
    expect(found.requestBody !== undefined).toBe(one.body !== undefined);
    expect(Object.keys(found.responses)).toEqual([...Object.keys(one.answers), 'default']);
  });

  test('names at least one success, and says what it is', () => {
    const successes = Object.entries(one.answers).filter(([status]) => /^2\d\d$/.test(status));
    expect(successes).not.toHaveLength(0);
    for (const [status, answer] of successes) {
      expect(answer.description).not.toBe('');
      expect(Boolean(answer.schema ?? answer.type)).toBe(status !== '204');
    }
  });

  test('has schemas that say something', () => {
    const schemas = [
      one.body && z.toJSONSchema(one.body, { io: 'input' }),
      ...Object.values(one.answers).map(({ schema }) => schema && z.toJSONSchema(schema, { io: 'output' })),
    ].filter((schema) => schema !== undefined);
    for (const schema of schemas) expect(schema.type).toMatch(/^(object|array)$/);
  });
});

test('every path of the document is really answered, and asks for a key unless it says otherwise', async () => {
  for (const { path, method, operation } of operations()) {
    const answer = await running.app.request(path.replace(/\{\w+\}/g, 'x'), { method });
    const body = await answer.text();
    expect([method, path, body]).not.toEqual([
      method,
      path,
      expect.stringMatching(/"(not_found|method_not_allowed)"/),
    ]);
    if (operation.security.length > 0) expect([method, path, answer.status]).toEqual([method, path, 401]);
    else expect([method, path, answer.status]).not.toEqual([method, path, 401]);
  }
});

test('operation ids are unique', () => {
  const ids = operations().map(({ operation }) => operation.operationId);
  expect(ids.length).toBeGreaterThan(30);
  expect(new Set(ids).size).toBe(ids.length);
});

test('a field tells the code that a wrong value answers with', () => {
  const schema = document.paths['/v1/servers']!.post!.requestBody!.content['application/json'].schema;
  expect(schema).toMatchObject({ properties: { port: { 'x-error-code': 'port_invalid' } } });
});

test('a query becomes parameters', () => {
  const { parameters } = document.paths['/v1/messages']!.get!;
  const names = parameters.filter((one) => one.in === 'query').map((one) => one.name);
  expect(names).toEqual(
    expect.arrayContaining(['status', 'rcpt', 'template', 'tag', 'q', 'limit', 'cursor']),
  );
  expect(parameters.every((one) => one.in !== 'query' || !one.required)).toBe(true);
});

test('a schema without a JSON form does not break the document', () => {
  const odd = route({
    method: 'POST',
    path: '/v1/odd/:id',
    access: 'viewer',
    tag: 'Test',
    summary: 'Odd',
    body: z.strictObject({ at: z.date() }),
    answers: { 200: { description: 'Fine', type: 'text/html' } },
    handle: async () => ({}),
  });
  const made = openApiDocument([odd], '1') as { paths: Record<string, Record<string, Operation>> };
  expect(made.paths['/v1/odd/{id}']!.post!.responses['200']!.content).toEqual({ 'text/html': {} });
});
