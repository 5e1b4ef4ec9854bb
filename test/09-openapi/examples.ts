import { type FakeServer, startFakeServer } from '../../src/demo-smtp/server.ts';
import { notify } from '../../src/notices/notify.ts';
import { storeServer } from '../../src/servers/testing.ts';
import type { Engine } from '../../src/storage/db.ts';
import { readSetting } from '../../src/storage/settings.ts';
import { OWNER, type TestApp, testApp } from '../../src/testing/test-app.ts';

/** What a call needs to succeed. Each time it is asked for, what the call uses up is made anew. */
export interface Example {
  params?: Record<string, string>;
  query?: Record<string, string>;
  /** Over the example of the document. */
  body?: Record<string, unknown>;
  /** Where the call is made, when not in the common program. */
  app?: TestApp;
}

export interface World {
  running: TestApp;
  /** Nobody has set it up yet. */
  unclaimed: TestApp;
  smtp: FakeServer;
  stop(): Promise<void>;
}

export async function makeWorld(engine: Engine): Promise<World> {
  const env = { SMTP_ALLOW_PRIVATE: '127.0.0.0/8' };
  const running = await testApp({ start: false, engine, env });
  const unclaimed = await testApp({ start: false, engine, known: { apiKey: 'none', workspaceId: 'none' } });
  const smtp = await startFakeServer({ security: 'none', users: { shop: 'right' } });
  return {
    running,
    unclaimed,
    smtp,
    async stop() {
      await smtp.stop();
      await running.stop();
      await unclaimed.stop();
    },
  };
}

/** By operation id; a call that is not named needs nothing. */
export function examplesOf({ running, unclaimed, smtp }: World): Record<string, () => Promise<Example>> {
  const { call, app } = running;
  const fresh = freshNames();
  const connection = {
    host: '127.0.0.1',
    port: smtp.port,
    security: 'none',
    username: 'shop',
    password: 'right',
  };
  const server = async () => {
    const id = fresh('srv_');
    await storeServer(app.db, { id, workspaceId: running.workspaceId, ...LOCAL, port: smtp.port });
    return { params: { id } };
  };
  const template = async () => {
    const slug = fresh('example-');
    await call('POST', '/v1/templates', { slug, subject: 'Hi {{ name }}', html: '<p>Hi</p>', from: FROM });
    return { params: { slug } };
  };
  const message = async (body: object = {}) => {
    const sent = { rcpt: 'ada@example.com', subject: 'Hello', text: 'Hello', from: FROM, ...body };
    return { params: { id: (await call('POST', '/v1/messages', sent)).body.id as string } };
  };
  const messageAs = (state: 'uncertain' | 'captured') => async () => {
    const made = await message();
    await app.db.write((tx) =>
      tx.updateTable('messages').set({ state }).where('id', '=', made.params.id).execute(),
    );
    return made;
  };
  const key = async () => ({
    params: { id: (await call('POST', '/v1/api-keys', { name: 'Example' })).body.id },
  });
  const contact = async () => {
    const email = fresh('ada-').concat('@example.com');
    await call('POST', '/v1/contacts', { email });
    return { params: { email } };
  };
  const blocked = async () => {
    const email = fresh('blocked-').concat('@example.com');
    await call('POST', '/v1/suppressions', { email });
    return { params: { email } };
  };
  const notice = async () => {
    const news = { kind: 'server_attention', subject: fresh('srv_'), at: Date.now() } as const;
    await app.db.write((tx) => notify(tx, { workspaceId: running.workspaceId, ...news }));
    return { params: { id: (await call('GET', '/v1/notices')).body.data[0].id as string } };
  };
  return {
    'post-setup': async () => ({ body: { token: await setupToken(unclaimed) }, app: unclaimed }),
    'post-session': async () => ({ body: { email: OWNER.email, password: OWNER.password } }),
    'post-api-keys-by-id-regenerate': key,
    'delete-api-keys-by-id': key,
    'post-servers': async () => ({ body: connection }),
    'post-servers-verify': async () => ({ body: connection }),
    'get-servers-by-id': server,
    'patch-servers-by-id': server,
    'delete-servers-by-id': server,
    'post-servers-by-id-verify': server,
    'get-servers-by-id-health': server,
    'post-servers-by-id-move-templates': server,
    'post-templates': async () => ({ body: { slug: fresh('new-') } }),
    'get-templates-by-slug': template,
    'patch-templates-by-slug': template,
    'delete-templates-by-slug': template,
    'get-templates-by-slug-versions': template,
    'post-templates-by-slug-preview': template,
    'post-templates-by-slug-test': template,
    'post-templates-by-slug-duplicate': async () => ({
      ...(await template()),
      body: { slug: fresh('copy-') },
    }),
    'get-contacts-by-email': contact,
    'delete-contacts-by-email': contact,
    'post-contacts-by-email-lift': contact,
    'post-suppressions': async () => ({ body: { email: fresh('block-').concat('@example.com') } }),
    'get-suppressions-by-email': blocked,
    'delete-suppressions-by-email': blocked,
    'post-notices-by-id-seen': notice,
    'get-messages-by-id': message,
    'get-messages-by-id-preview': message,
    'post-messages-by-id-cancel': () => message({ sendAt: new Date(Date.now() + 3_600_000).toISOString() }),
    'post-messages-by-id-resend': messageAs('captured'),
    'post-messages-by-id-resolve': messageAs('uncertain'),
  };
}

const FROM = 'shop@example.com';
const LOCAL = { host: '127.0.0.1', security: 'none', allowPrivate: true } as const;

function freshNames(): (prefix: string) => string {
  let count = 0;
  return (prefix) => `${prefix}${++count}`;
}

/** Made when it is first asked whether somebody has to set up; gone once somebody did. */
async function setupToken({ app, call }: TestApp): Promise<string> {
  await call('GET', '/v1/setup');
  return (await readSetting(app.db, 'setup_token')) ?? 'used';
}
