import { simpleParser } from 'mailparser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeServer, startFakeServer } from '../../src/demo-smtp/server.ts';
import { ENGINES } from '../../src/storage/testing.ts';
import { connectServer, serverInput } from '../../src/testing/servers.ts';
import { type TestApp, testApp } from '../../src/testing/test-app.ts';

// The ten-minute walk of the README, by the API: each step stands on the ones before it.
describe.each(ENGINES)(
  'on $engine: from an empty folder to a delivered message, and back to sandbox',
  ({ engine }) => {
    let app: TestApp;
    let first: FakeServer;
    let second: FakeServer;
    let firstId: string;
    let secondId: string;
    const signIn = { security: 'starttls', username: 'demo' };

    beforeAll(async () => {
      app = await testApp({ engine });
      first = await startFakeServer({ security: 'starttls', users: { demo: 'right' } });
      second = await startFakeServer({ security: 'starttls', users: { demo: 'right' } });
    });
    afterAll(async () => {
      await app.stop();
      await first.stop();
      await second.stop();
    });

    const send = (name: string) =>
      app.call('POST', '/v1/messages', {
        rcpt: `${name}@example.com`,
        templateSlug: 'welcome',
        variables: { name },
      });

    test('a template is made, and a message in sandbox is captured', async () => {
      const template = {
        slug: 'welcome',
        subject: 'Hi {{ name }}',
        html: '<p>Hello {{ name | "there" }} & welcome</p>',
      };
      expect((await app.call('POST', '/v1/templates', template)).status).toBe(201);
      expect((await app.call('GET', '/v1/workspace')).body.mode).toBe('sandbox');

      const { status, body } = await send('ada');
      expect(status).toBe(202);
      const record = await app.until(body.id, 'captured');
      expect(record).toMatchObject({
        sandbox: true,
        subject: 'Hi ada',
        route: { mode: 'sandbox', chosen: null },
      });
      expect((await app.call('GET', `/v1/messages/${body.id}/preview`)).body).toContain('Hello ada');
    });

    test('a server with a wrong password is refused with the reason, and nothing is stored', async () => {
      const { status, body } = await app.call(
        'POST',
        '/v1/servers',
        serverInput(first, { ...signIn, password: 'wrong', tlsCa: first.caPem }),
      );
      expect(status).toBe(422);
      expect(body.error).toMatchObject({
        code: 'auth_rejected',
        field: 'password',
        detail: { stage: 'auth', host: first.host, port: first.port },
      });
      expect(body.error.detail.reply).toMatch(/^535 /);
      expect((await app.call('GET', '/v1/servers')).body.data).toEqual([]);
    });

    test('with the right password it is connected, and mail goes out once', async () => {
      const added = await app.call(
        'POST',
        '/v1/servers',
        serverInput(first, { ...signIn, name: 'First', password: 'right', tlsCa: first.caPem }),
      );
      expect(added).toMatchObject({ status: 201, body: { name: 'First', hasPassword: true } });
      firstId = added.body.id;
      expect((await app.call('GET', '/v1/workspace')).body.mode).toBe('live');

      const { body } = await send('grace');
      const record = await app.until(body.id, 'sent');
      expect(record.attempts).toMatchObject([{ server: firstId, outcome: 'accepted', stage: 'dot' }]);
      expect(record.serverMessageId).toMatch(/\w+/);
      expect(first.ledger).toHaveLength(1);
      const mail = await simpleParser(first.ledger[0]!.content);
      expect(mail.subject).toBe('Hi grace');
      expect(mail.html).toContain('Hello grace & welcome');
      expect(mail.text).toContain('Hello grace & welcome');
      expect(first.ledger[0]).toMatchObject({
        rcpts: ['grace@example.com'],
        tls: true,
        user: 'demo',
        xId: body.id,
      });
    });

    test('a second server, preferred by the template, gets all of its mail', async () => {
      const right = { ...signIn, name: 'Second', password: 'right', tlsCa: second.caPem };
      secondId = await connectServer(app, second, right);
      expect(
        (await app.call('PATCH', '/v1/templates/welcome', { server: secondId, version: 1 })).body.version,
      ).toBe(2);

      const explained = await app.call('POST', '/v1/route/explain', { templateSlug: 'welcome' });
      expect(explained.body).toMatchObject({ mode: 'preferred', chosen: secondId });

      const sent = await Promise.all(Array.from({ length: 20 }, (_, at) => send(`user${at}`)));
      for (const { body } of sent) expect((await app.until(body.id, 'sent')).server.id).toBe(secondId);
      expect(second.ledger.map((entry) => entry.rcpts[0]).sort()).toEqual(
        Array.from({ length: 20 }, (_, at) => `user${at}@example.com`).sort(),
      );
      expect(first.ledger).toHaveLength(1);
    });

    test('deleting it clears the template, which falls back to a random server', async () => {
      const { body } = await app.call('DELETE', `/v1/servers/${secondId}`);
      expect(body).toEqual({ clearedTemplates: ['welcome'], movedTo: null, waiting: 0, mode: 'live' });
      expect((await app.call('GET', '/v1/templates/welcome')).body.server).toBeNull();

      const { body: message } = await send('linus');
      const record = await app.until(message.id, 'sent');
      expect(record).toMatchObject({ server: { id: firstId }, route: { mode: 'random' } });
    });

    test('history keeps the name of the deleted server', async () => {
      const { body } = await app.call('GET', `/v1/messages?server=${secondId}`);
      expect(body.data).toHaveLength(20);
      expect(body.data[0].server.name).toBe('Second');
    });

    test('deleting the last one returns to sandbox; what was queued for real delivery waits', async () => {
      const later = await app.call('POST', '/v1/messages', {
        rcpt: 'later@example.com',
        templateSlug: 'welcome',
        sendAt: new Date(Date.now() + 3_600_000).toISOString(),
      });
      expect(later.body.status).toBe('scheduled');
      const { body } = await app.call('DELETE', `/v1/servers/${firstId}`);
      expect(body).toMatchObject({ clearedTemplates: [], waiting: 1, mode: 'sandbox' });

      const sandboxed = await send('margaret');
      await app.until(sandboxed.body.id, 'captured');
      expect((await app.call('GET', `/v1/messages/${later.body.id}`)).body.status).toBe('scheduled');
      expect(first.ledger).toHaveLength(2);
    });
  },
);
