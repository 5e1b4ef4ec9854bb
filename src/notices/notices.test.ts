import { beforeEach, describe, expect, test } from 'vitest';
import { storeServer } from '../servers/testing.ts';
import { ENGINES } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { CONSEQUENCES, type Outcome } from '../transport/outcome.ts';
import { type Ended, tellOfMessages, tellOfServers } from './news.ts';
import { KINDS, linkOf, nextStepOf, titleOf } from './notice.ts';
import { closeIfOver, type News, notify } from './notify.ts';

const HOUR = 3_600_000;

describe.each(ENGINES)('notices on $engine', ({ engine }) => {
  let clock: FakeClock;
  let running: TestApp;
  beforeEach(async () => {
    clock = new FakeClock();
    running = await testApp({ start: false, clock, engine });
    return () => running.stop();
  });

  const happened = (kind: News['kind'], more: Partial<News> = {}) => {
    const news = { workspaceId: running.workspaceId, kind, subject: '', at: clock.now(), ...more };
    return running.app.db.write((tx) => notify(tx, news));
  };
  const list = async () => (await running.call('GET', '/v1/notices')).body.data;
  const seen = (id: string) => running.call('POST', `/v1/notices/${id}/seen`);
  /** As somebody marks it who looks at the time of the fake clock. */
  const seenNow = (id: string) =>
    running.app.db.write((tx) =>
      tx.updateTable('notices').set({ seen_at: clock.now() }).where('id', '=', id).execute(),
    );
  const waiting = { failures: 1, waitingUntil: 9e14, code: 'auth_rejected', reason: 'Wrong password.' };
  const connect = (id: string, health?: typeof waiting) =>
    storeServer(running.app.db, {
      id,
      workspaceId: running.workspaceId,
      name: 'First',
      ...(health ? { health } : {}),
    });

  test('a thousand uncertain messages are one notice with a count', async () => {
    await running.app.db.write(async (tx) => {
      for (let at = 0; at < 997; at++)
        await notify(tx, {
          workspaceId: running.workspaceId,
          kind: 'message_uncertain',
          subject: '',
          at: clock.now(),
        });
    });
    clock.advance(HOUR);
    await happened('message_uncertain', { count: 3, name: 'First', reason: 'It did not confirm.' });
    expect(await list()).toEqual([
      {
        id: expect.stringMatching(/^ntc_/),
        kind: 'message_uncertain',
        title: '1,000 messages are uncertain: they may have gone out.',
        nextStep: 'Decide: send again, or mark as sent. Nothing is sent again by itself.',
        link: '/messages?status=uncertain',
        count: 1000,
        server: null,
        name: 'First',
        reason: 'It did not confirm.',
        open: true,
        over: false,
        firstAt: '2026-11-23T12:00:00.000Z',
        lastAt: '2026-11-23T13:00:00.000Z',
        seenAt: null,
      },
    ]);
  });

  test('many transactions at the same moment lose none', async () => {
    await Promise.all(Array.from({ length: 40 }, () => happened('message_uncertain')));
    expect((await list())[0].count).toBe(40);
  });

  test('one that was seen is counted no more, and opens anew when it happens again', async () => {
    await happened('message_uncertain', { count: 5 });
    const [first] = await list();
    expect((await seen(first.id)).status).toBe(204);
    expect((await seen(first.id)).status).toBe(204);
    expect((await running.call('GET', '/v1/me')).body.state.notices).toBe(0);
    clock.advance(HOUR * 1000);
    await happened('message_uncertain');
    const [again, ...others] = await list();
    expect(again).toMatchObject({ open: true, count: 1, seenAt: null });
    expect([again.id === first.id, others]).toEqual([false, []]);
    expect((await running.call('GET', '/v1/me')).body.state.notices).toBe(1);
  });

  test('a server that stays broken is told again after a day, not after an hour', async () => {
    await connect('srv_1', waiting);
    await happened('server_attention', { subject: 'srv_1', name: 'First' });
    await seenNow((await list())[0].id);
    clock.advance(23 * HOUR);
    await happened('server_attention', { subject: 'srv_1', name: 'First' });
    expect((await list())[0].open).toBe(false);
    clock.advance(HOUR);
    await happened('server_attention', { subject: 'srv_1', name: 'First' });
    expect((await list())[0].open).toBe(true);
  });

  test('of a server that is well again, or gone, waits for nobody', async () => {
    await connect('srv_1', waiting);
    await connect('srv_2');
    for (const subject of ['srv_1', 'srv_2', 'srv_gone'])
      await happened('server_attention', { subject, name: subject });
    const told = (await list()).map((one: { server: string; open: boolean; over: boolean }) => [
      one.server,
      one.open,
      one.over,
    ]);
    expect(told.sort()).toEqual([
      ['srv_1', true, false],
      ['srv_2', false, true],
      ['srv_gone', false, true],
    ]);
    expect((await running.call('GET', '/v1/me')).body.state.notices).toBe(1);
  });

  test('is undone with the transaction that it is part of', async () => {
    const failing = running.app.db.write(async (tx) => {
      await notify(tx, {
        workspaceId: running.workspaceId,
        kind: 'message_uncertain',
        subject: '',
        at: clock.now(),
      });
      throw new Error('the outcome could not be written');
    });
    await expect(failing).rejects.toThrow('could not be written');
    expect(await list()).toEqual([]);
  });

  describe('what settling tells', () => {
    const outcome = (changed: Partial<Outcome>): Outcome => ({
      class: 'server_attention',
      blame: 'server',
      code: 'auth_rejected',
      stage: 'auth',
      message: 'First rejected the password.',
      rule: 'test',
      ...CONSEQUENCES.server_attention,
      ...changed,
    });
    const tell = (...all: Partial<Outcome>[]) =>
      running.app.db.write((tx) =>
        tellOfServers(
          tx,
          all.map((changed) => ({
            id: 'srv_1',
            name: 'First',
            workspaceId: running.workspaceId,
            outcome: outcome(changed),
          })),
          clock.now(),
        ),
      );
    const ended = (changed: Partial<Ended>): Ended => ({
      workspaceId: running.workspaceId,
      state: 'sent',
      priority: 1,
      serverName: 'First',
      reason: 'Why.',
      ...changed,
    });
    const kinds = async () =>
      (await list()).map((one: { kind: string; count: number }) => [one.kind, one.count]).sort();

    test('of a server that needs a person, or is on a block list', async () => {
      await connect('srv_1', waiting);
      await tell({}, { class: 'server_deferral', code: 'blocklisted', message: 'It is on a list.' }, {});
      expect(await kinds()).toEqual([
        ['server_attention', 2],
        ['server_blocklisted', 1],
      ]);
      expect(
        (await list()).map((one: { title: string; reason: string }) => [one.title, one.reason]).sort(),
      ).toEqual([
        ['First has stopped and needs you.', 'First rejected the password.'],
        ['First is on a block list.', 'It is on a list.'],
      ]);
    });

    test.each<[string, Partial<Outcome>]>([
      ['a deferral', { class: 'server_deferral', code: 'server_busy' }],
      ['a broken line', { class: 'network', code: 'connect_timeout' }],
      ['an acceptance', { class: 'accepted', code: 'accepted' }],
      ['a refused From', { scope: 'sender', code: 'from_not_verified' }],
    ])('nothing of %s', async (_, changed) => {
      await tell(changed);
      expect(await list()).toEqual([]);
    });

    test('of messages that are held uncertain, or were urgent and came too late', async () => {
      await running.app.db.write((tx) =>
        tellOfMessages(
          tx,
          [
            ended({ state: 'uncertain' }),
            ended({ state: 'expired', priority: 0 }),
            ended({ state: 'uncertain', priority: 0 }),
            ended({ state: 'expired', priority: 1 }),
            ended({ state: 'queued' }),
            ended({ state: 'bounced', priority: 0 }),
          ],
          clock.now(),
        ),
      );
      expect(await kinds()).toEqual([
        ['message_uncertain', 2],
        ['priority_expired', 1],
      ]);
    });
  });

  test('what it tells may end: then nobody has to look', async () => {
    const group = { workspaceId: running.workspaceId, kind: 'message_uncertain', subject: '' } as const;
    await happened('message_uncertain');
    await running.app.db.write((tx) => closeIfOver(tx, group, clock.now(), async () => true));
    expect((await list())[0]).toMatchObject({ open: false });
  });

  test('an unknown one is a 404', async () => {
    const { status, body } = await seen('ntc_unknown');
    expect([status, body.error.code]).toEqual([404, 'notice_not_found']);
  });
});

test('every kind has a sentence, a next step and a place', () => {
  for (const kind of KINDS) {
    for (const count of [1, 2]) expect(titleOf({ kind, count, name: 'First' })).toMatch(/^(A|2|First) .*\.$/);
    expect(nextStepOf(kind)).toMatch(/\.$/);
    expect(linkOf({ kind, subject: 'srv_1' })).toMatch(/^\/(messages|settings)/);
  }
});
