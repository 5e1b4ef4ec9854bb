import { describe, expect, test } from 'vitest';
import { sandboxLane, unroutedLane } from '../queue/delivery.ts';
import { claim, type MessageRow } from '../queue/queue.ts';
import type { RouteChoice } from '../servers/route.ts';
import { ROUTE, storeServer } from '../servers/testing.ts';
import type { Db } from '../storage/db.ts';
import { insertRows, insertWorkspace, NOON, testDb } from '../storage/testing.ts';
import { CONSEQUENCES, type Outcome, type OutcomeClass } from '../transport/outcome.ts';
import { settle } from './settle.ts';
import type { Verdict } from './verdict.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NEW = unroutedLane('wsp_test');
const ONE = { urgent: 1, others: 1 };
const SERVER = { id: 'srv_1', name: 'One' };

function outcome(given: OutcomeClass, changed: Partial<Outcome> = {}): Outcome {
  return {
    class: given,
    blame: 'recipient',
    code: 'some_code',
    stage: 'rcpt',
    message: 'The sentence.',
    reply: '450 4.2.0 Some reply',
    rule: 'test',
    ...CONSEQUENCES[given],
    ...changed,
  };
}

const attempted = (
  one: Outcome,
  changed: Partial<Extract<Verdict, { kind: 'attempted' }>> = {},
): Verdict => ({
  kind: 'attempted',
  server: SERVER,
  outcome: one,
  durationMs: 12.4,
  route: ROUTE,
  bodyHash: 'hash',
  ...changed,
});

/** A message that this worker holds, and what settling it leaves behind. */
async function held(changed: Parameters<typeof insertRows>[1] = {}) {
  const db = await testDb();
  await insertWorkspace(db);
  await storeServer(db, { id: 'srv_1', name: 'One' });
  await insertRows(db, changed);
  const [row] = await claim(db, changed.lane ?? NEW, 'me', NOON, ONE);
  return {
    db,
    row: row!,
    settle: async (verdict: Verdict, owner = 'me') => {
      const settled = await db.write((tx) =>
        settle(tx, [{ row: row!, verdict, at: NOON, random: 0.5 }], owner, new Map()),
      );
      return settled.length === 1;
    },
  };
}

async function leftIn(db: Db) {
  const all = <T>(query: { execute(): Promise<T[]> }) => query.execute();
  const [row] = await all(db.read.selectFrom('messages').selectAll());
  const [server] = await all(db.read.selectFrom('servers').selectAll());
  return {
    row: row!,
    waits: server!.waiting_until === null ? null : server!.waiting_until - NOON,
    attempts: await all(db.read.selectFrom('attempts').selectAll()),
    suppressions: await all(db.read.selectFrom('suppressions').selectAll()),
    events: (await all(db.read.selectFrom('events').selectAll())).map((event) => event.type),
  };
}

interface Expected {
  row: Partial<MessageRow>;
  /** How long the server waits; null when it is well. */
  waits?: number | null;
  suppressed?: boolean;
  event: string;
}

describe('an attempt ends', () => {
  const failover: RouteChoice = { ...ROUTE, ifFirstFails: 'srv_2' };
  const now = { state: 'queued', lane: NEW, due_at: NOON, deferred_since: null };

  test.each<[string, Verdict, Partial<MessageRow>, Expected]>([
    [
      'accepted',
      attempted(outcome('accepted', { stage: 'dot', serverMessageId: 'q-1' })),
      {},
      {
        row: { state: 'sent', final_at: NOON, server_message_id: 'q-1', server_id: 'srv_1' },
        event: 'message.sent',
      },
    ],
    [
      'captured by the sandbox',
      attempted(outcome('accepted'), { server: null }),
      { lane: sandboxLane('wsp_test'), live: 0 },
      { row: { state: 'captured', final_at: NOON, server_id: null }, event: 'message.captured' },
    ],
    [
      'with a dead recipient',
      attempted(outcome('recipient_permanent')),
      {},
      { row: { state: 'bounced', final_at: NOON }, suppressed: true, event: 'message.bounced' },
    ],
    [
      'with a recipient that a rule spares',
      attempted(outcome('recipient_permanent', { suppress: false })),
      {},
      { row: { state: 'bounced', final_at: NOON }, event: 'message.bounced' },
    ],
    [
      'with a dead recipient in the sandbox, who is not really dead',
      attempted(outcome('recipient_permanent'), { server: null }),
      { lane: sandboxLane('wsp_test'), live: 0 },
      { row: { state: 'bounced', final_at: NOON }, event: 'message.bounced' },
    ],
    [
      'with "not now" from the recipient: the message waits by its age',
      attempted(outcome('recipient_temporary')),
      {},
      { row: { ...now, due_at: NOON + MINUTE, deferred_since: NOON }, event: 'message.deferred' },
    ],
    [
      'greylisted: five minutes',
      attempted(outcome('recipient_temporary', { code: 'greylisted' })),
      {},
      { row: { ...now, due_at: NOON + 5 * MINUTE, deferred_since: NOON }, event: 'message.deferred' },
    ],
    [
      '"not now" after an hour of it: the waits have grown, the age is kept',
      attempted(outcome('recipient_temporary')),
      { deferred_since: NOON - HOUR },
      { row: { ...now, due_at: NOON + HOUR, deferred_since: NOON - HOUR }, event: 'message.deferred' },
    ],
    [
      '"not now" shortly before its end: not later than that',
      attempted(outcome('recipient_temporary')),
      { expires_at: NOON + 10_000 },
      { row: { ...now, due_at: NOON + 10_000, deferred_since: NOON }, event: 'message.deferred' },
    ],
    [
      'refused for good',
      attempted(outcome('message_permanent')),
      {},
      { row: { state: 'failed', final_at: NOON }, event: 'message.failed' },
    ],
    [
      'refused by this server only: another one is asked at once',
      attempted(outcome('message_permanent', { failover: true }), { route: failover }),
      {},
      { row: now, event: 'message.deferred' },
    ],
    [
      'refused by this server only, and there is no other',
      attempted(outcome('message_permanent', { failover: true })),
      {},
      { row: { state: 'failed', final_at: NOON }, event: 'message.failed' },
    ],
    [
      'refused by the server that the caller named',
      attempted(outcome('message_permanent', { failover: true }), { route: failover }),
      { pinned_server_id: 'srv_1' },
      { row: { state: 'failed', final_at: NOON }, event: 'message.failed' },
    ],
    [
      'with a busy server: the server waits, the message keeps its turn',
      attempted(outcome('server_deferral')),
      {},
      { row: now, waits: 30_000, event: 'message.deferred' },
    ],
    [
      'with a server that a person must mend',
      attempted(outcome('server_attention', { code: 'auth_rejected' })),
      {},
      { row: now, waits: HOUR, event: 'message.deferred' },
    ],
    [
      'with a broken line',
      attempted(outcome('network')),
      {},
      { row: now, waits: 5_000, event: 'message.deferred' },
    ],
    [
      'with a server that refuses this sender only: the message waits, the server does not',
      attempted(outcome('server_attention', { code: 'sender_not_allowed', scope: 'sender' })),
      {},
      { row: { ...now, due_at: NOON + MINUTE, deferred_since: NOON }, event: 'message.deferred' },
    ],
    [
      'uncertain: held for a decision',
      attempted(outcome('uncertain', { stage: 'dot' })),
      {},
      { row: { state: 'uncertain', code: 'uncertain', final_at: null }, event: 'message.uncertain' },
    ],
    [
      'uncertain, and its template asks for one repeat',
      attempted(outcome('uncertain', { stage: 'dot' })),
      { on_uncertain: 'resend_once' },
      {
        row: { ...now, due_at: NOON + MINUTE, possible_duplicate: 1, dot_at: null },
        event: 'message.deferred',
      },
    ],
    [
      'uncertain at that repeat: never a third time',
      attempted(outcome('uncertain', { stage: 'dot' })),
      { on_uncertain: 'resend_once', possible_duplicate: 1 },
      { row: { state: 'uncertain', possible_duplicate: 1 }, event: 'message.uncertain' },
    ],
    [
      'uncertain, and its template takes it for sent',
      attempted(outcome('uncertain', { stage: 'dot' })),
      { on_uncertain: 'assume_sent' },
      { row: { state: 'sent', code: 'unconfirmed', final_at: NOON }, event: 'message.sent' },
    ],
  ])('%s', async (_, verdict, changed, expected) => {
    const { db, row, settle } = await held(changed);
    expect(await settle(verdict)).toBe(true);
    const left = await leftIn(db);
    expect(left.row).toMatchObject({
      attempts: 1,
      lease_owner: null,
      fence: row.fence,
      body_hash: 'hash',
      ...expected.row,
    });
    expect(left.attempts).toMatchObject([
      { fence: row.fence, duration_ms: 12, reply: '450 4.2.0 Some reply' },
    ]);
    expect(left.waits).toBe(expected.waits ?? null);
    expect(left.suppressions.map((one) => one.email_key)).toEqual(
      expected.suppressed ? ['ann@example.org'] : [],
    );
    expect(left.events).toEqual([expected.event]);
  });
});

describe('a turn without an attempt', () => {
  test('waiting keeps the turn of the message and counts nothing', async () => {
    const { db, settle } = await held({ created_at: NOON - HOUR });
    await settle({ kind: 'waits', lane: 'srv_1', code: 'server_busy', reason: 'Busy.', route: ROUTE });
    const left = await leftIn(db);
    expect(left.row).toMatchObject({
      state: 'queued',
      lane: 'srv_1',
      due_at: NOON - HOUR,
      attempts: 0,
      code: 'server_busy',
    });
    expect([left.attempts, left.events]).toEqual([[], []]);
  });

  test('trouble of our own gives it back as it was', async () => {
    const { db, settle } = await held({ attempts: 2 });
    await settle({ kind: 'returned', at: NOON + 30_000 });
    expect((await leftIn(db)).row).toMatchObject({
      state: 'queued',
      due_at: NOON + 30_000,
      attempts: 2,
      lease_owner: null,
    });
  });

  test.each(['expired', 'blocked', 'failed'] as const)('%s ends it', async (state) => {
    const { db, settle } = await held();
    await settle({ kind: 'ended', state, code: 'some_code', reason: 'Why.' });
    const left = await leftIn(db);
    expect(left.row).toMatchObject({ state, code: 'some_code', reason: 'Why.', final_at: NOON, attempts: 0 });
    expect(left.events).toEqual([`message.${state}`]);
  });

  test('a rescued message is uncertain, with the lost attempt in its history', async () => {
    const marked = { dot_at: NOON - 5, server_id: 'srv_1', server_name: 'One' };
    const { db, row, settle } = await held(marked);
    await settle({ kind: 'rescued', reason: 'It may have gone out.' });
    const left = await leftIn(db);
    expect(left.row).toMatchObject({
      state: 'uncertain',
      attempts: 1,
      server_id: 'srv_1',
      reason: 'It may have gone out.',
    });
    expect(left.attempts).toMatchObject([
      { fence: row.fence, at: NOON - 5, stage: 'dot', outcome: 'uncertain', server_name: 'One', reply: null },
    ]);
    expect(left.events).toEqual(['message.uncertain']);
  });

  test('and goes once more where its template says so, without its old marker', async () => {
    const { db, settle } = await held({ dot_at: NOON - 5, on_uncertain: 'resend_once' });
    await settle({ kind: 'rescued', reason: 'It may have gone out.' });
    expect((await leftIn(db)).row).toMatchObject({
      state: 'queued',
      lane: NEW,
      due_at: NOON + MINUTE,
      dot_at: null,
      possible_duplicate: 1,
    });
  });
});

describe('a lease that was lost', () => {
  test.each<[string, (db: Db, id: string) => Promise<unknown>, string]>([
    ['to another worker', (db) => claim(db, NEW, 'you', NOON + HOUR, ONE), 'me'],
    [
      'because the message is over',
      (db) => db.write((tx) => tx.updateTable('messages').set({ state: 'cancelled' }).execute()),
      'me',
    ],
    ['as this is not its owner', async () => {}, 'somebody'],
  ])('%s: nothing at all is written', async (_, lose, owner) => {
    const { db, row, settle } = await held();
    await lose(db, row.id);
    const before = await leftIn(db);
    for (const one of ['accepted', 'recipient_permanent', 'server_attention', 'uncertain'] as const)
      expect(await settle(attempted(outcome(one)), owner)).toBe(false);
    expect(await settle({ kind: 'rescued', reason: 'x' }, owner)).toBe(false);
    expect(await leftIn(db)).toEqual(before);
  });

  test('and known to be lost: the new holder decides', async () => {
    const { db, settle } = await held();
    const before = await leftIn(db);
    expect(await settle({ kind: 'lost' })).toBe(false);
    expect(await leftIn(db)).toEqual(before);
  });
});

test('the bytes of the first attempt are those that count', async () => {
  const { db, settle } = await held({ body_hash: 'first' });
  await settle(attempted(outcome('accepted')));
  expect((await leftIn(db)).row.body_hash).toBe('first');
});

describe('sensitive content', () => {
  test.each<[OutcomeClass, boolean]>([
    ['accepted', false],
    ['recipient_permanent', false],
    ['message_permanent', false],
    ['recipient_temporary', true],
    ['server_deferral', true],
    ['uncertain', true],
  ])('after %s is kept: %s', async (one, kept) => {
    const { db, settle } = await held({ sensitive: 1, content: '{"canary":1}' });
    await settle(attempted(outcome(one)));
    expect((await leftIn(db)).row.content).toBe(kept ? '{"canary":1}' : null);
  });

  test('other content stays', async () => {
    const { db, settle } = await held({ content: '{"plain":1}' });
    await settle(attempted(outcome('accepted')));
    expect((await leftIn(db)).row.content).toBe('{"plain":1}');
  });
});
