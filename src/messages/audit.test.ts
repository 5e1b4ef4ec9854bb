import type { Insertable } from 'kysely';
import { describe, expect, test } from 'vitest';
import { recordEvents } from '../events/record.ts';
import { holdSending } from '../queue/pause.ts';
import type { Db } from '../storage/db.ts';
import type { MessagesTable } from '../storage/schema.ts';
import { ENGINES, insertRows, NOON, testDb, testFolder } from '../storage/testing.ts';
import { balances, brokenRules } from './audit.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

type Row = Partial<Insertable<MessagesTable>>;
interface Tried {
  outcome: string;
  stage?: string;
  server?: string | null;
}

/** A message with what it needs to be in order: content, the event of its acceptance and of its state, its attempts. */
async function message(db: Db, row: Row, attempts: Tried[] = [], events?: string[]): Promise<string> {
  const final = row.state !== undefined && !['queued', 'uncertain'].includes(row.state);
  const [id] = await insertRows(db, {
    content: '{}',
    attempts: attempts.length,
    ...(final ? { final_at: NOON } : {}),
    ...row,
  });
  const types = events ?? ['accepted', ...(row.state && row.state !== 'queued' ? [row.state] : [])];
  await db.write(async (tx) => {
    await recordEvents(
      tx,
      types.map((type) => ({
        workspaceId: row.workspace_id ?? 'wsp_test',
        type: `message.${type}` as 'message.sent',
        messageId: id!,
        at: NOON,
      })),
    );
    for (const [fence, { outcome, stage = 'dot', server = 'srv_1' }] of attempts.entries())
      await tx
        .insertInto('attempts')
        .values({
          message_id: id!,
          fence,
          workspace_id: 'wsp_test',
          at: NOON,
          server_id: server,
          server_name: server && 'One',
          stage,
          outcome,
          code: outcome,
          reply: null,
          reason: '',
          duration_ms: 1,
        })
        .execute();
  });
  return id!;
}

async function broken(db: Db, workspaceId?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { rule, id } of brokenRules(db, workspaceId, NOON)) found.push(`${rule} ${id}`);
  return found;
}

const ACCEPTED = [{ outcome: 'accepted' }];

const BREAKS: [string, Row, Tried[]?, string[]?][] = [
  ['unknown_state', { state: 'gone' }],
  ['never_accepted', {}, [], []],
  ['accepted_twice', {}, [], ['accepted', 'accepted']],
  ['end_not_recorded', { state: 'cancelled' }, [], ['accepted']],
  ['end_without_time', { state: 'cancelled', final_at: null }],
  ['end_without_time', { final_at: NOON }],
  ['sent_without_answer', { state: 'sent', code: 'accepted' }, [{ outcome: 'network' }]],
  ['sent_without_answer', { state: 'sent', code: 'accepted' }, [{ outcome: 'accepted', server: null }]],
  ['captured_without_attempt', { state: 'captured' }],
  ['two_accepted_attempts', { state: 'sent', code: 'accepted' }, [...ACCEPTED, ...ACCEPTED]],
  ['bounced_without_refusal', { state: 'bounced' }, [{ outcome: 'recipient_temporary' }]],
  ['failed_without_cause', { state: 'failed', code: 'spam' }],
  [
    'uncertain_without_dot',
    { state: 'uncertain', code: 'uncertain' },
    [{ outcome: 'network', stage: 'rcpt' }],
  ],
  ['attempts_miscounted', { attempts: 2 }, [{ outcome: 'network' }]],
  ['held_after_end', { state: 'cancelled', lease_owner: 'w' }],
  ['marker_without_server', { lease_owner: 'w', due_at: NOON + MINUTE, dot_at: NOON }],
  ['lease_long_over', { lease_owner: 'w', due_at: NOON - HOUR }],
  ['past_its_time', { expires_at: NOON - HOUR }],
  ['content_missing', { content: null }],
  ['shared_content_missing', { content_of: 'msg_gone' }],
  ['workspace_missing', { workspace_id: 'wsp_gone' }],
];

describe.each(ENGINES)('on $engine', ({ open }) => {
  const fresh = async () => {
    const db = await testDb(testFolder(), open);
    await db.write((tx) =>
      tx
        .insertInto('workspaces')
        .values({ id: 'wsp_test', name: 'T', routing: 'random', default_from: null, created_at: NOON })
        .execute(),
    );
    return db;
  };

  test('books in order balance, whatever the states', async () => {
    const db = await fresh();
    await message(db, {});
    await message(db, { send_at: NOON + HOUR, due_at: NOON + HOUR });
    await message(db, { lease_owner: 'w', due_at: NOON + MINUTE });
    await message(db, {}, [{ outcome: 'recipient_temporary' }]);
    await message(db, { state: 'captured' }, [{ outcome: 'accepted', server: null }]);
    const sent = await message(db, { state: 'sent', code: 'accepted' }, ACCEPTED);
    await message(db, { state: 'sent', code: 'resolved_sent' }, [{ outcome: 'uncertain' }]);
    await message(db, { state: 'bounced' }, [{ outcome: 'recipient_permanent', stage: 'rcpt' }]);
    await message(db, { state: 'failed', code: 'spam' }, [{ outcome: 'message_permanent' }]);
    await message(db, { state: 'failed', code: 'template_error' });
    await message(db, { state: 'uncertain', code: 'uncertain' }, [{ outcome: 'uncertain' }]);
    await message(db, { state: 'blocked' }, [], ['blocked']);
    await message(db, { state: 'cancelled' });
    await message(db, { state: 'expired', content_of: sent, content: null });
    expect(await broken(db)).toEqual([]);
    expect(await balances(db, undefined, NOON)).toEqual([
      {
        workspace: 'wsp_test',
        accepted: 14,
        balanced: true,
        statuses: {
          scheduled: 1,
          queued: 1,
          sending: 1,
          deferred: 1,
          captured: 1,
          sent: 2,
          bounced: 1,
          failed: 2,
          uncertain: 1,
          blocked: 1,
          cancelled: 1,
          expired: 1,
        },
      },
    ]);
  });

  test('every rule is found and named, each by the one message that breaks it', async () => {
    const db = await fresh();
    await message(db, {});
    const expected: string[] = [];
    for (const [rule, row, attempts, events] of BREAKS)
      expected.push(`${rule} ${await message(db, row, attempts, events)}`);
    expect(await broken(db)).toEqual(expected);
  });

  test('what belongs to no message is found, and does not balance', async () => {
    const db = await fresh();
    const id = await message(db, {}, [{ outcome: 'network' }]);
    await db.write((tx) => tx.deleteFrom('messages').where('id', '=', id).execute());
    const [event, attempt] = await broken(db);
    expect(event).toMatch(/^event_without_message evt_/);
    expect(attempt).toBe(`attempt_without_message ${id}`);
    expect(await balances(db, undefined, NOON)).toMatchObject([
      { accepted: 1, statuses: {}, balanced: false },
    ]);
  });

  test('an answered id without its message is found, of single calls and of batches', async () => {
    const db = await fresh();
    const there = await message(db, {});
    const gone = `msg_${'0'.repeat(26)}`;
    const answers = Array.from({ length: 150 }, (_, at) => ({
      workspace_id: 'wsp_test',
      key: `key-${at}`,
      body_hash: 'x',
      response: JSON.stringify(at === 149 ? { results: [{ id: there }, { id: gone }] } : { id: there }),
      created_at: NOON,
    }));
    await db.write((tx) => tx.insertInto('idempotency_keys').values(answers).execute());
    expect(await broken(db)).toEqual([`answered_without_message ${gone}`]);
  });

  test('one workspace alone can be asked for', async () => {
    const db = await fresh();
    await message(db, { attempts: 1 });
    await message(db, { workspace_id: 'wsp_gone' });
    expect(await broken(db, 'wsp_gone')).toHaveLength(1);
    expect((await balances(db, 'wsp_gone', NOON)).map((one) => [one.workspace, one.accepted])).toEqual([
      ['wsp_gone', 1],
    ]);
  });

  test('a paused queue is not blamed for standing still', async () => {
    const db = await fresh();
    await message(db, { lease_owner: 'w', due_at: NOON - HOUR });
    await message(db, { expires_at: NOON - HOUR });
    expect(await broken(db)).toHaveLength(2);
    await holdSending(db, { id: 'cli:test', workspaceId: null }, NOON);
    expect(await broken(db)).toEqual([]);
  });
});
