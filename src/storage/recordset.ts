import { type RawBuilder, sql } from 'kysely';
import type { Tx } from './db.ts';
import { isPostgres } from './lease.ts';

type ColumnType = 'text' | 'bigint';

/**
 * Values as a table `v` inside a statement: one statement and one parameter for any number of rows, read as JSON by
 * the engine itself. Use it after `from`; every row has every column, null where it has nothing.
 */
export function recordset<Column extends string>(
  tx: Tx,
  columns: Record<Column, ColumnType>,
  rows: readonly Record<Column, string | number | null>[],
): RawBuilder<unknown> {
  const json = JSON.stringify(rows);
  const names = Object.entries<ColumnType>(columns);
  if (isPostgres(tx)) {
    const typed = names.map(([name, type]) => sql`${sql.ref(name)} ${sql.raw(type)}`);
    return sql`json_to_recordset(${json}::json) as v (${sql.join(typed)})`;
  }
  const read = names.map(([name]) => sql`value ->> ${sql.lit(`$.${name}`)} as ${sql.ref(name)}`);
  return sql`(select ${sql.join(read)} from json_each(${json})) as v`;
}
