import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type Actor, type Route, route } from './route.ts';
import { createHttp } from './server.ts';

const EDITOR: Actor = {
  kind: 'key',
  id: 'key_1',
  workspaceId: 'wsp_1',
  role: 'editor',
  mayAllowPrivate: false,
};
const ANSWERS = { 200: { description: 'Fine' } };
const declared = (given: Pick<Route, 'method' | 'path' | 'access'>) => ({
  ...given,
  tag: 'Test',
  summary: 'Test',
  answers: ANSWERS,
});

const ROUTES: Route[] = [
  route({
    ...declared({ method: 'GET', path: '/v1/things/:name', access: 'public' }),
    handle: async ({ params, query }) => ({ body: { params, query } }),
  }),
  route({
    ...declared({ method: 'GET', path: '/v1/things/count', access: 'public' }),
    handle: async () => ({ body: { count: 2 } }),
  }),
  route({
    ...declared({ method: 'POST', path: '/v1/things', access: 'editor' }),
    body: z.strictObject({ name: z.string() }),
    handle: async ({ body, actor }) => ({ status: 201, body: { body, workspace: actor.workspaceId } }),
  }),
  route({
    ...declared({ method: 'DELETE', path: '/v1/things/:name', access: 'editor' }),
    handle: async () => ({ status: 204 }),
  }),
  route({
    ...declared({ method: 'POST', path: '/v1/settings', access: 'admin' }),
    body: z.strictObject({}),
    handle: async () => ({}),
  }),
  route({
    ...declared({ method: 'GET', path: '/v1/broken', access: 'public' }),
    handle: async () => {
      throw new Error('SELECT password FROM users: near "secret-canary"');
    },
  }),
  route({
    ...declared({ method: 'GET', path: '/v1/busy', access: 'public' }),
    handle: async () => {
      throw new AppError('too_many', 'Later.', { status: 429, detail: { retryAfterSeconds: 7 } });
    },
  }),
];

function http() {
  const lines: string[] = [];
  const app = createHttp({
    routes: ROUTES,
    authenticate: async (request) => {
      if (request.headers.get('authorization') !== null) return EDITOR;
      throw new AppError('api_key_missing', 'Send a key.', { status: 401 });
    },
    fallback: async (_, path) => (path === '/' ? new Response('the app') : undefined),
    clock: new FakeClock(),
    log: pino({}, { write: (line: string) => void lines.push(line) }),
  });
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = KEY,
  ) => {
    const response = await app.request(path, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text.startsWith('{') ? JSON.parse(text) : {},
    };
  };
  return { call, lines };
}
const KEY = { authorization: 'Bearer x' };

describe('a path', () => {
  test.each([
    ['/v1/things/ann'],
    ['/v1/things/ann/'],
    ['//v1/things/ann'],
    ['/v1//things///ann//'],
    ['/v1/things/ann?'],
    ['/v1/things/ann#part'],
  ])('%s is answered, never redirected', async (path) => {
    const answer = await http().call('GET', path);
    expect(answer.status).toBe(200);
    expect(answer.body.params).toEqual({ name: 'ann' });
  });

  test.each([
    ['/v1/things/a%2Bb%40example.com', 'a+b@example.com'],
    ['/v1/things/a+b@example.com', 'a+b@example.com'],
    ['/v1/things/a%20b', 'a b'],
    ['/v1/things/a%2Fb', 'a/b'],
    ['/v1/things/50%off', '50%off'],
    ['/v1/things/%', '%'],
    ['/v1/things/%ff', '%ff'],
  ])('%s names %j', async (path, name) => {
    const answer = await http().call('GET', path);
    expect(answer.status).toBe(200);
    expect(answer.body.params).toEqual({ name });
  });

  test.each(['/v1/things/%00', '/v1/things/%00?name=a', '/v1/things/a?name=%00'])(
    '%s holds U+0000 and is refused',
    async (path) => {
      const answer = await http().call('GET', path);
      expect([answer.status, answer.body.error.code]).toEqual([422, 'control_character']);
      expect(answer.body.error.field).toBe('name');
    },
  );

  test('without parameters is found before one with', async () => {
    expect((await http().call('GET', '/v1/things/count')).body).toEqual({ count: 2 });
  });

  test('keeps the slashes of its query', async () => {
    const answer = await http().call('GET', '//v1/things/ann/?next=//evil/&a=1&a=2');
    expect(answer.body.query).toEqual({ next: '//evil/', a: '1' });
  });
});

describe('what is not there', () => {
  test('is answered with 404 in the form of errors', async () => {
    const { status, body } = await http().call('GET', '/v1/nothing');
    expect(status).toBe(404);
    expect(body).toEqual({
      error: { code: 'not_found', message: expect.stringContaining('/v1/openapi.json') },
    });
  });

  test.each([
    ['PUT', '/v1/things', ['POST']],
    ['POST', '/v1/things/ann', ['GET', 'DELETE']],
    ['PATCH', '/v1/things/ann/', ['GET', 'DELETE']],
  ])('%s %s is answered with 405 and the methods there are', async (method, path, allowed) => {
    const { status, body, headers } = await http().call(method, path);
    expect(status).toBe(405);
    expect(body.error.code).toBe('method_not_allowed');
    expect(body.error.message).toContain(allowed.join(', '));
    expect(headers.get('allow')).toBe(allowed.join(', ')); // RFC 9110 §15.5.6
  });

  test('a very long path is not repeated in full', async () => {
    const { text } = await http().call('GET', `/v1/${'x'.repeat(5_000)}`);
    expect(text.length).toBeLessThan(500);
  });

  test('is the web app’s, outside of the API', async () => {
    expect(await http().call('GET', '/')).toMatchObject({ status: 200, text: 'the app' });
  });
});

describe('the steps of a call', () => {
  test('who is calling comes before what is wrong with the body', async () => {
    expect((await http().call('POST', '/v1/things', { wrong: 1 }, {})).status).toBe(401);
    expect((await http().call('POST', '/v1/things', { wrong: 1 })).status).toBe(422);
  });

  test('401 names the way to sign in', async () => {
    const { headers } = await http().call('POST', '/v1/things', {}, {});
    expect(headers.get('www-authenticate')).toBe('Bearer');
  });

  test('a role that does not suffice is 403 and named', async () => {
    const { status, body } = await http().call('POST', '/v1/settings', {});
    expect(status).toBe(403);
    expect(body.error).toEqual({
      code: 'role_missing',
      message: 'This call needs the role admin; yours is editor.',
    });
  });

  test('the body arrives checked, in the workspace of the caller', async () => {
    const { status, body } = await http().call('POST', '/v1/things', { name: 'x' });
    expect(status).toBe(201);
    expect(body).toEqual({ body: { name: 'x' }, workspace: 'wsp_1' });
  });

  test('a DELETE needs no body and reads none', async () => {
    expect(await http().call('DELETE', '/v1/things/x')).toMatchObject({ status: 204, text: '' });
    expect((await http().call('DELETE', '/v1/things/x', { odd: true })).status).toBe(204);
  });
});

test.each(['/v1/things/x', '/v1/nothing', '/v1/broken', '/', '/v1/busy'])(
  'every answer carries a request id of its own: %s',
  async (path) => {
    const { call } = http();
    const [one, two] = [await call('GET', path), await call('GET', path)];
    expect(one.headers.get('x-request-id')).toMatch(/^req_[0-9a-z]{26}$/);
    expect(one.headers.get('x-request-id')).not.toBe(two.headers.get('x-request-id'));
  },
);

test('what is ours to mend answers 500 with the id under which the log has it, and nothing else', async () => {
  const { call, lines } = http();
  const { status, text, headers } = await call('GET', '/v1/broken');
  const id = headers.get('x-request-id')!;
  expect(status).toBe(500);
  expect(JSON.parse(text)).toEqual({
    error: { code: 'internal_error', message: `This is a fault in Mailwright. Look for ${id} in its log.` },
  });
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({ requestId: id, error: expect.stringContaining('canary') });
});

test('a wait is told in Retry-After', async () => {
  const { status, headers } = await http().call('GET', '/v1/busy');
  expect([status, headers.get('retry-after')]).toEqual([429, '7']);
});
