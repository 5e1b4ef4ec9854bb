import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { notify } from '../notices/notify.ts';
import { unroutedLane } from '../queue/delivery.ts';
import { dailyCounts } from '../statistics/count.ts';
import type { Db, Tx } from '../storage/db.ts';
import { ENGINES, insertRows, NOON } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { secondWorkspace } from '../workspaces/testing.ts';
import { closeNoticeWithLast, MAX_RESOLVED } from './resolve.ts';

const NOTICE = { kind: 'message_uncertain', subject: '' } as const;

/** How many transactions of this PostgreSQL database wait for another one. */
async function waitingForLocks(db: Db): Promise<number> {
  const { rows } = await sql<{ waiting: number }>`select count(*) as waiting from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(db.read);
  return rows[0]!.waiting;
}

describe.each(ENGINES)('many decided at once on $engine', ({ engine }) => {
  let clock: FakeClock;
  let running: TestApp;
  beforeEach(async () => {
    clock = new FakeClock();
    running = await testApp({ start: false, clock, engine });
    return () => running.stop();
  });

  const uncertain = async (count: number, changed: object = {}) => {
    const { workspaceId } = running;
    const rows = Array.from({ length: count }, () => ({
      workspace_id: workspaceId,
      state: 'uncertain',
      ...changed,
    }));
    return insertRows(running.app.db, ...rows);
  };
  const resolve = (ids: readonly unknown[], as: unknown = 'sent') =>
    running.call('POST', '/v1/messages/resolve', { ids, as });
  const states = async () =>
    (await running.app.db.read.selectFrom('messages').select('state').orderBy('id').execute()).map(
      (row) => row.state,
    );
  const audited = async () =>
    (await running.app.db.read.selectFrom('audit_log').selectAll().orderBy('id').execute()).filter(
      (one) => one.action === 'message.resolved',
    );

  test('as sent: each is final, has its event, and an entry in the audit log', async () => {
    const ids = await uncertain(3);
    const { status, body } = await resolve(ids);
    expect([status, body]).toEqual([200, { results: ids.map((id) => ({ id, status: 'sent' })) }]);
    expect(await states()).toEqual(['sent', 'sent', 'sent']);
    expect((await audited()).map((one) => one.target)).toEqual(ids);
    const record = (await running.call('GET', `/v1/messages/${ids[1]}`)).body;
    expect([record.code, record.events.map((one: { type: string }) => one.type)]).toEqual([
      'resolved_sent',
      ['message.sent'],
    ]);
  });

  /** Another transaction stands still before its commit, until the one of `meanwhile` has come up to it and waits. */
  const besides = async <T>(work: (tx: Tx) => Promise<unknown>, meanwhile: () => Promise<T>): Promise<T> => {
    const { db } = running.app;
    const worked = Promise.withResolvers<void>();
    let isAnswered = false;
    const committed = db.write(async (tx) => {
      await work(tx);
      worked.resolve();
      while (engine === 'postgres' && !isAnswered && (await waitingForLocks(db)) === 0);
    });
    await worked.promise;
    const answer = await meanwhile();
    isAnswered = true;
    await committed;
    return answer;
  };
  const opened = () =>
    running.app.db.write((tx) => notify(tx, { ...NOTICE, workspaceId: running.workspaceId, at: NOON }));
  const notices = async () =>
    (await running.call('GET', '/v1/notices')).body.data.map((one: { open: boolean }) => one.open);

  test('the last of them while another becomes uncertain: the notice of that one stays', async () => {
    const [last] = await uncertain(1);
    const [next] = await uncertain(1, { state: 'queued' });
    await opened();
    const becomesUncertain = async (tx: Tx) => {
      await tx.updateTable('messages').set({ state: 'uncertain' }).where('id', '=', next!).execute();
      await notify(tx, { ...NOTICE, workspaceId: running.workspaceId, at: NOON });
    };
    expect((await besides(becomesUncertain, () => resolve([last]))).status).toBe(200);
    expect(await notices()).toEqual([true]);
  });

  test('the last two at the same moment: the notice is over', async () => {
    const [one, other] = await uncertain(2);
    await opened();
    const decided = async (tx: Tx) => {
      await tx.updateTable('messages').set({ state: 'sent' }).where('id', '=', one!).execute();
      await closeNoticeWithLast(tx, running.workspaceId, NOON);
    };
    expect((await besides(decided, () => resolve([other]))).status).toBe(200);
    expect(await notices()).toEqual([false]);
  });

  test('as sent: they count as sent on the day and at the server, and once', async () => {
    const ids = await uncertain(2, { server_id: 'srv_1' });
    const [over] = await uncertain(1, { server_id: 'srv_1', state: 'failed' });
    await resolve([...ids, over, ids[0]]);
    await resolve(ids);
    await resolve(await uncertain(1), 'resend');
    const counts = await dailyCounts(running.app.db, running.workspaceId, 0, 99_999);
    expect(counts.map(({ serverId, word, count }) => [serverId, word, count])).toEqual([
      ['srv_1', 'sent', 2],
    ]);
  });

  test('as resend: each is queued once more, marked as a possible second copy', async () => {
    const ids = await uncertain(2, { dot_at: 1 });
    expect((await resolve(ids, 'resend')).body.results).toEqual(ids.map((id) => ({ id, status: 'queued' })));
    const rows = await running.app.db.read.selectFrom('messages').selectAll().execute();
    const lane = unroutedLane(running.workspaceId);
    for (const row of rows) expect(row).toMatchObject({ possible_duplicate: 1, dot_at: null, lane });
  });

  test('what cannot be decided is said in its place; the others are decided', async () => {
    const [open] = await uncertain(1);
    const [sent] = await uncertain(1, { state: 'sent' });
    const stranger = await secondWorkspace(running.app.db, clock);
    const [foreign] = await uncertain(1, { workspace_id: stranger.workspaceId });
    const { results } = (await resolve([sent, open, foreign, 'msg_nothing'])).body;
    expect(
      results.map((one: { id: string; status?: string; error?: { code: string } }) => [
        one.id,
        one.status ?? one.error?.code,
      ]),
    ).toEqual([
      [sent, 'not_uncertain'],
      [open, 'sent'],
      [foreign, 'message_not_found'],
      ['msg_nothing', 'message_not_found'],
    ]);
    expect(await states()).toEqual(['sent', 'sent', 'uncertain']);
  });

  test('the same id twice is decided once', async () => {
    const [id] = await uncertain(1);
    expect((await resolve([id, id])).body.results).toEqual([
      { id, status: 'sent' },
      { id, status: 'sent' },
    ]);
    expect(await audited()).toHaveLength(1);
  });

  test('five hundred in one call', async () => {
    const ids = await uncertain(MAX_RESOLVED);
    const { results } = (await resolve(ids)).body;
    expect(results).toHaveLength(MAX_RESOLVED);
    expect((await running.call('GET', '/v1/me')).body.state.uncertain).toBe(0);
  });

  test.each<[string, unknown, unknown, string]>([
    ['no ids', [], 'sent', 'ids_invalid'],
    ['too many', Array.from({ length: MAX_RESOLVED + 1 }, () => 'msg_1'), 'sent', 'ids_invalid'],
    ['no list', 'msg_1', 'sent', 'ids_invalid'],
    ['a number among them', [1], 'sent', 'ids_invalid'],
    ['another decision', ['msg_1'], 'cancelled', 'as_invalid'],
  ])('%s is refused', async (_, ids, as, code) => {
    const { status, body } = await running.call('POST', '/v1/messages/resolve', { ids, as });
    expect([status, body.error.code]).toEqual([422, code]);
  });

  test('the last one decided ends the notice of them, and not one before', async () => {
    const [first, second] = await uncertain(2);
    const { workspaceId } = running;
    await running.app.db.write((tx) =>
      notify(tx, { workspaceId, kind: 'message_uncertain', subject: '', count: 2, at: clock.now() }),
    );
    const open = async () => (await running.call('GET', '/v1/me')).body.state.notices;
    await resolve([first]);
    expect(await open()).toBe(1);
    await running.call('POST', `/v1/messages/${second}/resolve`, { as: 'resend' });
    expect(await open()).toBe(0);
  });
});
