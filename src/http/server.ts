import { createServer } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Log } from '../log.ts';
import { readJson } from './body.ts';
import { answerDirectly } from './direct.ts';
import { type Answer, errorAnswer, errorResponse, jsonAnswer, responseOf } from './errors.ts';
import { type Actor, type Asked, type Call, type Coming, mayCall, type Reply, type Route } from './route.ts';
import { PathRouter } from './router.ts';
import { refuseNul, validate } from './validate.ts';

export interface HttpParts {
  routes: readonly Route[];
  /** Finds who is calling. @throws AppError 401 */
  authenticate: (request: Asked) => Promise<Actor>;
  /** Answers everything that no route knows: the web app's files. */
  fallback: (request: Request, path: string) => Promise<Response | undefined>;
  clock: Clock;
  log: Log;
}

type App = Hono<{ Bindings: HttpBindings }>;

/** The HTTP side of the program, without a socket. */
export interface Http {
  /** In tests the same as a call from outside. */
  request: App['request'];
  fetch: App['fetch'];
  /** Takes a call from its socket, or says false: then it has to become a request. */
  direct: ReturnType<typeof answerDirectly>;
}

const METHODS_WITH_BODY = new Set(['POST', 'PATCH']);

export function createHttp(parts: HttpParts): Http {
  const app: App = new Hono({ getPath: pathOf, router: new PathRouter() });
  for (const one of parts.routes) app.on(one.method, one.path, (c) => answerRequest(c, one, parts));
  app.notFound((c) => answerUnknown(c, parts));
  const direct = answerDirectly(parts.routes, (coming) => answer(coming, parts));
  return { request: app.request, fetch: app.fetch, direct };
}

/** Existing clients write `/v1/contacts/` and `//v1/messages`; these are answered, never redirected. */
function pathOf(request: Request): string {
  const start = request.url.indexOf('/', request.url.indexOf('://') + 3);
  const end = request.url.slice(start).search(/[?#]/);
  const path = (end < 0 ? request.url.slice(start) : request.url.slice(start, start + end)).replace(
    /\/{2,}/g,
    '/',
  );
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

async function answerRequest(
  c: Context<{ Bindings: HttpBindings }>,
  one: Route,
  parts: HttpParts,
): Promise<Response> {
  const ip = c.env?.incoming?.socket.remoteAddress;
  const params = c.req.param() as Record<string, string>;
  const made = await answer({ one, request: c.req.raw, ip, params, query: c.req.query() }, parts);
  return made instanceof Response ? made : responseOf(made);
}

/** The steps of every call. */
async function answer(
  { one, request, ip = '127.0.0.1', params, query: given }: Coming,
  parts: HttpParts,
): Promise<Answer | Response> {
  const requestId = newId('req', parts.clock.now());
  try {
    const actor = one.access === 'public' ? NOBODY : await parts.authenticate(request);
    if (one.access !== 'public') allow(actor, one);
    // An address holds this character only as its escape (RFC 3986 §2.1): most need no walk through their parts.
    if (request.url.includes('%00')) {
      refuseNul(params);
      refuseNul(given);
    }
    const query = one.query ? validate(one.query, given, 'refuse').value : given;
    const body =
      one.body && METHODS_WITH_BODY.has(one.method)
        ? validate(one.body, await readJson(request, one.maxBodyBytes), one.unknownFields)
        : { value: undefined, warnings: [] };
    const call: Call = {
      body: body.value as never,
      query: query as never,
      params,
      actor,
      headers: request.headers,
      ip,
      warnings: body.warnings,
      request,
    };
    return present(await one.handle(call as never), requestId);
  } catch (thrown) {
    return errorAnswer(thrown, requestId, parts.log);
  }
}

const NOBODY = { kind: 'session', id: '', workspaceId: '', role: 'viewer', mayAllowPrivate: false } as const;

function allow(actor: Actor, one: Route): void {
  if (!mayCall(actor.role, one.access)) {
    throw new AppError('role_missing', `This call needs the role ${one.access}; yours is ${actor.role}.`, {
      status: 403,
    });
  }
}

function present(reply: Reply | Response, requestId: string): Answer | Response {
  if (reply instanceof Response) return withId(reply, requestId);
  const headers = { 'x-request-id': requestId, 'cache-control': 'no-store', ...reply.headers };
  const status = reply.status ?? 200;
  return reply.body === undefined
    ? new Response(null, { status, headers })
    : jsonAnswer(reply.body, status, headers);
}

function withId(response: Response, requestId: string): Response {
  response.headers.set('x-request-id', requestId);
  return response;
}

async function answerUnknown(c: Context<{ Bindings: HttpBindings }>, parts: HttpParts): Promise<Response> {
  const requestId = newId('req', parts.clock.now());
  const path = pathOf(c.req.raw);
  const found = await parts.fallback(c.req.raw, path);
  if (found) return withId(found, requestId);
  const allowed = new Set(parts.routes.filter((one) => samePath(one.path, path)).map((one) => one.method));
  const methods = [...allowed].join(', ');
  if (methods === '') {
    const sentence = `There is nothing at ${path.slice(0, 200)}. The calls are listed at /v1/openapi.json.`;
    return errorResponse(new AppError('not_found', sentence, { status: 404 }), requestId, parts.log);
  }
  const sentence = `${path.slice(0, 200)} answers ${methods}.`;
  const refused = errorResponse(
    new AppError('method_not_allowed', sentence, { status: 405 }),
    requestId,
    parts.log,
  );
  refused.headers.set('allow', methods); // RFC 9110 §15.5.6
  return refused;
}

function samePath(pattern: string, path: string): boolean {
  const parts = path.split('/');
  const wanted = pattern.split('/');
  return (
    parts.length === wanted.length && wanted.every((part, at) => part.startsWith(':') || part === parts[at])
  );
}

export interface Listening {
  port: number;
  close(): Promise<void>;
}

/** Opens the port. Rejects with the socket's error (EADDRINUSE and its like). */
export function listen({ fetch, direct }: Http, host: string, port: number): Promise<Listening> {
  // Puts a lighter Response in the place of the global one: text and headers go to the socket without a stream.
  const ordinary = getRequestListener(fetch, { hostname: host });
  const server = createServer((incoming, outgoing) => {
    if (!direct(incoming, outgoing)) void ordinary(incoming, outgoing);
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, host, () =>
      resolve({
        port: (server.address() as { port: number }).port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeIdleConnections();
          }),
      }),
    );
  });
}
