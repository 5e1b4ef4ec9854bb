import { describe, expect, test } from 'vitest';
import { messageEvents } from '../events/record.ts';
import { storeServer } from '../servers/testing.ts';
import { dailyCounts } from '../statistics/count.ts';
import type { Db } from '../storage/db.ts';
import { ENGINES, insertRows, NOON, testDb, testFolder } from '../storage/testing.ts';
import { doubtGone, endRests, queued, retryMessages } from './operate.ts';
import { holdSending, pauseRestored, pausesOf, releaseSending } from './pause.ts';

const HOUR = 3_600_000;
const OPERATOR = { id: 'cli:test', workspaceId: null };

const idsOf = async (source: ReturnType<typeof queued>) => {
  const ids: string[] = [];
  for await (const { row } of source) ids.push(row.id);
  return ids;
};
const rowOf = (db: Db, id: string) =>
  db.read.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const auditOf = async (db: Db) =>
  (
    await db.read
      .selectFrom('audit_log')
      .select(['action', 'target', 'actor', 'workspace_id'])
      .orderBy('id')
      .execute()
  ).map((row) => [row.action, row.target, row.actor, row.workspace_id]);

describe.each(ENGINES)('on $engine', ({ open }) => {
  const fresh = () => testDb(testFolder(), open);

  test('the list holds what is not final, by status, server, template and workspace, in any number', async () => {
    const db = await fresh();
    const [plain, later, tried, held, doubtful, , ours] = await insertRows(
      db,
      {},
      { send_at: NOON + HOUR, due_at: NOON + HOUR },
      { attempts: 1, lane: 'srv_1', due_at: NOON + HOUR },
      { lease_owner: 'w', due_at: NOON + HOUR },
      { state: 'uncertain', server_id: 'srv_1' },
      { state: 'sent' },
      { workspace_id: 'wsp_other', template_slug: 'note' },
    );
    const list = (filter: object, ...statuses: string[]) => idsOf(queued(db, filter, statuses, NOON));
    expect(await list({})).toEqual([plain, later, tried, held, doubtful, ours]);
    expect(await list({}, 'queued')).toEqual([plain, ours]);
    expect(await list({}, 'scheduled', 'sending')).toEqual([later, held]);
    expect(await list({ server: 'srv_1' })).toEqual([tried, doubtful]);
    expect(await list({ template: 'note' })).toEqual([ours]);
    expect(await list({ workspaceId: 'wsp_test' }, 'queued')).toEqual([plain]);
    expect(await list({ ids: [later!, 'msg_unknown'] })).toEqual([later]);
    await insertRows(db, ...Array.from({ length: 450 }, () => ({ workspace_id: 'wsp_many' })));
    expect(await list({ workspaceId: 'wsp_many' })).toHaveLength(450);
  });

  test('retry makes deferred ones due, and leaves alone what is held, marked, new or final', async () => {
    const db = await fresh();
    const waits = { attempts: 1, due_at: NOON + HOUR };
    const [deferred, , , , other] = await insertRows(
      db,
      waits,
      { ...waits, lease_owner: 'w' },
      { ...waits, lease_owner: 'w', dot_at: NOON, due_at: NOON - HOUR },
      { send_at: NOON + HOUR, due_at: NOON + HOUR },
      { ...waits, template_slug: 'note' },
    );
    const before = await db.read.selectFrom('messages').select(['id', 'due_at']).orderBy('id').execute();
    expect(await retryMessages(db, OPERATOR, { template: 'note' }, NOON)).toBe(1);
    expect((await rowOf(db, deferred!)).due_at).toBe(NOON + HOUR);
    expect(await retryMessages(db, OPERATOR, {}, NOON)).toBe(1);
    const due = [deferred, other];
    const after = await db.read.selectFrom('messages').select(['id', 'due_at']).orderBy('id').execute();
    expect(after).toEqual(before.map((row) => (due.includes(row.id) ? { ...row, due_at: NOON } : row)));
    expect((await auditOf(db)).map(([action]) => action)).toEqual(['queue.retried', 'queue.retried']);
  });

  test("retry ends a server's rest, of one or of all, and the next message is a probe", async () => {
    const db = await fresh();
    await server(db, 'srv_1', NOON + HOUR);
    await server(db, 'srv_2', NOON + HOUR);
    await server(db, 'srv_3', null);
    expect(await endRests(db, OPERATOR, { server: 'srv_1' }, NOON)).toEqual(['Server srv_1']);
    expect(await endRests(db, OPERATOR, {}, NOON)).toEqual(['Server srv_2']);
    const rows = await db.read
      .selectFrom('servers')
      .select(['id', 'waiting_until', 'failures'])
      .orderBy('id')
      .execute();
    expect(rows.map((row) => [row.waiting_until, row.failures])).toEqual([
      [NOON, 3],
      [NOON, 3],
      [null, 0],
    ]);
    expect((await auditOf(db))[0]).toEqual(['server.rest_ended', 'srv_1', 'cli:test', 'wsp_test']);
  });

  test('a pause by hand is kept once, a restored database outranks it, and a release ends it', async () => {
    const db = await fresh();
    await holdSending(db, OPERATOR, NOON);
    expect((await holdSending(db, OPERATOR, NOON + 1)).since).toBe(NOON);
    await pauseRestored(db, { reason: 'It is older.', until: NOON }, NOON + 2);
    expect((await pausesOf(db)).get('')).toEqual({
      code: 'restored',
      reason: 'It is older. Messages it holds as queued may have gone out since.',
      since: NOON + 2,
      until: NOON,
    });
    expect((await releaseSending(db, OPERATOR, NOON))?.code).toBe('restored');
    expect(await releaseSending(db, OPERATOR, NOON)).toBeUndefined();
    expect((await auditOf(db)).map(([action, target, actor]) => [action, target, actor])).toEqual([
      ['queue.held', 'installation', 'cli:test'],
      ['queue.held', 'installation', 'program'],
      ['queue.released', 'installation', 'cli:test'],
    ]);
  });

  test('what a restored database may have sent is named, and can be doubted in place of being sent again', async () => {
    const db = await fresh();
    const restored = { code: 'restored', reason: 'r', since: NOON, until: NOON - HOUR } as const;
    const [due, scheduled] = await insertRows(
      db,
      { created_at: NOON - 9 * HOUR },
      { created_at: NOON - 9 * HOUR, send_at: NOON - 2 * HOUR },
      { created_at: NOON - 9 * HOUR, send_at: NOON },
      { created_at: NOON + 1 },
      { created_at: NOON - 9 * HOUR, live: 0 },
      { created_at: NOON - 9 * HOUR, state: 'sent' },
    );
    expect(await idsOf(queued(db, { gone: restored }, [], NOON))).toEqual([due, scheduled]);
    expect(await doubtGone(db, OPERATOR, restored, NOON)).toBe(2);
    expect(await rowOf(db, due!)).toMatchObject({ state: 'uncertain', code: 'restored' });
    expect((await messageEvents(db, due!)).map((event) => event.type)).toEqual(['message.uncertain']);
    expect(await doubtGone(db, OPERATOR, { ...restored, code: 'held' }, NOON)).toBe(0);
    expect(await dailyCounts(db, 'wsp_test', 0, 99_999)).toMatchObject([{ word: 'uncertain', count: 2 }]);
  });
});

async function server(db: Db, id: string, waitingUntil: number | null): Promise<void> {
  await db.write(async (tx) => {
    await tx
      .insertInto('workspaces')
      .values({ id: 'wsp_test', name: 'T', routing: 'random', default_from: null, created_at: NOON })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  });
  await storeServer(db, { id, name: `Server ${id}` });
  const failures = waitingUntil === null ? 0 : 3;
  await db.write((tx) =>
    tx.updateTable('servers').set({ failures, waiting_until: waitingUntil }).where('id', '=', id).execute(),
  );
}
