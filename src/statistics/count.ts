import type { Db, Tx } from '../storage/db.ts';
import { type DailyCount, sumUp, type Tally } from './statistic.ts';
import { addCounts, countsBetween } from './store.ts';

/**
 * Adds to the daily counts, in the transaction in which the news became true. Called last: on PostgreSQL the rows of
 * a busy day are shared by all workers, and are held only until the commit.
 */
export async function count(tx: Tx, tallies: readonly Tally[]): Promise<void> {
  if (tallies.length > 0) await addCounts(tx, sumUp(tallies));
}

/** Counts of a workspace from one day to another, both included. */
export function dailyCounts(
  db: Db,
  workspaceId: string,
  fromDay: number,
  toDay: number,
): Promise<DailyCount[]> {
  return countsBetween(db, workspaceId, fromDay, toDay);
}
