import { CompiledQuery, type RawBuilder, sql } from 'kysely';
import type { Tx } from './db.ts';
import { isPostgres } from './lease.ts';

export type ColumnType = 'text' | 'bigint';
type Value = string | number | null;

/**
 * Values as a table `v` inside a statement: one statement and one parameter for any number of rows, read as JSON by
 * the engine itself. Use it after `from`; every row has every column, null where it has nothing.
 */
export function recordset<Column extends string>(
  tx: Tx,
  columns: Record<Column, ColumnType>,
  rows: readonly Record<Column, Value>[],
): RawBuilder<unknown> {
  return sql`${sql.raw(tableOf(tx, columns)[0])}${JSON.stringify(rows)}${sql.raw(tableOf(tx, columns)[1])}`;
}

/** What stands before and after the parameter. */
function tableOf(tx: Tx, columns: Record<string, ColumnType>): [string, string] {
  const names = Object.entries(columns);
  if (isPostgres(tx))
    return [
      'json_to_recordset(',
      `::json) as v (${names.map(([name, type]) => `"${name}" ${type}`).join(', ')})`,
    ];
  const read = names.map(([name]) => `value ->> '$.${name}' as "${name}"`);
  return [`(select ${read.join(', ')} from json_each(`, ')) as v'];
}

/**
 * Inserts rows of which each has every column. Its text is the same for any number of rows, so it is prepared once.
 * `Insert` is made once per table: `const insertThings = insertOf('things', { id: 'text' })`.
 */
export function insertOf<Column extends string>(
  table: string,
  columns: Record<Column, ColumnType>,
): (tx: Tx, rows: readonly Record<Column, Value>[]) => Promise<void> {
  const names = Object.keys(columns).map((name) => `"${name}"`);
  const texts = new Map<boolean, string>();
  const textFor = (tx: Tx) => {
    const known = texts.get(isPostgres(tx));
    if (known) return known;
    const [before, after] = tableOf(tx, columns);
    const text = `insert into "${table}" (${names.join(', ')}) select ${names.join(', ')} from ${before}${
      isPostgres(tx) ? '$1' : '?'
    }${after}`;
    texts.set(isPostgres(tx), text);
    return text;
  };
  return async (tx, rows) => {
    if (rows.length > 0) await tx.executeQuery(CompiledQuery.raw(textFor(tx), [JSON.stringify(rows)]));
  };
}
