import { PostgresAdapter, type RawBuilder, sql } from 'kysely';
import type { Tx } from './db.ts';

/**
 * The end of a statement that picks rows for one of several workers. On PostgreSQL two workers pick at the same
 * moment: rows the other has locked are passed over, not waited for. SQLite has one writer, and no such words.
 */
export function skipLocked(tx: Tx): RawBuilder<unknown> {
  return isPostgres(tx) ? sql`for update skip locked` : sql``;
}

/** The end of a statement that reads a row in order to change it: on PostgreSQL nobody else may do so meanwhile. */
export function forUpdate(tx: Tx): RawBuilder<unknown> {
  return isPostgres(tx) ? sql`for update` : sql``;
}

export function isPostgres(tx: Tx): boolean {
  return tx.getExecutor().adapter instanceof PostgresAdapter;
}

/** On PostgreSQL, until the end of the transaction: one migration at a time, whichever process begins it. */
export async function lockForMigration(tx: Tx): Promise<void> {
  const MIGRATION_LOCK = 7_210_001;
  await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(tx);
}
