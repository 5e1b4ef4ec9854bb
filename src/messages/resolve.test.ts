import { beforeEach, describe, expect, test } from 'vitest';
import { notify } from '../notices/notify.ts';
import { unroutedLane } from '../queue/delivery.ts';
import { dailyCounts } from '../statistics/count.ts';
import { ENGINES, insertRows } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { secondWorkspace } from '../workspaces/testing.ts';
import { MAX_RESOLVED } from './resolve.ts';

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
