import { beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { notify } from '../notices/notify.ts';
import { storeServer } from '../servers/testing.ts';
import type { Schema } from '../storage/schema.ts';
import { type Answer, type TestApp, testApp } from '../testing/test-app.ts';
import { secondWorkspace } from './testing.ts';

const TEMPLATE = { slug: 'welcome', subject: 'Welcome', html: '<p>Hello</p>' };
const EMAIL = 'ann@example.org';
const BLOCKED = 'blocked@example.org';

let running: TestApp;
let stranger: { workspaceId: string; apiKey: string };
/** What the first workspace has, by the word in the path. */
let ids: Record<string, string>;

beforeAll(async () => {
  running = await testApp({ start: false });
  const { db } = running.app;
  stranger = await secondWorkspace(db, systemClock);
  const made = async (path: string, body: object) => (await running.call('POST', path, body)).body;
  const template = await made('/v1/templates', TEMPLATE);
  await made('/v1/contacts', { email: EMAIL });
  const message = await made('/v1/messages', { rcpt: EMAIL, templateSlug: 'welcome' });
  const server = await storeServer(db, { id: 'srv_first', workspaceId: running.workspaceId });
  await storeServer(db, { id: 'srv_second', workspaceId: stranger.workspaceId });
  const key = (await running.call('GET', '/v1/api-keys')).body.data[0];
  await made('/v1/suppressions', { email: BLOCKED });
  const news = { kind: 'message_uncertain', subject: '', at: systemClock.now() } as const;
  await db.write((tx) => notify(tx, { workspaceId: running.workspaceId, ...news }));
  const notice = (await running.call('GET', '/v1/notices')).body.data[0];
  ids = {
    templates: template.slug,
    contacts: EMAIL,
    messages: message.id,
    servers: server.id,
    'api-keys': key.id,
    suppressions: BLOCKED,
    notices: notice.id,
  };
  return () => running.stop();
});

const asStranger = (method: string, path: string, body?: object): Promise<Answer> =>
  running.call(method, path, body, { authorization: `Bearer ${stranger.apiKey}` });

/** Bodies that are right, so that only the id can be what is refused. */
const BODIES: Record<string, object> = {
  'PATCH /v1/servers/{id}': { name: 'Mine' },
  'POST /v1/servers/{id}/move-templates': { to: null },
  'PATCH /v1/templates/{slug}': { name: 'Mine' },
  'POST /v1/templates/{slug}/preview': { variables: {} },
  'POST /v1/templates/{slug}/test': { rcpt: EMAIL },
  'POST /v1/templates/{slug}/duplicate': { slug: 'mine' },
  'POST /v1/messages/{id}/resolve': { as: 'sent' },
  'POST /v1/contacts/{email}/lift': { flag: 'bounced' },
};

test('every route with an id answers 404 to another workspace, and changes nothing', async () => {
  const { paths } = (await running.call('GET', '/v1/openapi.json')).body as {
    paths: Record<string, Record<string, object>>;
  };
  const calls = Object.entries(paths)
    .filter(([path]) => path.includes('{'))
    .flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() })),
    );
  expect(calls.length).toBeGreaterThanOrEqual(20);

  const before = await everything();
  const answers: string[] = [];
  for (const { method, path } of calls) {
    const word = path.split('/')[2]!;
    expect(ids).toHaveProperty(word);
    const { status, body } = await asStranger(
      method,
      path.replace(/\{\w+\}/, encodeURIComponent(ids[word]!)),
      BODIES[`${method} ${path}`],
    );
    answers.push(`${method} ${path}: ${status} ${body.error?.code}`);
  }
  const kinds: Record<string, string> = {
    templates: 'template',
    contacts: 'contact',
    messages: 'message',
    servers: 'server',
    suppressions: 'suppression',
    notices: 'notice',
  };
  expect(answers).toEqual(
    calls.map(
      ({ method, path }) => `${method} ${path}: 404 ${kinds[path.split('/')[2]!] ?? 'api_key'}_not_found`,
    ),
  );
  expect(await everything()).toEqual(before);
});

test('and those same ids are found by their own workspace', async () => {
  for (const [word, id] of Object.entries(ids)) {
    if (['api-keys', 'notices'].includes(word)) continue; // these cannot be read one by one
    expect([word, (await running.call('GET', `/v1/${word}/${id}`)).status]).toEqual([word, 200]);
  }
});

describe('another workspace’s things cannot be named', () => {
  test.each<[string, string, () => object, string]>([
    ['POST', '/v1/templates', () => ({ ...TEMPLATE, server: ids.servers }), 'server_not_found'],
    ['POST', '/v1/messages', () => ({ rcpt: EMAIL, templateSlug: 'welcome' }), 'template_not_found'],
    [
      'POST',
      '/v1/messages',
      () => ({ rcpt: EMAIL, subject: 'Hi', text: 'Hi', server: ids.servers }),
      'server_not_found',
    ],
    ['POST', '/v1/route/explain', () => ({ templateSlug: 'welcome' }), 'template_not_found'],
  ])('%s %s', async (method, path, body, code) => {
    expect(await asStranger(method, path, body())).toMatchObject({ status: 404, body: { error: { code } } });
  });

  test('as the place where templates move', async () => {
    const moved = await asStranger('POST', '/v1/servers/srv_second/move-templates', { to: ids.servers! });
    const deleted = await asStranger('DELETE', `/v1/servers/srv_second?moveTo=${ids.servers}`);
    for (const answer of [moved, deleted])
      expect(answer).toMatchObject({ status: 404, body: { error: { code: 'server_not_found' } } });
    expect((await asStranger('GET', '/v1/servers')).body.data).toHaveLength(1);
  });
});

test('lists hold only the workspace’s own', async () => {
  for (const path of ['/v1/templates', '/v1/messages', '/v1/suppressions', '/v1/notices'])
    expect((await asStranger('GET', path)).body.data).toEqual([]);
  expect((await asStranger('GET', '/v1/servers')).body.data.map((one: { id: string }) => one.id)).toEqual([
    'srv_second',
  ]);
  expect((await asStranger('GET', '/v1/api-keys')).body.data).toHaveLength(1);
  expect((await asStranger('GET', '/v1/workspace')).body.id).toBe(stranger.workspaceId);
});

test('slugs and addresses are free in each workspace', async () => {
  expect((await asStranger('POST', '/v1/templates', TEMPLATE)).status).toBe(201);
  expect((await asStranger('POST', '/v1/contacts', { email: EMAIL, plan: 'gold' })).status).toBe(200);
  expect((await running.call('GET', `/v1/contacts/${EMAIL}`)).body.plan).toBeUndefined();
});

async function everything(): Promise<unknown[]> {
  const tables: (keyof Schema)[] = [
    ...(['servers', 'templates', 'template_versions', 'messages', 'contacts'] as const),
    ...(['api_keys', 'events', 'audit_log', 'workspaces', 'suppressions', 'notices'] as const),
  ];
  return Promise.all(tables.map((table) => running.app.db.read.selectFrom(table).selectAll().execute()));
}
