import { describe, expect, test } from 'vitest';
import type { MessageRow } from '../queue/queue.ts';
import { ENGINES, messageRow, NOON, testDb, testFolder } from '../storage/testing.ts';
import { suppress } from '../suppressions/suppress.ts';
import type { HandOver } from './hand-over.ts';
import { GroupedIntake, type Intent, store, TAKEN } from './intake.ts';
import { type NewMessage, rowOf } from './store.ts';

const UNTIL = NOON + 60_000;
let number = 0;

/** As a call makes it, each to a recipient of its own. */
function message(changed: Partial<NewMessage> = {}): NewMessage {
  const id = `msg_${String(++number).padStart(3, '0')}`;
  const rcpt = `${id}@example.org`;
  const row = messageRow({
    id,
    rcpt,
    rcpt_key: rcpt,
    expires_at: UNTIL,
    content: '{}',
    fence: 0,
    ...changed,
  });
  return row as NewMessage;
}

function intent(row: NewMessage, key?: string): Intent {
  return {
    workspaceId: 'wsp_test',
    drafts: [{ rows: [row], attachments: [], warnings: [] }],
    now: NOON,
    ...(key === undefined ? {} : { key: { key, bodyHash: 'hash' } }),
  };
}

describe.each(ENGINES)('on $engine', ({ open }) => {
  /** A worker that takes everything, and what it was told. */
  async function setting() {
    const db = await testDb(testFolder(), open);
    const reserved: string[][] = [];
    const ended: MessageRow[][] = [];
    const nudges: string[] = [];
    const handOver: HandOver = {
      reserve(messages) {
        reserved.push(messages.map((one) => one.id));
        const leases = messages.map(() => ({ owner: 'me', until: UNTIL }));
        return { leases, end: (stored) => void ended.push([...stored]) };
      },
    };
    const intake = new GroupedIntake(db, { handOver, nudge: () => void nudges.push('nudge') });
    const stored = async () =>
      db.read.selectFrom('messages').selectAll().orderBy('id').execute() as Promise<MessageRow[]>;
    return { db, intake, reserved, ended, nudges, stored };
  }

  test('a message that can leave now is stored with its lease, and handed over as it stands in the database', async () => {
    const { intake, ended, nudges, stored } = await setting();
    const row = message({ subject: 'Grüße', template_id: 'tpl_1', priority: 0 });
    await store(intake, intent(row));
    const rows = await stored();
    expect(rows).toMatchObject([{ id: row.id, lease_owner: 'me', fence: 1, due_at: UNTIL }]);
    expect(ended).toEqual([rows]);
    expect(nudges).toEqual([]);
  });

  test('what is for later, or for the sandbox, waits in its lane', async () => {
    const { intake, reserved, ended, nudges, stored } = await setting();
    const later = message({ send_at: NOON + 5_000, due_at: NOON + 5_000 });
    const sandboxed = message({ live: 0, lane: 'sandbox:wsp_test' });
    await Promise.all([store(intake, intent(later)), store(intake, intent(sandboxed))]);
    expect([reserved, ended]).toEqual([[[]], [[]]]);
    expect(await stored()).toMatchObject([
      { lease_owner: null, fence: 0, due_at: NOON + 5_000 },
      { lease_owner: null, fence: 0, due_at: NOON },
    ]);
    expect(nudges).toEqual(['nudge']);
  });

  test('what turns out to go to a blocked address is held by nobody', async () => {
    const { db, intake, reserved, ended, nudges, stored } = await setting();
    const row = message();
    const workspace = { id: 'wsp_test', name: 'Test', default_from: null, created_at: NOON };
    await db.write((tx) =>
      tx
        .insertInto('workspaces')
        .values({ ...workspace, routing: 'random' })
        .execute(),
    );
    await db.write((tx) =>
      suppress(tx, {
        workspaceId: 'wsp_test',
        email: row.rcpt,
        emailKey: row.rcpt_key,
        reason: 'manual',
        code: null,
        reply: null,
        messageId: null,
        serverId: null,
        serverName: null,
        createdAt: NOON,
        expiresAt: null,
      }),
    );
    await store(intake, intent(row));
    expect(await stored()).toMatchObject([{ state: 'blocked', lease_owner: null, fence: 0, due_at: NOON }]);
    expect([reserved, ended, nudges]).toEqual([[[row.id]], [[]], []]);
  });

  test('of calls with the same key only what was stored is handed over', async () => {
    const { intake, ended, stored } = await setting();
    const [first, second] = [message(), message()];
    const answers = await Promise.all([
      store(intake, intent(first, 'key')),
      store(intake, intent(second, 'key')),
    ]);
    expect(answers[1]).toBe(TAKEN);
    expect((await stored()).map((row) => row.id)).toEqual([first.id]);
    expect(ended.map((rows) => rows.map((row) => row.id))).toEqual([[first.id]]);
  });

  test('a commit that fails hands over nothing, and what is tried again waits in its lane', async () => {
    const { intake, reserved, ended, nudges, stored } = await setting();
    const [good, bad] = [message(), message({ subject: null as unknown as string })];
    const results = await Promise.allSettled([store(intake, intent(good)), store(intake, intent(bad))]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await stored()).toMatchObject([{ id: good.id, lease_owner: null, fence: 0, due_at: NOON }]);
    expect(reserved).toEqual([[good.id, bad.id], [good.id], [bad.id]]);
    expect(ended).toEqual([[], [rowOf(good)], []]);
    expect(good.lease_owner).toBe(null);
    expect(nudges).toEqual(['nudge']);
    expect(bad).toMatchObject({ lease_owner: null, fence: 0, due_at: NOON });
  });

  test('a commit whose answer is lost leaves a lease that ends by itself: nothing is handed over, nothing doubled', async () => {
    const { db, intake, ended, stored } = await setting();
    const { write } = db;
    const losing: typeof write = async (work, options) => {
      await write(work, options);
      db.write = write;
      throw new Error('Connection terminated unexpectedly');
    };
    db.write = losing;
    const [one, two] = [message(), message()];
    await Promise.all([store(intake, intent(one)), store(intake, intent(two))]);
    expect(await stored()).toMatchObject([
      { id: one.id, lease_owner: 'me', fence: 1, due_at: UNTIL },
      { id: two.id, lease_owner: 'me', fence: 1, due_at: UNTIL },
    ]);
    expect(ended.flat().filter((row) => row.lease_owner === 'me')).toEqual([]);
  });
});
