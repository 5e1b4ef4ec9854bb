import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../config.ts';
import { type FakeServer, startFakeServer } from '../demo-smtp/server.ts';
import { createLog } from '../log.ts';
import { composeNotice } from '../messages/letter.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { OWNER, type TestApp, testApp } from '../testing/test-app.ts';
import { MAIL_EVERY_MS, NoticeMailer } from './mailer.ts';
import { type News, notify } from './notify.ts';

const MINUTE = 60_000;

describe('the owner gets mail', () => {
  let clock: FakeClock;
  let running: TestApp;
  let server: FakeServer;

  beforeEach(async () => {
    clock = new FakeClock();
    running = await testApp({ start: false, clock });
    server = await startFakeServer({ security: 'none' });
  });
  afterEach(async () => {
    await server.stop();
    await running.stop();
  });

  function mailer(): NoticeMailer {
    const { systemSmtp } = readConfig(
      { SYSTEM_SMTP_URL: `smtp://${server.host}:${server.port}?security=none&from=post@example.com` },
      '/',
    );
    const made = new NoticeMailer({
      db: running.app.db,
      clock,
      log: createLog('silent'),
      publicUrl: 'https://mail.example.com',
      system: systemSmtp!,
      compose: composeNotice,
    });
    onTestFinished(() => made.stop());
    return made;
  }

  const happened = (kind: News['kind'], more: Partial<News> = {}) =>
    running.app.db.write((tx) =>
      notify(tx, { workspaceId: running.workspaceId, kind, subject: '', at: clock.now(), ...more }),
    );
  const subjects = () =>
    server.ledger.map((one) => /^Subject: (.*)$/m.exec(one.content.toString())?.[1]?.trim());

  test('about a burst: one, with the count, the reason and the link', async () => {
    const post = mailer();
    for (let at = 0; at < 20; at++)
      await happened('message_uncertain', { reason: 'First did not confirm it.' });
    await post.look();
    expect(server.ledger.map((one) => one.rcpts)).toEqual([[OWNER.email]]);
    const mail = server.ledger[0]!.content.toString().replaceAll('=\r\n', '');
    expect(subjects()).toEqual(['Example: 20 messages are uncertain: they may have gone out.']);
    expect(mail).toContain('The last reason: First did not confirm it.');
    expect(mail).toMatch(/https:\/\/mail\.example\.com\/messages\?status=3?D?=?3?D?uncertain/);
    expect(mail).toContain('Auto-Submitted: auto-generated');
  });

  test('at most once an hour for each kind, and then only about what is new', async () => {
    const post = mailer();
    await happened('message_uncertain');
    await post.look();
    await happened('message_uncertain');
    await happened('priority_expired');
    clock.advance(MAIL_EVERY_MS - 1);
    await post.look();
    expect(subjects()).toEqual([
      'Example: A message is uncertain: it may have gone out.',
      'Example: A high-priority message expired before it could be sent.',
    ]);
    clock.advance(1);
    await happened('message_uncertain');
    await post.look();
    expect(subjects()[2]).toBe('Example: 3 messages are uncertain: they may have gone out.');
    clock.advance(10 * MAIL_EVERY_MS);
    await post.look();
    expect(server.ledger).toHaveLength(3);
  });

  test('not about what somebody has seen', async () => {
    const post = mailer();
    await happened('message_uncertain');
    const [notice] = (await running.call('GET', '/v1/notices')).body.data;
    await running.call('POST', `/v1/notices/${notice.id}/seen`);
    await post.look();
    expect(server.ledger).toEqual([]);
  });

  test('about several servers in one mail', async () => {
    const post = mailer();
    for (const [subject, name] of [
      ['srv_1', 'First'],
      ['srv_2', 'Zweite Post'],
    ])
      await happened('server_attention', { subject: subject!, name: name!, reason: 'Wrong password.' });
    await post.look();
    const mail = server.ledger[0]!.content.toString().replaceAll('=\r\n', '');
    expect(subjects()).toEqual(['Example: 2 servers have stopped and need you.']);
    expect(mail).toContain('First has stopped and needs you.');
    expect(mail).toContain('https://mail.example.com/settings/email-servers/srv_2');
  });

  test('once, whichever of two processes looks first', async () => {
    const both = [mailer(), mailer()];
    await happened('message_uncertain');
    await Promise.all(both.map((one) => one.look()));
    expect(server.ledger).toHaveLength(1);
  });

  test('a refusal makes neither a message nor a notice, and it is tried later', async () => {
    const post = mailer();
    server.setScript([{ stage: 'rcpt', fault: { reply: '550 5.1.1 No such user' }, count: 1 }]);
    await happened('message_uncertain');
    await post.look();
    await post.look();
    expect(server.ledger).toEqual([]);
    expect((await running.call('GET', '/v1/notices')).body.data).toHaveLength(1);
    for (const path of ['/v1/messages', '/v1/suppressions'])
      expect((await running.call('GET', path)).body.data).toEqual([]);
    clock.advance(5 * MINUTE);
    await post.look();
    expect(server.ledger).toHaveLength(1);
  });

  test('a server that is gone stops nothing', async () => {
    const post = mailer();
    await server.stop();
    await happened('message_uncertain');
    await expect(post.look()).resolves.toBeUndefined();
  });
});
