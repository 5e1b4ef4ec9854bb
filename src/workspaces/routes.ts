import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { iso } from '../clock.ts';
import type { Config } from '../config.ts';
import { diskFull } from '../errors.ts';
import { type Asked, type Reply, type Route, route } from '../http/route.ts';
import { nullableTime, page, time } from '../http/shapes.ts';
import { countUncertain } from '../messages/history.ts';
import { countOpenNotices } from '../notices/notify.ts';
import { type Pause, pauseOf } from '../queue/pause.ts';
import { listServers, modeOf } from '../servers/servers.ts';
import type { Db } from '../storage/db.ts';
import type { Disk } from '../storage/disk.ts';
import { issueKey, regenerateKey, removeKey } from './keys.ts';
import { LoginLimit } from './login-limit.ts';
import { endedCookie, sessionCookie, sessionToken } from './session.ts';
import { checkSetupToken, firstRunToken, setup } from './setup.ts';
import { signIn, signOut } from './sign-in.ts';
import type { StoredKey } from './store.ts';
import { changeWorkspace, findWorkspace, listKeys, userOf } from './workspaces.ts';

const ROUTING =
  'How a server is drawn where a template prefers none. `weighted` and `cheapest` are stored, without effect yet.';
const DEFAULT_FROM = 'From of messages that name none, nor their template.';

const workspaceView = z.object({
  id: z.string(),
  name: z.string(),
  mode: z.enum(['sandbox', 'live']).describe('Live while a server is connected.'),
  routing: z.enum(['random', 'weighted', 'cheapest']).describe(ROUTING),
  defaultFrom: z.string().nullable().describe(DEFAULT_FROM),
  createdAt: time,
});
export type WorkspaceView = z.output<typeof workspaceView>;

const meView = z.object({
  user: z.object({ id: z.string(), email: z.string() }).nullable(),
  role: z.string(),
  workspace: workspaceView,
  /** What the frame of the app shows on every page. */
  state: z.object({
    servers: z.number(),
    unwellServers: z.array(z.object({ id: z.string(), name: z.string() })),
    paused: z
      .object({
        code: z.enum(['held', 'restored', 'disk_full']),
        reason: z.string(),
        since: nullableTime.describe('Null while the disk is full: that ends by itself.'),
      })
      .nullable()
      .describe(
        'Why nothing is sent; null while sending goes on. Accepting goes on except with `disk_full`.',
      ),
    uncertain: z.number().describe('Messages that wait for a decision.'),
    notices: z.number().describe('Notices that nobody has seen.'),
  }),
  version: z.string(),
});
export type MeView = z.output<typeof meView>;

const keyView = z.object({
  id: z.string(),
  name: z.string(),
  ending: z.string().describe('The last characters, to tell keys apart.'),
  scope: z.string(),
  createdAt: time,
  key: z.string().optional().describe('Answered this once; only its hash is stored.'),
});
export type KeyView = z.output<typeof keyView>;

const setupBody = z.strictObject({
  token: z.string().describe('From the first-run link.'),
  email: z.string(),
  password: z.string(),
  workspace: z.string().describe('Its name.'),
});
const setupView = z.object({ workspaceId: z.string(), apiKey: z.string() });

export interface WorkspaceRouteParts {
  db: Db;
  clock: Clock;
  config: Config;
  version: string;
  disk: Disk;
}

export function workspaceRoutes(parts: WorkspaceRouteParts): Route[] {
  const { db, clock } = parts;
  return [...entryRoutes(parts), meRoute(parts), ...ownRoutes(db, clock), ...keyRoutes(db, clock)];
}

/** The ways in: the first run, signing in and out. */
function entryRoutes({ db, clock, config }: WorkspaceRouteParts): Route[] {
  const limit = new LoginLimit();
  const secure = (request: Asked) =>
    config.publicUrl.startsWith('https:') || request.headers.get('x-forwarded-proto') === 'https';
  const startedSession = async (
    given: { email: string; password: string; ip: string },
    request: Asked,
  ): Promise<Record<string, string>> => {
    const { token } = await signIn(db, clock, limit, given);
    return { 'set-cookie': sessionCookie(token, secure(request)) };
  };

  return [
    route({
      method: 'GET',
      path: '/v1/setup',
      access: 'public',
      tag: 'Workspace',
      summary: 'Does this installation wait for its first user?',
      answers: { 200: { description: 'Whether setup is needed', schema: z.object({ needed: z.boolean() }) } },
      handle: async () => ({ body: { needed: (await firstRunToken(db)) !== undefined } }),
    }),
    route({
      method: 'POST',
      path: '/v1/setup',
      access: 'public',
      tag: 'Workspace',
      summary: 'Make the first user, its workspace and its API key',
      body: setupBody,
      example: {
        token: '<token>',
        email: 'owner@example.com',
        password: '<password>',
        workspace: 'Example',
      },
      answers: { 201: { description: 'The workspace; the key is shown this once', schema: setupView } },
      handle: async ({ body, request, ip }) => {
        await checkSetupToken(db, body.token);
        const { workspaceId, apiKey } = await setup(db, clock, body);
        return {
          status: 201,
          body: { workspaceId, apiKey },
          headers: await startedSession({ ...body, ip }, request),
        };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/session',
      access: 'public',
      tag: 'Workspace',
      summary: 'Sign in; the answer sets a session cookie',
      body: z.strictObject({ email: z.string(), password: z.string() }),
      example: { email: 'owner@example.com', password: '<password>' },
      answers: { 201: { description: 'Signed in', schema: z.object({ signedIn: z.boolean() }) } },
      handle: async ({ body, request, ip }) => ({
        status: 201,
        body: { signedIn: true },
        headers: await startedSession({ ...body, ip }, request),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/v1/session',
      access: 'public',
      tag: 'Workspace',
      summary: 'Sign out',
      answers: { 204: { description: 'Signed out' } },
      handle: async ({ request, headers }): Promise<Reply> => {
        const token = sessionToken(headers);
        if (token !== undefined) await signOut(db, token);
        return { status: 204, headers: { 'set-cookie': endedCookie(secure(request)) } };
      },
    }),
  ];
}

function meRoute({ db, version, disk }: WorkspaceRouteParts): Route {
  return route({
    method: 'GET',
    path: '/v1/me',
    access: 'viewer',
    tag: 'Workspace',
    summary: 'Who is calling, and the state of the workspace',
    answers: { 200: { description: 'The caller', schema: meView } },
    handle: async ({ actor }) => {
      const servers = await listServers(db, actor.workspaceId);
      const user = actor.kind === 'session' ? await userOf(db, actor.id) : undefined;
      const body: MeView = {
        user: user ?? null,
        role: actor.role,
        workspace: await viewOf(db, actor.workspaceId),
        state: {
          servers: servers.length,
          unwellServers: servers
            .filter((one) => one.health.waitingUntil !== null)
            .map(({ id, name }) => ({ id, name })),
          uncertain: await countUncertain(db, actor.workspaceId),
          paused: pausedView(await pauseOf(db, actor.workspaceId), disk),
          notices: await countOpenNotices(db, actor.workspaceId),
        },
        version,
      };
      return { body };
    },
  });
}

function ownRoutes(db: Db, clock: Clock): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/workspace',
      access: 'viewer',
      tag: 'Workspace',
      summary: 'The workspace',
      answers: { 200: { description: 'The workspace', schema: workspaceView } },
      handle: async ({ actor }) => ({ body: await viewOf(db, actor.workspaceId) }),
    }),
    route({
      method: 'PATCH',
      path: '/v1/workspace',
      access: 'admin',
      tag: 'Workspace',
      summary: 'Change the workspace',
      body: z.strictObject({
        name: z.string().optional(),
        routing: z.enum(['random', 'weighted', 'cheapest']).optional().describe(ROUTING),
        defaultFrom: z.string().nullable().optional().describe(DEFAULT_FROM),
      }),
      example: { defaultFrom: 'Example <hello@example.com>' },
      answers: { 200: { description: 'The workspace', schema: workspaceView } },
      handle: async ({ actor, body }) => {
        await changeWorkspace(db, actor, body, clock.now());
        return { body: await viewOf(db, actor.workspaceId) };
      },
    }),
  ];
}

async function viewOf(db: Db, id: string): Promise<WorkspaceView> {
  const workspace = await findWorkspace(db, id);
  return { ...workspace, mode: await modeOf(db.read, id), createdAt: iso(workspace.createdAt) };
}

function pausedView(pause: Pause | undefined, disk: Disk): MeView['state']['paused'] {
  if (pause) return { code: pause.code, reason: pause.reason, since: iso(pause.since) };
  return disk.low ? { code: 'disk_full', reason: diskFull().message, since: null } : null;
}

function keyRoutes(db: Db, clock: Clock): Route[] {
  const present = (stored: StoredKey, key?: string): KeyView => ({
    id: stored.id,
    name: stored.name,
    ending: stored.ending,
    scope: stored.scope,
    createdAt: iso(stored.createdAt),
    ...(key === undefined ? {} : { key }),
  });
  return [
    route({
      method: 'GET',
      path: '/v1/api-keys',
      access: 'viewer',
      tag: 'API keys',
      summary: 'API keys, without the keys themselves',
      answers: { 200: { description: 'The keys', schema: page(keyView) } },
      handle: async ({ actor }) => ({
        body: { data: (await listKeys(db, actor.workspaceId)).map((one) => present(one)), nextCursor: null },
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/api-keys',
      access: 'admin',
      tag: 'API keys',
      summary: 'Make an API key',
      body: z.strictObject({ name: z.string().min(1).max(100).describe('To tell keys apart.') }),
      example: { name: 'Shop' },
      answers: { 201: { description: 'The key, shown this once', schema: keyView } },
      handle: async ({ actor, body }) => {
        const { key, stored } = await db.write((tx) =>
          issueKey(tx, actor.workspaceId, body.name, clock.now()),
        );
        return { status: 201, body: present(stored, key) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/api-keys/:id/regenerate',
      access: 'admin',
      tag: 'API keys',
      summary: 'Replace an API key; the old one stops at once',
      answers: { 201: { description: 'The new key, shown this once', schema: keyView } },
      handle: async ({ actor, params }) => {
        const { key, stored } = await regenerateKey(db, actor.workspaceId, params.id!, actor.id, clock.now());
        return { status: 201, body: present(stored, key) };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/api-keys/:id',
      access: 'admin',
      tag: 'API keys',
      summary: 'Revoke an API key at once',
      answers: { 204: { description: 'Revoked' } },
      handle: async ({ actor, params }) => {
        await removeKey(db, actor.workspaceId, params.id!, actor.id, clock.now());
        return { status: 204 };
      },
    }),
  ];
}
