import { expect, onTestFinished, test, vi } from 'vitest';
import { ENGINES } from '../storage/testing.ts';
import { testApp } from '../testing/test-app.ts';
import { GroupedIntake, sendableNow } from './intake.ts';
import type { NewMessage } from './store.ts';

test.each(ENGINES)(
  'calls whose commit was not answered are answered with what they stored, on $engine',
  async ({ engine }) => {
    const running = await testApp({ start: false, engine });
    onTestFinished(() => running.stop());
    const { db } = running.app;
    await running.call('POST', '/v1/suppressions', { email: 'blocked@example.org' });
    const send = (rcpt: string, key?: string) =>
      running.call(
        'POST',
        '/v1/messages',
        { rcpt, subject: 's', text: 't' },
        key === undefined ? {} : { 'idempotency-key': key },
      );
    let isLost = false;
    const { write } = db;
    const losing: typeof write = async (work, options) => {
      const result = await write(work, options);
      if (isLost) return result;
      isLost = true;
      throw new Error('Connection terminated unexpectedly');
    };
    // All in one group: whoever comes first waits for the others. Its commit is made, and nobody is told.
    const { take } = GroupedIntake.prototype;
    const all = Promise.withResolvers<void>();
    let come = 0;
    const taking = vi.spyOn(GroupedIntake.prototype, 'take').mockImplementation(async function (
      this: GroupedIntake,
      intent,
    ) {
      if (++come === 4) {
        db.write = losing;
        // As a thread does it, which sees a copy of what it is given.
        db.call = (procedure, args) => db.write((tx) => procedure.run(tx, structuredClone(args)));
        all.resolve();
      }
      await all.promise;
      return take.call(this, intent);
    });
    onTestFinished(() => taking.mockRestore());
    const answers = await Promise.all([
      send('ann@example.org'),
      send('blocked@example.org'),
      send('bob@example.org', 'key-1'),
      send('cyd@example.org'),
    ]);
    expect(isLost).toBe(true);
    expect(answers.map(({ status, body }) => [status, body.status])).toEqual([
      [202, 'queued'],
      [202, 'blocked'],
      [202, 'queued'],
      [202, 'queued'],
    ]);
    const rows = await db.read.selectFrom('messages').select(['id', 'state']).execute();
    expect(rows.map((row) => [row.id, row.state]).sort()).toEqual(
      answers.map(({ body }) => [body.id, body.status]).sort(),
    );
  },
);

test('what is due a moment after its call began could leave now; what has a later time of its own could not', () => {
  const now = 1_000;
  const row = (changed: Partial<NewMessage>) =>
    ({ state: 'queued', live: 1, due_at: now, send_at: null, ...changed }) as NewMessage;
  const begunEarlier = row({ due_at: now + 5 });
  const scheduled = row({ due_at: now + 60_000, send_at: now + 60_000 });
  const rows = [begunEarlier, scheduled, row({ live: 0 }), row({ state: 'blocked' })];
  expect(sendableNow([{ rows, attachments: [], warnings: [] }], now)).toEqual([begunEarlier]);
});
