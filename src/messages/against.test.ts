import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Insertable } from 'kysely';
import { describe, expect, test } from 'vitest';
import { messageEvents } from '../events/record.ts';
import { countOpenNotices, notify } from '../notices/notify.ts';
import { dailyCounts } from '../statistics/count.ts';
import type { Db } from '../storage/db.ts';
import type { MessagesTable } from '../storage/schema.ts';
import { ENGINES, insertRows, NOON, testDb, testFolder } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { compareWith } from './against.ts';

type Row = Partial<Insertable<MessagesTable>>;

const clock = new FakeClock();
let serial = 0;

/** A message as it stands after a server's 250, changed where the test says so. */
const SENT: Row = { state: 'sent', code: 'accepted', server_id: 'srv_1', final_at: NOON };
const UNCERTAIN: Row = { state: 'uncertain', code: 'uncertain', server_id: 'srv_1' };

function ids(count: number): string[] {
  return Array.from({ length: count }, () => `msg_${String(++serial).padStart(26, '0')}`);
}
const messageIdOf = (id: string) => `${id}.0a1b2c3d@example.com`;
const mine = (id: string, row: Row): Row => ({ id, message_id_header: messageIdOf(id), ...row });

function postfix(queueId: string, messageId: string, rcpt = 'ann@example.org', arrived = true): string[] {
  const head = 'Nov 23 12:00:01 mail postfix';
  return [
    `${head}/smtpd[1]: ${queueId}: client=localhost[127.0.0.1]`,
    `${head}/cleanup[2]: ${queueId}: message-id=<${messageId}>`,
    ...(arrived
      ? [
          `${head}/qmgr[3]: ${queueId}: from=<shop@example.com>, size=9, nrcpt=1 (queue active)`,
          `${head}/smtp[4]: ${queueId}: to=<${rcpt}>, relay=mx.example.org[192.0.2.1]:25, status=sent (250 ok)`,
          `${head}/qmgr[3]: ${queueId}: removed`,
        ]
      : []),
  ];
}

async function compare(
  db: Db,
  lines: readonly string[],
  { resolve = false, workspaceId = undefined as string | undefined } = {},
) {
  const file = join(testFolder(), 'mail.log');
  writeFileSync(file, `${lines.join('\n')}\n`);
  const found: string[] = [];
  const result = await compareWith(
    db,
    clock,
    { file, workspaceId, resolve, operator: 'cli:test' },
    ({ rule, id }) => found.push(`${rule} ${id}`),
  );
  return { result, found: found.sort() };
}

describe.each(ENGINES)('on $engine', ({ open }) => {
  const fresh = () => testDb(testFolder(), open);

  test("a server's log: what is missing here, there, twice there, ended otherwise, and what arrived", async () => {
    const db = await fresh();
    const [first, lost, twice, doubtful, queued, failed, last, elsewhere, unsaid, early] = ids(10);
    const sent = (id: string, queueId: string, row: Row = {}) =>
      mine(id, { ...SENT, server_message_id: queueId, ...row });
    await insertRows(
      db,
      sent(first!, 'A00001', { final_at: NOON }),
      sent(lost!, 'A00002', { final_at: NOON + 1_000 }),
      sent(twice!, 'A00003', { final_at: NOON + 2_000 }),
      mine(doubtful!, UNCERTAIN),
      mine(queued!, {}),
      mine(failed!, { state: 'failed', code: 'spam', final_at: NOON }),
      sent(last!, 'A00004', { final_at: NOON + 9_000 }),
      // Another server's log would have it; this one says nothing of that server.
      sent(elsewhere!, 'B00001', { server_id: 'srv_2', final_at: NOON + 3_000 }),
      mine(unsaid!, UNCERTAIN),
      // Before the log begins.
      sent(early!, 'A00000', { final_at: NOON - 9_000 }),
    );
    const stranger = ids(1)[0]!;
    const { result, found } = await compare(db, [
      'Nov 23 12:00:00 mail systemd[1]: Started something.',
      ...postfix('A00001', messageIdOf(first!)),
      ...postfix('A00003', messageIdOf(twice!)),
      ...postfix('A00033', messageIdOf(twice!)),
      ...postfix('A00005', messageIdOf(doubtful!)),
      ...postfix('A00006', messageIdOf(queued!)),
      ...postfix('A00007', messageIdOf(failed!)),
      ...postfix('A00004', messageIdOf(last!)),
      ...postfix('A00008', messageIdOf(stranger)),
      ...postfix('A00009', 'newsletter@example.net'),
      // The line broke before the end: the server named the message and never had it whole.
      ...postfix('A00010', messageIdOf(unsaid!), 'ann@example.org', false),
    ]);
    expect(found).toEqual(
      [
        `arrived ${doubtful}`,
        `arrived ${queued}`,
        `ended_otherwise ${failed}`,
        `missing_here ${messageIdOf(stranger)}`,
        `missing_there ${lost}`,
        `twice_there ${twice}`,
      ].sort(),
    );
    expect(result).toMatchObject({
      form: 'postfix',
      arrivals: 9,
      matched: 7,
      foreign: 1,
      missingHere: 1,
      arrived: 2,
      resolved: 0,
    });
    expect((await rowOf(db, doubtful!)).state).toBe('uncertain');
  });

  test('with resolve, the notice of uncertain messages is over with the last of them', async () => {
    const db = await fresh();
    const [first, last] = ids(2);
    await insertRows(db, mine(first!, UNCERTAIN), mine(last!, UNCERTAIN));
    const at = clock.now();
    await db.write((tx) =>
      notify(tx, { workspaceId: 'wsp_test', kind: 'message_uncertain', subject: '', count: 2, at }),
    );
    await compare(db, postfix('C00001', messageIdOf(first!)), { resolve: true });
    expect(await countOpenNotices(db, 'wsp_test')).toBe(1);
    await compare(db, postfix('C00002', messageIdOf(last!)), { resolve: true });
    expect(await countOpenNotices(db, 'wsp_test')).toBe(0);
  });

  test('with resolve, what arrived counts as sent, with the log as evidence; what is absent stays as it is', async () => {
    const db = await fresh();
    const [doubtful, queued, absent, sending] = ids(4);
    await insertRows(
      db,
      mine(doubtful!, UNCERTAIN),
      mine(queued!, {}),
      mine(absent!, UNCERTAIN),
      mine(sending!, { lease_owner: 'w', due_at: clock.now() + 60_000 }),
    );
    const log = [doubtful!, queued!, sending!].flatMap((id, at) => postfix(`C0000${at}`, messageIdOf(id)));
    const { result } = await compare(db, log, { resolve: true });
    expect([result.arrived, result.resolved]).toEqual([2, 2]);
    const counts = await dailyCounts(db, 'wsp_test', 0, 99_999);
    expect(counts.map(({ serverId, word, count }) => [serverId, word, count])).toEqual([
      ['', 'sent', 1],
      ['srv_1', 'sent', 1],
    ]);
    expect(await rowOf(db, doubtful!)).toMatchObject({
      state: 'sent',
      code: 'found_in_log',
      reason: 'Found in mail.log: the server has it as C00000.',
      server_message_id: 'C00000',
      final_at: clock.now(),
    });
    expect(await messageEvents(db, doubtful!)).toMatchObject([
      {
        type: 'message.sent',
        detail: { evidence: { source: 'postfix', file: 'mail.log', queueId: 'C00000' } },
      },
    ]);
    expect((await rowOf(db, queued!)).state).toBe('sent');
    expect([(await rowOf(db, absent!)).state, (await rowOf(db, sending!)).state]).toEqual([
      'uncertain',
      'queued',
    ]);
    const audit = await db.read
      .selectFrom('audit_log')
      .select(['actor', 'action', 'target'])
      .orderBy('id')
      .execute();
    expect(audit).toEqual(
      [doubtful, queued].map((target) => ({ actor: 'cli:test', action: 'message.resolved', target })),
    );
    expect((await compare(db, log, { resolve: true })).result).toMatchObject({
      arrived: 0,
      resolved: 0,
      matched: 3,
    });
  });

  test('copies of one message are told apart by their recipients, and where nothing tells them nothing is said', async () => {
    const db = await fresh();
    const [to, cc, bcc] = ids(3);
    const copy = (id: string, rcpt: string): Row => ({
      id,
      rcpt,
      rcpt_key: rcpt,
      message_id_header: messageIdOf(to!),
      content_of: to!,
      ...UNCERTAIN,
    });
    await insertRows(
      db,
      copy(to!, 'ann@example.org'),
      copy(cc!, 'bob@example.org'),
      copy(bcc!, 'cy@example.org'),
    );
    const one = await compare(db, postfix('D00001', messageIdOf(to!), 'bob@example.org'));
    expect(one.found).toEqual([`arrived ${cc}`]);
    const unsaid = postfix('D00002', messageIdOf(to!)).filter((line) => !line.includes('to=<'));
    const dark = await compare(db, unsaid);
    expect([dark.found, dark.result.ambiguous]).toEqual([[], 1]);
    const all = ['D00003', 'D00004', 'D00005'].flatMap((queueId) =>
      postfix(queueId, messageIdOf(to!)).filter((line) => !line.includes('to=<')),
    );
    expect((await compare(db, all)).found).toEqual([to, cc, bcc].map((id) => `arrived ${id}`).sort());
  });

  test('a queue id that is used again, and a filter that gives a message back, make no second copy', async () => {
    const db = await fresh();
    const [first, second] = ids(2);
    await insertRows(
      db,
      mine(first!, { ...SENT, server_message_id: 'E00001' }),
      mine(second!, { ...SENT, server_message_id: 'E00001' }),
    );
    const filtered = postfix('E00002', messageIdOf(first!)).map((line) =>
      line.replace('client=localhost[127.0.0.1]', 'client=localhost[127.0.0.1], orig_queue_id=E00001'),
    );
    const { result, found } = await compare(db, [
      ...postfix('E00001', messageIdOf(first!)),
      ...filtered,
      ...postfix('E00001', messageIdOf(second!)),
    ]);
    expect([found, result.matched]).toEqual([[], 2]);
  });

  test('exports: CSV with quotes and line breaks, JSON lines; several events of a message are one arrival', async () => {
    const db = await fresh();
    const [one, two] = ids(2);
    await insertRows(db, mine(one!, UNCERTAIN), mine(two!, UNCERTAIN));
    const csv = await compare(db, [
      'Date;"Message-ID";Recipient;Subject;Event',
      `2026-11-23;<${messageIdOf(one!)}>;ann@example.org;"Two`,
      'lines; and a ""quote""";processed',
      `2026-11-23;<${messageIdOf(one!)}>;ann@example.org;x;delivered`,
    ]);
    expect([csv.result.form, csv.result.arrivals, csv.found]).toEqual(['csv', 1, [`arrived ${one}`]]);
    const json = await compare(db, [
      JSON.stringify({ mail: { messageId: '0100', headers: [{ name: 'X-Mailwright-ID', value: two }] } }),
      JSON.stringify({
        mail: { messageId: '0100', headers: [{ name: 'X-Mailwright-ID', value: two }] },
        type: 'open',
      }),
      JSON.stringify({ mail: { messageId: '0200', headers: [{ name: 'X-Mailwright-ID', value: two }] } }),
    ]);
    expect([json.result.form, json.found]).toEqual(['json', [`arrived ${two}`, `twice_there ${two}`]]);
  });

  test('one workspace alone: the mail of the others is not ours to miss', async () => {
    const db = await fresh();
    const [ours, theirs] = ids(2);
    await insertRows(db, mine(ours!, UNCERTAIN), mine(theirs!, { ...UNCERTAIN, workspace_id: 'wsp_other' }));
    const log = [...postfix('F00001', messageIdOf(ours!)), ...postfix('F00002', messageIdOf(theirs!))];
    const { result, found } = await compare(db, log, { workspaceId: 'wsp_test' });
    expect([found, result.foreign]).toEqual([[`arrived ${ours}`], 1]);
  });

  test('a file that is none of these is refused in words', async () => {
    const db = await fresh();
    await expect(compare(db, ['hello', 'world'])).rejects.toMatchObject({ code: 'form_unknown' });
    await expect(compare(db, ['{"id": 1}', 'nonsense'])).rejects.toMatchObject({
      code: 'form_unknown',
      message: 'Line 2 is not JSON. The file holds one object a line.',
    });
    const gone = { file: '/nowhere/mail.log', workspaceId: undefined, resolve: false, operator: 'x' };
    await expect(compareWith(db, clock, gone, () => {})).rejects.toMatchObject({ code: 'file_unreadable' });
  });
});

function rowOf(db: Db, id: string) {
  return db.read.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}
