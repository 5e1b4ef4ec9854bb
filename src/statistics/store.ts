import type { Db, Tx } from '../storage/db.ts';
import { forRows } from '../storage/statement.ts';
import type { DailyCount } from './statistic.ts';

const COLUMNS = {
  workspace_id: 'text',
  day: 'bigint',
  server_id: 'text',
  word: 'text',
  count: 'bigint',
} as const;

const insertOrAdd = forRows(
  COLUMNS,
  ({ values }) => `insert into daily_counts (${Object.keys(COLUMNS).join(', ')}) ${values}
    on conflict (workspace_id, day, server_id, word) do update set count = daily_counts.count + excluded.count`,
);

export async function addCounts(tx: Tx, counts: readonly DailyCount[]): Promise<void> {
  await insertOrAdd(
    tx,
    counts.map((one) => ({
      workspace_id: one.workspaceId,
      day: one.day,
      server_id: one.serverId,
      word: one.word,
      count: one.count,
    })),
  );
}

export async function countsBetween(
  db: Db,
  workspaceId: string,
  fromDay: number,
  toDay: number,
): Promise<DailyCount[]> {
  const rows = await db.read
    .selectFrom('daily_counts')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('day', '>=', fromDay)
    .where('day', '<=', toDay)
    .orderBy('day')
    .orderBy('server_id')
    .orderBy('word')
    .execute();
  return rows.map((row) => ({
    workspaceId: row.workspace_id,
    day: row.day,
    serverId: row.server_id,
    word: row.word,
    count: row.count,
  }));
}
