import { beforeEach, describe, expect, test } from 'vitest';
import { storeServer } from '../servers/testing.ts';
import { dailyCounts } from '../statistics/count.ts';
import type { Db } from '../storage/db.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { cancelMessage } from './change.ts';

const HOUR = 3_600_000;
const INLINE = { rcpt: 'ann@example.org', subject: 'Hello', text: 'Hello Ann' };

let clock: FakeClock;
let running: TestApp;
beforeEach(async () => {
  clock = new FakeClock();
  running = await testApp({ start: false, clock });
  await storeServer(running.app.db, { id: 'srv_1', workspaceId: running.workspaceId });
  return () => running.stop();
});

const send = async (changed: object = {}) =>
  (await running.call('POST', '/v1/messages', { ...INLINE, ...changed })).body.id;
const act = (id: string, what: 'cancel' | 'resend' | 'resolve', body?: object) =>
  running.call('POST', `/v1/messages/${id}/${what}`, body);
const record = async (id: string) => (await running.call('GET', `/v1/messages/${id}`)).body;
const put = async (id: string, columns: object) =>
  Object.keys(columns).length > 0 &&
  running.app.db.write((tx) => tx.updateTable('messages').set(columns).where('id', '=', id).execute());
const row = (id: string) =>
  running.app.db.read.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const audited = async () =>
  (await running.app.db.read.selectFrom('audit_log').selectAll().orderBy('id').execute())
    .map((one) => [one.action, one.target])
    .filter(([action]) => action!.startsWith('message.'));

describe('cancel', () => {
  test('takes back a message that waits, and says so', async () => {
    const id = await send({ sendAt: '2026-12-24T12:00:00Z' });
    const { status, body } = await act(id, 'cancel');
    expect([status, body.status, body.finalAt]).toEqual([200, 'cancelled', '2026-11-23T12:00:00.000Z']);
    expect((await record(id)).events.map((one: { type: string }) => one.type)).toEqual([
      'message.accepted',
      'message.cancelled',
    ]);
    expect(await audited()).toEqual([['message.cancelled', id]]);
    expect(await dailyCounts(running.app.db, running.workspaceId, 0, 99_999)).toMatchObject([
      { serverId: '', word: 'cancelled', count: 1 },
    ]);
  });

  test.each<[string, object, string]>([
    ['is sent', { state: 'sent' }, 'already_sent'],
    ['bounced', { state: 'bounced' }, 'already_final'],
    ['is cancelled', { state: 'cancelled' }, 'already_final'],
    ['may have gone out', { state: 'uncertain' }, 'uncertain_cannot_cancel'],
    ['may have gone out and is tried once more', { possible_duplicate: 1 }, 'uncertain_cannot_cancel'],
    ['is on the wire', { lease_owner: 'worker', due_at: 9e12 }, 'sending_now'],
    ['was on the wire past its marker', { lease_owner: 'worker', due_at: 0, dot_at: 1 }, 'sending_now'],
  ])('refuses one that %s', async (_, columns, code) => {
    const id = await send();
    await put(id, columns);
    const before = await row(id);
    const { status, body } = await act(id, 'cancel');
    expect([status, body.error.code]).toEqual([409, code]);
    expect(await row(id)).toEqual(before);
    expect(await audited()).toEqual([]);
  });

  test('names who has an accepted message, and since when', async () => {
    const id = await send();
    await put(id, { state: 'sent', server_name: 'First', final_at: clock.now() });
    expect((await act(id, 'cancel')).body.error.message).toBe(
      'First accepted this message at 2026-11-23T12:00:00.000Z. It cannot be taken back.',
    );
  });

  test('refuses one whose answer was lost at that very moment, and that its template sends once more', async () => {
    const id = await send();
    await put(id, { lease_owner: 'worker', due_at: 9e12 });
    const { db } = running.app;
    // Between the look and the change its worker settles it: queued again, and it may have gone out.
    const meanwhile: Db = {
      ...db,
      async write(work) {
        await put(id, { lease_owner: null, possible_duplicate: 1 });
        return db.write(work);
      },
    };
    const cancelled = cancelMessage(meanwhile, clock, { id: 'me', workspaceId: running.workspaceId }, id);
    await expect(cancelled).rejects.toMatchObject({ code: 'uncertain_cannot_cancel' });
    expect(await row(id)).toMatchObject({ state: 'queued', possible_duplicate: 1 });
    expect(await audited()).toEqual([]);
  });

  test('of two at the same moment one is told that it is done', async () => {
    const id = await send();
    const answers = await Promise.all([act(id, 'cancel'), act(id, 'cancel')]);
    expect(answers.map((one) => one.status).sort()).toEqual([200, 409]);
    expect(await audited()).toHaveLength(1);
  });
});

describe('resolve', () => {
  const uncertain = async () => {
    const id = await send();
    await put(id, {
      state: 'uncertain',
      code: 'uncertain',
      dot_at: clock.now(),
      server_id: 'srv_1',
      attempts: 1,
    });
    return id;
  };

  test('as sent ends it', async () => {
    const id = await uncertain();
    const { status, body } = await act(id, 'resolve', { as: 'sent' });
    expect([status, body.status, body.code]).toEqual([200, 'sent', 'resolved_sent']);
    expect(body.finalAt).not.toBeNull();
    expect(await audited()).toEqual([['message.resolved', id]]);
  });

  test('as resend queues it once more, marked, under the same Message-ID', async () => {
    const id = await uncertain();
    const before = await row(id);
    const { status, body } = await act(id, 'resolve', { as: 'resend' });
    expect([status, body.possibleDuplicate, body.messageId]).toEqual([200, true, before.message_id_header]);
    expect(await row(id)).toMatchObject({
      state: 'queued',
      lane: expect.stringMatching(/^new:wsp_/),
      due_at: clock.now(),
      dot_at: null,
    });
  });

  test('as resend also works long after its time', async () => {
    const id = await uncertain();
    clock.advance(100 * HOUR);
    await act(id, 'resolve', { as: 'resend' });
    expect((await row(id)).expires_at).toBeGreaterThan(clock.now());
  });

  test.each(['queued', 'sent', 'bounced', 'cancelled'])('is not for one that is %s', async (state) => {
    const id = await send();
    await put(id, { state });
    const { status, body } = await act(id, 'resolve', { as: 'sent' });
    expect([status, body.error.code]).toEqual([409, 'not_uncertain']);
  });

  test('two decisions at the same moment: the first one counts', async () => {
    const id = await uncertain();
    const answers = await Promise.all([
      act(id, 'resolve', { as: 'sent' }),
      act(id, 'resolve', { as: 'resend' }),
    ]);
    expect(answers.map((one) => one.status).sort()).toEqual([200, 409]);
    expect(await audited()).toHaveLength(1);
  });

  test.each([{}, { as: 'maybe' }, { as: 'sent', why: 'x' }])(
    'wants a decision it knows: %j',
    async (body) => {
      const id = await uncertain();
      expect((await act(id, 'resolve', body)).status).toBe(422);
      expect((await row(id)).state).toBe('uncertain');
    },
  );
});

describe('resend', () => {
  test.each(['sent', 'bounced', 'failed', 'expired', 'cancelled', 'captured'])(
    'makes a new message of one that is %s',
    async (state) => {
      const id = await send({ tags: ['vip'] });
      await put(id, {
        state,
        code: 'x',
        reason: 'y',
        attempts: 3,
        final_at: clock.now(),
        server_id: 'srv_1',
      });
      clock.advance(HOUR);
      const { status, body } = await act(id, 'resend');
      expect(status).toBe(202);
      expect(body).toMatchObject({
        status: 'queued',
        rcpt: INLINE.rcpt,
        subject: INLINE.subject,
        tags: ['vip'],
      });
      expect(body).toMatchObject({
        code: null,
        reason: null,
        server: null,
        createdAt: '2026-11-23T13:00:00.000Z',
      });
      expect(body.id).not.toBe(id);
      expect(body.messageId).not.toBe((await record(id)).messageId);
      expect(await record(id)).toMatchObject({ status: state });
      expect((await record(body.id)).events[0].detail).toEqual({ resendOf: id });
      const preview = await running.call('GET', `/v1/messages/${body.id}/preview`);
      expect(preview.body).toContain('Hello Ann');
    },
  );

  test.each<[string, object, string]>([
    ['waits', {}, 'not_final'],
    ['may have gone out', { state: 'uncertain' }, 'not_final'],
    ['was sensitive', { state: 'sent', sensitive: 1, content: null }, 'content_forgotten'],
  ])('refuses one that %s', async (_, columns, code) => {
    const id = await send();
    await put(id, columns);
    const { status, body } = await act(id, 'resend');
    expect([status, body.error.code]).toEqual([409, code]);
  });

  test('refuses a recipient who is blocked meanwhile, and says why', async () => {
    const id = await send();
    await put(id, { state: 'bounced' });
    await running.app.db.write((tx) =>
      tx
        .insertInto('suppressions')
        .values({
          id: 'sup_1',
          workspace_id: running.workspaceId,
          email: INLINE.rcpt,
          email_key: INLINE.rcpt,
          reason: 'complaint',
          code: null,
          reply: null,
          message_id: id,
          created_at: clock.now(),
        })
        .execute(),
    );
    const { status, body } = await act(id, 'resend');
    expect([status, body.error.code]).toEqual([409, 'suppressed']);
    expect(body.error.message).toBe(
      'ann@example.org is blocked since 2026-11-23: the recipient complained. Lift the block first: DELETE /v1/suppressions/ann%40example.org, or Blocked addresses in the app.',
    );
    expect(body.error.detail).toEqual({ email: INLINE.rcpt, reason: 'complaint' });
    expect((await running.call('DELETE', `/v1/suppressions/${INLINE.rcpt}`)).status).toBe(204);
    expect((await act(id, 'resend')).status).toBe(202);
  });
});

describe('what is sensitive is forgotten once it is over', () => {
  const sensitive = async (changed: object = {}) => {
    await running.call('POST', '/v1/templates', {
      slug: 'code',
      subject: 'Code',
      html: '<p>{{ code }}</p>',
      sensitive: true,
    });
    return (
      await running.call('POST', '/v1/messages', {
        rcpt: 'ann@example.org',
        templateSlug: 'code',
        variables: { code: 'canary-123456' },
        ...changed,
      })
    ).body;
  };
  const remembered = async () =>
    JSON.stringify(await running.app.db.read.selectFrom('messages').select('content').execute()).includes(
      'canary',
    );

  test('when it is cancelled', async () => {
    const { id } = await sensitive();
    expect(await remembered()).toBe(true);
    await act(id, 'cancel');
    expect(await remembered()).toBe(false);
    expect(await record(id)).toMatchObject({ status: 'cancelled', variables: null });
    const preview = await running.call('GET', `/v1/messages/${id}/preview`);
    expect([preview.status, preview.body.error.code]).toEqual([404, 'content_forgotten']);
  });

  test('when it is resolved as sent', async () => {
    const { id } = await sensitive();
    await put(id, { state: 'uncertain' });
    await act(id, 'resolve', { as: 'sent' });
    expect(await remembered()).toBe(false);
  });

  test('when its recipient is blocked from the start', async () => {
    await running.call('POST', '/v1/suppressions', { email: 'ann@example.org' });
    expect((await sensitive()).status).toBe('blocked');
    expect(await remembered()).toBe(false);
  });

  test('and not before its siblings are over, too', async () => {
    const { id, siblings } = await sensitive({ cc: ['bob@example.org'] });
    await act(id, 'cancel');
    expect((await record(siblings[0])).variables).toEqual({ code: 'canary-123456' });
    await act(siblings[0], 'cancel');
    expect(await remembered()).toBe(false);
  });
});
