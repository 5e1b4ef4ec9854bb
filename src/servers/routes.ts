import { z } from 'zod';
import { parseMailbox } from '../address.ts';
import { retireServer } from '../engine/retire.ts';
import { streamOrAnswer } from '../http/event-stream.ts';
import { type Route, route } from '../http/route.ts';
import { page } from '../http/shapes.ts';
import { newId } from '../ids.ts';
import type { Log } from '../log.ts';
import { findTemplate } from '../templates/save.ts';
import { moveTemplates } from '../templates/templates.ts';
import { findWorkspace } from '../workspaces/workspaces.ts';
import { chooseServer } from './route.ts';
import { addServer, changeServer, findServer, recheckServer, type ServerParts, tryServer } from './save.ts';
import { listServers } from './servers.ts';
import {
  checkView,
  newServer,
  presentCheck,
  presentRoute,
  presentServer,
  retiredView,
  routeView,
  serverChange,
  serverView,
  typeView,
} from './shapes.ts';
import { SERVER_TYPES } from './types.ts';

export type { RetiredView, ServerTypeView, ServerView, StepView } from './shapes.ts';

const EXAMPLE = {
  type: 'generic',
  host: 'smtp.example.com',
  port: 587,
  security: 'starttls',
  username: 'shop',
  password: '<password>',
} as const;

/** Asked for with `Accept: text/event-stream`, a check tells its steps while it works. */
const streamed = { type: 'text/event-stream' };

type ServerRouteParts = ServerParts & { log: Log };

export function serverRoutes(parts: ServerRouteParts): Route[] {
  return [...connectRoutes(parts), ...storedRoutes(parts), moveRoute(parts), explainRoute(parts)];
}

function connectRoutes(parts: ServerRouteParts): Route[] {
  const { db, clock, log } = parts;
  const created = {
    200: { description: 'The steps as server-sent events, when asked for', ...streamed },
    201: { description: 'The server, after a session that signed in', schema: serverView },
  };
  return [
    route({
      method: 'GET',
      path: '/v1/server-types',
      access: 'viewer',
      tag: 'Servers',
      summary: 'Service types with what they fill in and ask for',
      answers: { 200: { description: 'The types', schema: z.array(typeView) } },
      handle: async () => ({ body: SERVER_TYPES }),
    }),
    route({
      method: 'GET',
      path: '/v1/servers',
      access: 'viewer',
      tag: 'Servers',
      summary: 'Connected servers',
      answers: { 200: { description: 'The servers', schema: page(serverView) } },
      handle: async ({ actor }) => ({
        body: {
          data: (await listServers(db, actor.workspaceId)).map((one) => presentServer(one, clock.now())),
          nextCursor: null,
        },
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/servers',
      access: 'admin',
      tag: 'Servers',
      summary: 'Connect a server: stored only when a real session signs in',
      body: newServer,
      example: EXAMPLE,
      answers: created,
      handle: ({ actor, body, headers }) =>
        streamOrAnswer(headers, log, 201, async (emit) =>
          presentServer(await addServer(parts, actor, body, (step) => emit('step', step)), clock.now()),
        ),
    }),
    route({
      method: 'POST',
      path: '/v1/servers/verify',
      access: 'admin',
      tag: 'Servers',
      summary: 'Try a server without saving it; streams its steps as server-sent events when asked',
      body: newServer,
      example: EXAMPLE,
      answers: { 200: { description: 'It signed in', schema: checkView, ...streamed } },
      handle: ({ actor, body, headers }) =>
        streamOrAnswer(headers, log, 200, async (emit) =>
          presentCheck(await tryServer(parts, actor, body, (step) => emit('step', step))),
        ),
    }),
  ];
}

function storedRoutes(parts: ServerRouteParts): Route[] {
  const { db, clock, log } = parts;
  const found = { 200: { description: 'The server', schema: serverView } };
  const checked = { 200: { description: 'The server', schema: serverView, ...streamed } };
  return [
    route({
      method: 'GET',
      path: '/v1/servers/:id',
      access: 'viewer',
      tag: 'Servers',
      summary: 'One server',
      answers: found,
      handle: async ({ actor, params }) => ({
        body: presentServer(await findServer(db, actor.workspaceId, params.id!), clock.now()),
      }),
    }),
    route({
      method: 'PATCH',
      path: '/v1/servers/:id',
      access: 'admin',
      tag: 'Servers',
      summary: 'Change a server; a change of the connection is validated again',
      body: serverChange,
      example: { name: 'Main', maxConnections: 5 },
      answers: checked,
      handle: ({ actor, params, body, headers }) =>
        streamOrAnswer(headers, log, 200, async (emit) =>
          presentServer(
            await changeServer(parts, actor, params.id!, body as never, (step) => emit('step', step)),
            clock.now(),
          ),
        ),
    }),
    route({
      method: 'DELETE',
      path: '/v1/servers/:id',
      access: 'admin',
      tag: 'Servers',
      summary: 'Delete a server; its templates fall back or move, nothing queued is lost',
      query: z.strictObject({
        moveTo: z
          .string()
          .optional()
          .describe('The id of the server that its templates prefer from then on.'),
      }),
      answers: { 200: { description: 'What else changed', schema: retiredView } },
      handle: async ({ actor, params, query }) => ({
        body: await retireServer(db, clock, actor, params.id!, query.moveTo ?? null),
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/servers/:id/verify',
      access: 'admin',
      tag: 'Servers',
      summary: 'Sign in to a stored server again; success ends its waiting',
      answers: checked,
      handle: ({ actor, params, headers }) =>
        streamOrAnswer(headers, log, 200, async (emit) =>
          presentServer(
            await recheckServer(parts, actor, params.id!, (step) => emit('step', step)),
            clock.now(),
          ),
        ),
    }),
    route({
      method: 'GET',
      path: '/v1/servers/:id/health',
      access: 'viewer',
      tag: 'Servers',
      summary: 'How a server has been doing',
      answers: { 200: { description: 'Its health', schema: serverView.shape.health } },
      handle: async ({ actor, params }) => ({
        body: presentServer(await findServer(db, actor.workspaceId, params.id!), clock.now()).health,
      }),
    }),
  ];
}

function moveRoute({ db }: ServerParts): Route {
  return route({
    method: 'POST',
    path: '/v1/servers/:id/move-templates',
    access: 'admin',
    tag: 'Servers',
    summary: 'Move all templates that prefer this server to another, or to none',
    body: z.strictObject({ to: z.string().nullable().describe('The id of a server, or null.') }),
    example: { to: null },
    answers: {
      200: {
        description: 'The templates that moved',
        schema: z.object({ moved: z.array(z.string()), to: z.string().nullable() }),
      },
    },
    handle: async ({ actor, params, body }) => {
      await findServer(db, actor.workspaceId, params.id!);
      if (body.to !== null) await findServer(db, actor.workspaceId, body.to);
      const moved = await db.write((tx) => moveTemplates(tx, actor.workspaceId, params.id!, body.to));
      return { body: { moved, to: body.to } };
    },
  });
}

function explainRoute({ db, clock }: ServerParts): Route {
  return route({
    method: 'POST',
    path: '/v1/route/explain',
    access: 'viewer',
    tag: 'Servers',
    summary: 'Which server would be chosen, and why not the others',
    body: z.strictObject({
      templateSlug: z.string().optional(),
      from: z.string().optional().describe('Else as for a message.'),
      size: z.number().int().nonnegative().optional().describe('Bytes.'),
      at: z.iso.datetime({ offset: true }).optional().describe('Now when absent.'),
    }),
    example: { from: 'shop@example.com' },
    answers: { 200: { description: 'The choice', schema: routeView } },
    handle: async ({ actor, body }) => {
      const servers = await listServers(db, actor.workspaceId);
      const saved =
        body.templateSlug === undefined
          ? undefined
          : await findTemplate(db, actor.workspaceId, body.templateSlug, 'templateSlug');
      const given =
        body.from ?? saved?.version.from ?? (await findWorkspace(db, actor.workspaceId)).defaultFrom;
      const at = body.at === undefined ? clock.now() : Date.parse(body.at);
      const choice = chooseServer(
        servers,
        {
          seed: newId('msg', clock.now()),
          from: given ? parseMailbox(given, 'from', { allowLocalDomains: true }).address.address : '',
          size: body.size,
          pinned: null,
          preferred: saved?.template.serverId ?? null,
          failover: saved?.template.failover ?? 'strict',
          live: servers.length > 0,
        },
        at,
      );
      return { body: presentRoute(choice) };
    },
  });
}
