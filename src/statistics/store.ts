import { sql } from 'kysely';
import type { Db, Tx } from '../storage/db.ts';
import type { DailyCount } from './statistic.ts';

export async function addCounts(tx: Tx, counts: readonly DailyCount[]): Promise<void> {
  await tx
    .insertInto('daily_counts')
    .values(
      counts.map((one) => ({
        workspace_id: one.workspaceId,
        day: one.day,
        server_id: one.serverId,
        word: one.word,
        count: one.count,
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['workspace_id', 'day', 'server_id', 'word'])
        .doUpdateSet({ count: sql`daily_counts.count + excluded.count` }),
    )
    .execute();
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
