import { beforeEach, describe, expect, test } from 'vitest';
import type { Script } from '../demo-smtp/script.ts';
import type { FakeServer } from '../demo-smtp/server.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { connectServer } from '../testing/servers.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { fakeServer } from '../transport/testing.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let clock: FakeClock;
let running: TestApp;
beforeEach(async () => {
  clock = new FakeClock();
  running = await testApp({ clock });
  return () => running.stop();
});

async function connect(name = 'One', script: Script = []): Promise<{ id: string; smtp: FakeServer }> {
  const smtp = await fakeServer({ security: 'none', users: { shop: 'secret' } });
  const id = await connectServer(running, smtp, { name, username: 'shop', password: 'secret' });
  smtp.setScript(script);
  return { id, smtp };
}
const send = async (changed: object = {}): Promise<string> => {
  const { status, body } = await running.call('POST', '/v1/messages', {
    rcpt: 'ann@example.org',
    subject: 'Hello',
    text: 'Hello',
    ...changed,
  });
  expect(status).toBe(202);
  return body.id;
};
const template = (changed: object) =>
  running.call('POST', '/v1/templates', { slug: 'note', subject: 'Note', html: '<p>Note</p>', ...changed });
const note = (changed: object = {}) =>
  send({ subject: undefined, text: undefined, templateSlug: 'note', ...changed });
const pass = (ms: number) => {
  clock.advance(ms);
  running.app.nudge();
};
const typesOf = (record: { events: { type: string }[] }) => record.events.map((event) => event.type);

describe('a message on its way', () => {
  test('is sent once, under the name it was promised, and its record says how', async () => {
    const { id: server, smtp } = await connect();
    const id = await send({ cc: ['bob@example.org'] });
    const record = await running.until(id, 'sent');
    await smtp.waitFor(2);
    const entry = smtp.ledger.find((one) => one.xId === id)!;
    expect(entry).toMatchObject({
      mailFrom: 'owner@example.com',
      rcpts: ['ann@example.org'],
      messageId: `<${record.messageId}>`,
      user: 'shop',
    });
    expect(record).toMatchObject({ server: { id: server, name: 'One' }, sandbox: false, code: 'accepted' });
    expect(record.attempts).toMatchObject([
      { server, stage: 'dot', outcome: 'accepted', reply: entry.reply },
    ]);
    expect(record.route).toMatchObject({ chosen: server, mode: 'random', excluded: [] });
    expect(typesOf(record)).toEqual(['message.accepted', 'message.sent']);
    expect(smtp.ledger.map((one) => one.rcpts)).toEqual(
      expect.arrayContaining([['ann@example.org'], ['bob@example.org']]),
    );
  });

  test('that is scheduled goes when it is due, and not before', async () => {
    const { smtp } = await connect();
    const id = await send({ sendAt: '2026-11-23T13:00:00Z' });
    pass(HOUR - 1);
    await running.until(await send({ rcpt: 'first@example.org' }), 'sent');
    expect((await running.call('GET', `/v1/messages/${id}`)).body.status).toBe('scheduled');
    pass(1);
    await running.until(id, 'sent');
    expect(smtp.ledger.map((one) => one.rcpts[0])).toEqual(['first@example.org', 'ann@example.org']);
  });

  test('is not sent to who was blocked meanwhile', async () => {
    const { smtp } = await connect('One', [
      { stage: 'rcpt', fault: { reply: '550 5.1.1 No such user' }, match: { rcpt: 'ann@example.org' } },
    ]);
    const later = await send({ sendAt: '2026-11-23T13:00:00Z' });
    await running.until(await send(), 'bounced');
    pass(HOUR);
    const record = await running.until(later, 'blocked');
    expect(record.reason).toContain('an earlier message bounced');
    expect(record.attempts).toEqual([]);
    expect(smtp.ledger).toEqual([]);
  });

  test('that cannot be made fails with the reason, and is not tried', async () => {
    const { smtp } = await connect();
    const id = await note({ sendAt: '2026-11-23T13:00:00Z', templateSlug: (await template({})).body.slug });
    await running.app.db.write((tx) => tx.updateTable('messages').set({ content: null }).execute());
    pass(HOUR);
    const record = await running.until(id, 'failed');
    expect([record.code, record.attempts]).toEqual(['template_error', []]);
    expect(smtp.totalConnections).toBe(1); // the one that validated it
  });
});

describe('in the sandbox', () => {
  test.each([
    ['ann@example.org', 'captured', ['message.accepted', 'message.captured']],
    ['bounce@simulator.mailwright.test', 'bounced', ['message.accepted', 'message.bounced']],
    ['success+tag@simulator.mailwright.test', 'captured', ['message.accepted', 'message.captured']],
  ])('%s is %s, and nobody is blocked', async (rcpt, status, events) => {
    const record = await running.until(await send({ rcpt }), status);
    expect([record.sandbox, record.server, record.attempts.length]).toEqual([true, null, 1]);
    expect(typesOf(record)).toEqual(events);
    expect((await running.until(await send({ rcpt }), status)).status).toBe(status);
  });

  test('a deferral is tried again', async () => {
    const id = await send({ rcpt: 'defer@simulator.mailwright.test' });
    await running.until(id, 'deferred');
    pass(10 * MINUTE);
    expect((await running.until(id, 'captured')).attempts).toHaveLength(2);
  });
});

describe('who is to blame', () => {
  test('the recipient: bounced and blocked, the contact marked, the server well', async () => {
    const { id: server } = await connect('One', [
      { stage: 'rcpt', fault: { reply: '550 5.1.1 No such user' } },
    ]);
    await running.call('POST', '/v1/contacts', { email: 'ann@example.org' });
    const record = await running.until(await send(), 'bounced');
    expect(record).toMatchObject({
      code: 'recipient_unknown',
      attempts: [{ reply: '550 5.1.1 No such user' }],
    });
    expect((await running.call('GET', '/v1/contacts/ann@example.org')).body.status).toBe('bounced');
    expect(
      (await running.call('POST', '/v1/messages', { rcpt: 'ann@example.org', subject: 'x', text: 'x' })).body
        .status,
    ).toBe('blocked');
    expect((await running.call('GET', `/v1/servers/${server}/health`)).body.status).toBe('well');
  });

  test('the message: failed, nobody blocked', async () => {
    await connect('One', [
      { stage: 'dot', fault: { reply: '554 5.7.1 Message content rejected as spam' }, count: 1 },
    ]);
    await running.until(await send(), 'failed');
    await running.until(await send(), 'sent');
  });

  test('the credentials: the server waits an hour and says why; the message goes when they are mended', async () => {
    const { id: server, smtp } = await connect();
    smtp.dropConnections();
    await smtp.until(() => smtp.connections === 0);
    smtp.setScript([{ stage: 'auth', fault: { reply: '535 5.7.8 Authentication failed' } }]);
    const id = await send();
    const waiting = await running.until(id, 'deferred');
    expect(waiting.code).toBe('auth_rejected');
    expect((await running.call('GET', `/v1/servers/${server}/health`)).body).toMatchObject({
      status: 'waiting',
      code: 'auth_rejected',
      until: '2026-11-23T13:00:00.000Z',
    });
    expect((await running.call('GET', '/v1/me')).body.state.unwellServers).toEqual([
      { id: server, name: 'One' },
    ]);
    smtp.setScript([]);
    expect((await running.call('POST', `/v1/servers/${server}/verify`)).status).toBe(200);
    running.app.nudge();
    expect((await running.until(id, 'sent')).attempts).toHaveLength(2);
  });
});

describe('an answer that was lost', () => {
  const LOST: Script = [{ stage: 'dot', fault: 'lose-after-accept', count: 1 }];

  test('holds the message for a decision: one copy, whatever time passes', async () => {
    const { smtp } = await connect('One', LOST);
    const id = await send();
    const record = await running.until(id, 'uncertain');
    expect(record.attempts).toMatchObject([{ stage: 'dot', outcome: 'uncertain', reply: null }]);
    pass(100 * HOUR);
    await running.until(await send({ rcpt: 'next@example.org' }), 'sent');
    expect((await running.call('GET', `/v1/messages/${id}`)).body.status).toBe('uncertain');
    expect(smtp.ledger.filter((one) => one.xId === id)).toHaveLength(1);
  });

  test('and goes out once more when a person says so: the same bytes', async () => {
    const { smtp } = await connect('One', LOST);
    const id = await send();
    await running.until(id, 'uncertain');
    await running.call('POST', `/v1/messages/${id}/resolve`, { as: 'resend' });
    expect((await running.until(id, 'sent')).possibleDuplicate).toBe(true);
    expect(smtp.ledger).toHaveLength(2);
    expect(smtp.ledger[1]!.bodySha256).toBe(smtp.ledger[0]!.bodySha256);
  });

  test.each<[string, () => Promise<unknown>, string]>([
    [
      'whose address was blocked meanwhile',
      () => running.call('POST', '/v1/suppressions', { email: 'ann@example.org' }),
      'blocked',
    ],
    [
      'that cannot be made any more',
      () => running.app.db.write((tx) => tx.updateTable('messages').set({ content: null }).execute()),
      'cannot be made',
    ],
  ])('is never told as not sent: a second try %s stays uncertain', async (_, spoil, reason) => {
    const { smtp } = await connect('One', LOST);
    const id = await send();
    await running.until(id, 'uncertain');
    await spoil();
    await running.call('POST', `/v1/messages/${id}/resolve`, { as: 'resend' });
    await running.until(await send({ rcpt: 'next@example.org' }), 'sent');
    const record = (await running.call('GET', `/v1/messages/${id}`)).body;
    expect([record.status, record.code]).toEqual(['uncertain', 'uncertain']);
    expect(record.reason).toContain('may have gone out before');
    expect(record.reason).toContain(reason);
    expect(smtp.ledger.filter((one) => one.xId === id)).toHaveLength(1);
  });

  test('with resend_once goes out once more by itself, after a minute', async () => {
    await template({ onUncertain: 'resend_once' });
    const { smtp } = await connect('One', [{ stage: 'dot', fault: 'lose-after-accept' }]);
    const id = await note();
    await running.until(id, 'deferred');
    pass(MINUTE - 1);
    expect(smtp.ledger).toHaveLength(1);
    pass(1);
    const record = await running.until(id, 'uncertain');
    expect([record.possibleDuplicate, smtp.ledger.length]).toEqual([true, 2]);
  });

  test('is not followed by a copy that would differ', async () => {
    const { smtp } = await connect('One', LOST);
    const id = await send();
    await running.until(id, 'uncertain');
    await running.app.db.write((tx) => tx.updateTable('messages').set({ body_hash: 'another' }).execute());
    await running.call('POST', `/v1/messages/${id}/resolve`, { as: 'resend' });
    const record = await running.until(id, 'uncertain');
    expect(record.reason).toContain('would make it differently');
    expect(smtp.ledger).toHaveLength(1);
  });

  test('with assume_sent counts as sent, and says that nobody confirmed it', async () => {
    await template({ onUncertain: 'assume_sent' });
    await connect('One', LOST);
    expect(await running.until(await note(), 'sent')).toMatchObject({ code: 'unconfirmed' });
  });
});

describe('a worker that died', () => {
  /** Stops the program, puts the message where a crash would have left it, and starts the program again. */
  async function crash(id: string, columns: object): Promise<void> {
    const { dataDir, apiKey, workspaceId } = running;
    await running.app.db.write((tx) =>
      tx
        .updateTable('messages')
        .set({ lease_owner: 'dead', fence: 1, due_at: clock.now() + MINUTE, ...columns })
        .where('id', '=', id)
        .execute(),
    );
    await running.stop({ keep: true });
    running = await testApp({ clock, dataDir, known: { apiKey, workspaceId } });
  }
  /** A message that no worker has looked at yet. */
  const scheduled = (changed: object = {}) => note({ sendAt: '2026-11-23T13:00:00Z', ...changed });

  test('before the marker: its messages go out at once, without waiting for the lease', async () => {
    const { smtp } = await connect();
    await template({});
    const id = await scheduled();
    await crash(id, { dot_at: null });
    await running.until(id, 'sent');
    expect(smtp.ledger).toHaveLength(1);
  });

  test.each<[string, string, number]>([
    ['hold', 'uncertain', 0],
    ['assume_sent', 'sent', 0],
    ['resend_once', 'sent', 1],
  ])('after the marker, with %s: %s', async (onUncertain, status, copies) => {
    const { id: server, smtp } = await connect();
    await template({ onUncertain });
    const id = await scheduled();
    await crash(id, { dot_at: clock.now(), server_id: server, server_name: 'One' });
    if (onUncertain === 'resend_once') {
      await running.until(id, 'deferred');
      pass(MINUTE);
    }
    const record = await running.until(id, status);
    expect(smtp.ledger).toHaveLength(copies);
    expect(record.attempts[0]).toMatchObject({
      stage: 'dot',
      outcome: 'uncertain',
      server,
      reason: expect.stringContaining('before reading the answer of One'),
    });
  });
});

describe('a preferred server', () => {
  const busy: Script = [{ stage: 'mail', fault: { reply: '421 4.3.2 Busy' } }];

  test('that is unwell is left with failover any', async () => {
    const [first, second] = [await connect('First', busy), await connect('Second')];
    await template({ server: first.id, failover: 'any' });
    const record = await running.until(await note(), 'sent');
    expect(record.server.id).toBe(second.id);
    expect(record.attempts.map((one: { server: string }) => one.server)).toEqual([first.id, second.id]);
  });

  test('that turned the message down for a limit of its own is not asked again', async () => {
    const small: Script = [{ stage: 'mail', fault: { reply: '552 5.3.4 Message too big' } }];
    const [first, second] = [await connect('First', small), await connect('Second')];
    await template({ server: first.id, failover: 'any' });
    const record = await running.until(await note(), 'sent');
    expect(record.server.id).toBe(second.id);
    expect(record.attempts).toHaveLength(2);
  });
});
