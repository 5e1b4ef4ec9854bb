import { z } from 'zod';
import { parseMailbox } from '../address.ts';
import { iso } from '../clock.ts';
import { retireServer } from '../engine/retire.ts';
import { streamOrAnswer } from '../http/event-stream.ts';
import { type Route, route } from '../http/route.ts';
import { page, time } from '../http/shapes.ts';
import { coded } from '../http/validate.ts';
import { newId } from '../ids.ts';
import type { Log } from '../log.ts';
import { findTemplate } from '../templates/save.ts';
import { moveTemplates } from '../templates/templates.ts';
import { findWorkspace } from '../workspaces/workspaces.ts';
import { limitsSchema } from './limits.ts';
import { chooseServer, type RouteChoice } from './route.ts';
import { addServer, changeServer, findServer, recheckServer, type ServerParts, tryServer } from './save.ts';
import { MAX_CONNECTIONS, type Server } from './server.ts';
import { listServers } from './servers.ts';
import { SERVER_TYPES } from './types.ts';
import type { Verification } from './verify.ts';

const text = z.string().nullish();
const port = coded(z.number({ error: 'The port is a whole number from 1 to 65535.' }).nullish(), 'port_invalid');
const security = coded(z.enum(['ssl', 'starttls', 'none'], { error: 'security is `ssl`, `starttls` or `none`.' }).nullish(), 'security_invalid');
const positive = z.number().nonnegative();

const serverFields = {
  name: text,
  region: text,
  host: coded(z.string({ error: 'Enter the server’s name, for example smtp.example.com.' }).nullish(), 'host_invalid'),
  port,
  security,
  username: text,
  password: text,
  token: text,
  heloName: text,
  allowedFrom: z.array(z.string()).max(1_000).nullish(),
  limits: limitsSchema.nullish(),
  maxConnections: coded(z.number({ error: `maxConnections is a whole number from 1 to ${MAX_CONNECTIONS}.` }).int().min(1).max(MAX_CONNECTIONS), 'max_connections_invalid').nullish(),
  weight: positive.nullish(),
  costPerThousand: positive.nullish(),
  reserve: positive.nullish(),
  tlsCa: text,
  tlsFingerprint: text,
  tlsServerName: text,
  allowPrivate: z.boolean().nullish(),
};
const newServer = z.strictObject({ type: coded(z.string({ error: 'Name the service type, such as `generic`. GET /v1/server-types lists them.' }), 'type_unknown'), ...serverFields });
const serverChange = z.strictObject({ type: z.string().optional(), ...serverFields });

const serverView = z.object({
  id: z.string(),
  type: z.string(),
  name: z.string(),
  region: z.string().nullable(),
  host: z.string(),
  port: z.number(),
  security: z.enum(['ssl', 'starttls', 'none']),
  username: z.string().nullable(),
  hasPassword: z.boolean(),
  heloName: z.string().nullable(),
  allowedFrom: z.array(z.string()),
  limits: limitsSchema,
  maxConnections: z.number(),
  weight: z.number(),
  costPerThousand: z.number().nullable(),
  reserve: z.number().nullable(),
  tlsCa: z.string().nullable(),
  tlsFingerprint: z.string().nullable(),
  tlsServerName: z.string().nullable(),
  allowPrivate: z.boolean(),
  health: z.object({ status: z.enum(['well', 'waiting']), until: z.string().nullable(), code: z.string().nullable(), reason: z.string().nullable(), failures: z.number() }),
  validatedAt: time,
  createdAt: time,
  updatedAt: time,
});
export type ServerView = z.output<typeof serverView>;

const stepView = z.object({ name: z.enum(['connect', 'encrypt', 'sign_in']), status: z.enum(['running', 'ok', 'skipped', 'failed']), durationMs: z.number() });
const checkView = z.object({
  ok: z.literal(true),
  signedIn: z.boolean(),
  steps: z.array(stepView),
  capabilities: z.looseObject({ size: z.number().optional(), auth: z.array(z.string()) }),
  certificate: z.looseObject({ subject: z.string(), issuer: z.string(), fingerprint: z.string() }).nullable(),
});
export type StepView = z.output<typeof stepView>;
export type CheckView = z.output<typeof checkView>;

const typeView = z.object({
  type: z.string(),
  name: z.string(),
  fields: z.array(z.object({ name: z.string(), label: z.string(), hint: z.string().optional() })),
  regions: z.array(z.object({ region: z.string(), name: z.string(), host: z.string() })).optional(),
  host: z.string().optional(),
  port: z.number().optional(),
  security: z.enum(['ssl', 'starttls', 'none']).optional(),
  hints: z.array(z.string()),
  limits: z.looseObject({ text: z.string() }),
  asOf: z.string(),
  source: z.string(),
});
export type ServerTypeView = z.output<typeof typeView>;

const retiredView = z.object({ clearedTemplates: z.array(z.string()), movedTo: z.string().nullable(), waiting: z.number(), mode: z.enum(['sandbox', 'live']) });
export type RetiredView = z.output<typeof retiredView>;

const routeView = z.object({
  chosen: z.string().nullable(),
  mode: z.enum(['preferred', 'random', 'sandbox', 'none']),
  candidates: z.array(z.object({ server: z.string(), name: z.string(), eligible: z.boolean(), reasons: z.array(z.string()), weight: z.number() })),
  ifFirstFails: z.string().nullable(),
});

export function serverRoutes(parts: ServerParts & { log: Log }): Route[] {
  const { db, clock, log } = parts;
  const created = { 201: { description: 'The server, after a session that signed in', schema: serverView } };
  const found = { 200: { description: 'The server', schema: serverView } };
  return [
    route({
      method: 'GET', path: '/v1/server-types', access: 'viewer', tag: 'Servers', summary: 'Service types with what they fill in and ask for',
      answers: { 200: { description: 'The types', schema: z.array(typeView) } },
      handle: async () => ({ body: SERVER_TYPES }),
    }),
    route({
      method: 'GET', path: '/v1/servers', access: 'viewer', tag: 'Servers', summary: 'Connected servers',
      answers: { 200: { description: 'The servers', schema: page(serverView) } },
      handle: async ({ actor }) => ({ body: { data: (await listServers(db, actor.workspaceId)).map((one) => view(one, clock.now())), nextCursor: null } }),
    }),
    route({
      method: 'POST', path: '/v1/servers', access: 'admin', tag: 'Servers', summary: 'Connect a server: stored only when a real session signs in',
      body: newServer, answers: created,
      handle: ({ actor, body, headers }) =>
        streamOrAnswer(headers, log, 201, async (emit) => view(await addServer(parts, actor, body, (step) => emit('step', step)), clock.now())),
    }),
    route({
      method: 'POST', path: '/v1/servers/verify', access: 'admin', tag: 'Servers', summary: 'Try a server without saving it; streams its steps as server-sent events when asked',
      body: newServer, answers: { 200: { description: 'It signed in', schema: checkView } },
      handle: ({ actor, body, headers }) =>
        streamOrAnswer(headers, log, 200, async (emit) => checked(await tryServer(parts, actor, body, (step) => emit('step', step)))),
    }),
    route({
      method: 'GET', path: '/v1/servers/:id', access: 'viewer', tag: 'Servers', summary: 'One server', answers: found,
      handle: async ({ actor, params }) => ({ body: view(await findServer(db, actor.workspaceId, params.id!), clock.now()) }),
    }),
    route({
      method: 'PATCH', path: '/v1/servers/:id', access: 'admin', tag: 'Servers', summary: 'Change a server; a change of the connection is validated again',
      body: serverChange, answers: found,
      handle: ({ actor, params, body, headers }) =>
        streamOrAnswer(headers, log, 200, async (emit) => view(await changeServer(parts, actor, params.id!, body as never, (step) => emit('step', step)), clock.now())),
    }),
    route({
      method: 'DELETE', path: '/v1/servers/:id', access: 'admin', tag: 'Servers', summary: 'Delete a server; its templates fall back or move, nothing queued is lost',
      query: z.strictObject({ moveTo: z.string().optional() }),
      answers: { 200: { description: 'What else changed', schema: retiredView } },
      handle: async ({ actor, params, query }) => ({ body: await retireServer(db, clock, actor, params.id!, query.moveTo ?? null) }),
    }),
    route({
      method: 'POST', path: '/v1/servers/:id/verify', access: 'admin', tag: 'Servers', summary: 'Sign in to a stored server again; success ends its waiting', answers: found,
      handle: ({ actor, params, headers }) =>
        streamOrAnswer(headers, log, 200, async (emit) => view(await recheckServer(parts, actor, params.id!, (step) => emit('step', step)), clock.now())),
    }),
    route({
      method: 'GET', path: '/v1/servers/:id/health', access: 'viewer', tag: 'Servers', summary: 'How a server has been doing',
      answers: { 200: { description: 'Its health', schema: serverView.shape.health } },
      handle: async ({ actor, params }) => ({ body: view(await findServer(db, actor.workspaceId, params.id!), clock.now()).health }),
    }),
    route({
      method: 'POST', path: '/v1/servers/:id/move-templates', access: 'admin', tag: 'Servers', summary: 'Move all templates that prefer this server to another, or to none',
      body: z.strictObject({ to: z.string().nullable() }),
      answers: { 200: { description: 'The templates that moved', schema: z.object({ moved: z.array(z.string()), to: z.string().nullable() }) } },
      handle: async ({ actor, params, body }) => {
        await findServer(db, actor.workspaceId, params.id!);
        if (body.to !== null) await findServer(db, actor.workspaceId, body.to);
        const moved = await db.write((tx) => moveTemplates(tx, actor.workspaceId, params.id!, body.to));
        return { body: { moved, to: body.to } };
      },
    }),
    explainRoute(parts),
  ];
}

function explainRoute({ db, clock }: ServerParts): Route {
  return route({
    method: 'POST', path: '/v1/route/explain', access: 'viewer', tag: 'Servers', summary: 'Which server would be chosen, and why not the others',
    body: z.strictObject({ templateSlug: z.string().optional(), from: z.string().optional(), size: z.number().int().nonnegative().optional(), at: z.iso.datetime({ offset: true }).optional() }),
    answers: { 200: { description: 'The choice', schema: routeView } },
    handle: async ({ actor, body }) => {
      const servers = await listServers(db, actor.workspaceId);
      const saved = body.templateSlug === undefined ? undefined : await findTemplate(db, actor.workspaceId, body.templateSlug, 'templateSlug');
      const given = body.from ?? saved?.version.from ?? (await findWorkspace(db, actor.workspaceId)).defaultFrom;
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

export function presentRoute({ reason: _, ...choice }: RouteChoice): z.output<typeof routeView> {
  return choice;
}

function view(server: Server, now: number): ServerView {
  const { passwordSealed, workspaceId: _w, capabilities: _c, health, ...rest } = server;
  const waiting = health.waitingUntil !== null;
  return {
    ...rest,
    hasPassword: passwordSealed !== null,
    health: {
      status: waiting ? 'waiting' : 'well',
      until: waiting ? iso(Math.max(health.waitingUntil!, now)) : null,
      code: health.code,
      reason: health.reason,
      failures: health.failures,
    },
    validatedAt: iso(server.validatedAt),
    createdAt: iso(server.createdAt),
    updatedAt: iso(server.updatedAt),
  };
}

function checked(verification: Verification): CheckView {
  const { signedIn, steps, capabilities, certificate } = verification;
  return { ok: true, signedIn, steps, capabilities: { ...capabilities }, certificate: certificate ? { ...certificate } : null };
}
