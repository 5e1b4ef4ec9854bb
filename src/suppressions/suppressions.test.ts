import { beforeEach, describe, expect, test } from 'vitest';
import { contactBounced } from '../audience/upsert.ts';
import { iso, systemClock } from '../clock.ts';
import { ENGINES } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { suppress } from './suppress.ts';

const SECOND = 1_000;
const DAY = 24 * 3_600_000;
const REPLY = '550 5.1.1 No such user';

describe.each(ENGINES)('blocked addresses on $engine', ({ engine }) => {
  let clock: FakeClock;
  let running: TestApp;
  beforeEach(async () => {
    // On PostgreSQL the program goes by the database's clock, so the tests start from now.
    clock = new FakeClock(systemClock.now());
    running = await testApp({ start: false, clock, engine });
    return () => running.stop();
  });

  /** As settling a hard bounce does it. @returns whether the block is new */
  const bounce = (email: string, more: object = {}) =>
    running.app.db.write(async (tx) => {
      const { workspaceId } = running;
      await contactBounced(tx, workspaceId, email, clock.now());
      return suppress(tx, {
        workspaceId,
        email,
        emailKey: email,
        reason: 'bounce',
        code: 'recipient_unknown',
        reply: REPLY,
        messageId: 'msg_1',
        createdAt: clock.now(),
        ...more,
      });
    });
  const call = (method: string, path = '', body?: object) =>
    running.call(method, `/v1/suppressions${path}`, body);
  const addresses = async (query = '') =>
    (await call('GET', query)).body.data.map((one: { email: string }) => one.email);
  const sendTo = async (rcpt: string) =>
    (await running.call('POST', '/v1/messages', { rcpt, subject: 'Hi', text: 'Hi' })).body.status;
  const contact = async (email: string) => (await running.call('GET', `/v1/contacts/${email}`)).body;
  const audited = async () =>
    (await running.app.db.read.selectFrom('audit_log').selectAll().orderBy('id').execute())
      .filter((one) => !one.action.startsWith('workspace.') && !one.action.startsWith('api_key.'))
      .map((one) => [one.action, one.target]);
  const events = async () =>
    (await running.app.db.read.selectFrom('events').select('type').orderBy('id').execute())
      .map((one) => one.type)
      .filter((type) => type.startsWith('suppression.') || type === 'contact.resubscribed');

  test('a bounce is listed with everything that is known of it', async () => {
    await bounce('ann@example.org', { serverId: 'srv_1', serverName: 'First' });
    const listed = (await call('GET')).body;
    expect(listed).toEqual({
      data: [
        {
          id: expect.stringMatching(/^sup_/),
          email: 'ann@example.org',
          reason: 'bounce',
          source: 'smtp',
          code: 'recipient_unknown',
          reply: REPLY,
          message: 'msg_1',
          server: { id: 'srv_1', name: 'First' },
          active: true,
          since: iso(clock.now()),
          until: null,
        },
      ],
      nextCursor: null,
    });
    expect((await call('GET', '/ANN@example.org')).body).toEqual(listed.data[0]);
  });

  test('lifting a block lets mail through, clears the bounced flag, and is written down', async () => {
    await running.call('POST', '/v1/contacts', { email: 'ann@example.org' });
    await bounce('ann@example.org');
    expect([await sendTo('ann@example.org'), (await contact('ann@example.org')).status]).toEqual([
      'blocked',
      'bounced',
    ]);
    expect((await call('DELETE', '/ann%40example.org')).status).toBe(204);
    expect([await sendTo('ann@example.org'), (await contact('ann@example.org')).status]).toEqual([
      'queued',
      'active',
    ]);
    expect(await audited()).toEqual([['suppression.lifted', 'ann@example.org']]);
    expect(await events()).toEqual(['suppression.lifted']);
    const again = await call('DELETE', '/ann@example.org');
    expect([again.status, again.body.error.code]).toEqual([404, 'suppression_not_found']);
  });

  test('a second hard bounce after lifting blocks again', async () => {
    await running.call('POST', '/v1/contacts', { email: 'ann@example.org' });
    await bounce('ann@example.org');
    await call('DELETE', '/ann@example.org');
    clock.advance(DAY);
    expect(await bounce('ann@example.org', { messageId: 'msg_2' })).toBe(true);
    expect([await sendTo('ann@example.org'), (await contact('ann@example.org')).status]).toEqual([
      'blocked',
      'bounced',
    ]);
    expect((await call('GET', '/ann@example.org')).body).toMatchObject({
      message: 'msg_2',
      since: iso(clock.now()),
    });
  });

  test('a second bounce while blocked changes nothing', async () => {
    await bounce('ann@example.org');
    clock.advance(DAY);
    expect(await bounce('ann@example.org', { messageId: 'msg_2' })).toBe(false);
    expect((await call('GET', '/ann@example.org')).body.message).toBe('msg_1');
  });

  test('a block that has run out stops nothing, and is shown as over', async () => {
    const expiresAt = clock.now() + DAY;
    await bounce('ann@example.org', { expiresAt });
    expect(await sendTo('ann@example.org')).toBe('blocked');
    clock.advance(DAY + SECOND);
    expect(await sendTo('ann@example.org')).toBe('queued');
    expect((await call('GET', '/ann@example.org')).body).toMatchObject({
      active: false,
      until: iso(expiresAt),
    });
  });

  test('a longer block replaces a shorter one, never the reverse', async () => {
    await bounce('ann@example.org', { expiresAt: clock.now() + DAY });
    expect(await bounce('ann@example.org', { expiresAt: clock.now() + DAY / 2 })).toBe(false);
    expect(await bounce('ann@example.org', { expiresAt: clock.now() + 2 * DAY })).toBe(true);
    expect(await bounce('ann@example.org')).toBe(true);
    expect(await bounce('ann@example.org', { expiresAt: clock.now() + 9 * DAY })).toBe(false);
    expect((await call('GET', '/ann@example.org')).body.until).toBeNull();
  });

  test('by hand: blocked at once, audited, and a second time refused with what stands', async () => {
    const made = await call('POST', '', { email: ' Ann@Example.ORG ', reason: 'manual' });
    expect([made.status, made.body]).toMatchObject([
      201,
      {
        email: 'Ann@example.org',
        reason: 'manual',
        source: 'manual',
        message: null,
        server: null,
        reply: null,
      },
    ]);
    expect(await sendTo('ann@example.org')).toBe('blocked');
    const again = await call('POST', '', { email: 'ann@example.org' });
    expect([again.status, again.body.error.code, again.body.error.message]).toEqual([
      409,
      'already_blocked',
      expect.stringMatching(/^Ann@example\.org is blocked since \d{4}-\d\d-\d\d: it was blocked by hand\.$/),
    ]);
    expect([await audited(), await events()]).toEqual([
      [['suppression.added', 'Ann@example.org']],
      ['suppression.added'],
    ]);
  });

  test('the list is newest first, searched, filtered and cut into pages', async () => {
    for (const name of ['ann', 'bob', 'cy_d', 'cyXd']) {
      await bounce(`${name}@example.org`);
      clock.advance(1);
    }
    await call('POST', '', { email: 'dora@example.net' });
    expect(await addresses()).toEqual([
      'dora@example.net',
      'cyXd@example.org',
      'cy_d@example.org',
      'bob@example.org',
      'ann@example.org',
    ]);
    expect(await addresses('?q=Y_D')).toEqual(['cy_d@example.org']);
    expect(await addresses('?q=%25')).toEqual([]);
    expect(await addresses('?reason=manual')).toEqual(['dora@example.net']);
    const first = (await call('GET', '?limit=2&q=example.org')).body;
    const second = (await call('GET', `?limit=2&q=example.org&cursor=${first.nextCursor}`)).body;
    expect([...first.data, ...second.data].map((one) => one.email)).toEqual([
      'cyXd@example.org',
      'cy_d@example.org',
      'bob@example.org',
      'ann@example.org',
    ]);
    expect(second.nextCursor).toBeNull();
  });

  test.each<[string, string, object | undefined, number, string]>([
    ['GET', '?limit=10000', undefined, 422, 'limit_invalid'],
    ['GET', '?cursor=msg_00000000000000000000000000', undefined, 400, 'cursor_invalid'],
    ['GET', '?reason=unsubscribed', undefined, 422, 'reason_unknown'],
    ['GET', `?q=${'x'.repeat(10_000)}`, undefined, 422, 'q_too_long'],
    ['GET', '?page=2', undefined, 422, 'unknown_field'],
    ['GET', '/ann', undefined, 422, 'address_invalid'],
    ['DELETE', '/ann%4@example.org', undefined, 400, 'address_invalid'],
    ['GET', '/nobody@example.org', undefined, 404, 'suppression_not_found'],
    ['POST', '', {}, 422, 'email_required'],
    ['POST', '', { email: 'a@b.com, c@d.com' }, 422, 'one_address'],
    ['POST', '', { email: 'ann@example.org', reason: 'bounce' }, 422, 'reason_invalid'],
  ])('%s %.40s is refused in words', async (method, path, body, status, code) => {
    const answer = await call(method, path, body);
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
  });

  describe('a flag of a contact', () => {
    const lift = (flag: string, email = 'ann@example.org') =>
      running.call('POST', `/v1/contacts/${email}/lift`, { flag });
    beforeEach(async () => {
      await running.call('POST', '/v1/contacts', { email: 'ann@example.org' });
    });

    test('bounced: lifted together with the block', async () => {
      await bounce('ann@example.org');
      const { status, body } = await lift('bounced');
      expect([status, body.status]).toEqual([200, 'active']);
      expect(await sendTo('ann@example.org')).toBe('queued');
      expect(await audited()).toEqual([['suppression.lifted', 'ann@example.org']]);
    });

    test('unsubscribed: lifted, and the block of the address stays', async () => {
      await running.app.db.write((tx) =>
        tx.updateTable('contacts').set({ unsubscribed_at: clock.now() }).execute(),
      );
      await call('POST', '', { email: 'ann@example.org' });
      expect((await contact('ann@example.org')).status).toBe('unsubscribed');
      expect((await lift('unsubscribed')).body.status).toBe('active');
      expect(await sendTo('ann@example.org')).toBe('blocked');
      expect(await audited()).toEqual([
        ['suppression.added', 'ann@example.org'],
        ['contact.lifted', 'ann@example.org'],
      ]);
      expect(await events()).toEqual(['suppression.added', 'contact.resubscribed']);
    });

    test('that is not set may be lifted, and nothing is written down', async () => {
      expect([(await lift('bounced')).status, (await lift('unsubscribed')).status]).toEqual([200, 200]);
      expect(await audited()).toEqual([]);
    });

    test.each([
      ['active', 'ann@example.org', 422, 'flag_invalid'],
      ['bounced', 'nobody@example.org', 404, 'contact_not_found'],
    ])('%s of %s is refused', async (flag, email, status, code) => {
      const answer = await lift(flag, email);
      expect([answer.status, answer.body.error.code]).toEqual([status, code]);
    });
  });
});
