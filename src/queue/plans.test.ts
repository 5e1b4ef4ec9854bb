import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import type { Tx } from '../storage/db.ts';
import { ENGINES, insertRows, NOON, testDb, testFolder } from '../storage/testing.ts';
import { LEASE_MS, unroutedLane } from './delivery.ts';
import { claim, mark, release, renew } from './queue.ts';

/** Enough that reading all of them would be chosen, and seen, where PostgreSQL has not counted the table yet. */
const QUEUED = 20_000;
const HELD = 10;

/** Rows and index entries of messages that this transaction has read so far. */
async function readSoFar(tx: Tx): Promise<number> {
  const { rows } = await sql<{ read: string }>`
    select seq_tup_read + idx_tup_fetch as read from pg_stat_xact_user_tables where relname = 'messages'`.execute(
    tx,
  );
  return Number(rows[0]?.read ?? 0);
}

describe.each(ENGINES.filter(({ engine }) => engine === 'postgres'))(
  'with much queued, $engine',
  ({ open }) => {
    test('markers, outcomes and renewals read the rows they are about, and no others', async () => {
      const db = await testDb(testFolder(), open);
      await sql`alter table messages set (autovacuum_enabled = false)`.execute(db.read);
      await insertRows(db, {});
      await sql`insert into messages
      select (jsonb_populate_record(model, jsonb_build_object('id', 'msg_' || n))).*
      from messages as model, generate_series(2, ${QUEUED}::int) as n`.execute(db.read);
      const rows = await claim(db, unroutedLane('wsp_test'), 'me', NOON, { urgent: HELD, others: HELD });
      const marks = rows.map(({ id, fence }) => ({
        id,
        fence,
        owner: 'me',
        serverId: 'srv_1',
        serverName: 'One',
        bodyHash: 'hash',
        until: NOON + LEASE_MS,
      }));
      await db.write(async (tx) => {
        const verbs = [
          () => mark(tx, marks, NOON),
          () =>
            release(
              tx,
              rows.map((row) => ({ row, owner: 'me', change: { state: 'sent' } })),
            ),
          () =>
            renew(
              tx,
              'me',
              rows.map(({ id }) => id),
              NOON,
            ),
        ];
        for (const verb of verbs) {
          const before = await readSoFar(tx);
          await verb();
          expect((await readSoFar(tx)) - before).toBeLessThan(QUEUED / 2);
        }
      });
    });
  },
);
