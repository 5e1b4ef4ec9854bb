import { CompiledQuery } from 'kysely';
import type { Tx } from './db.ts';
import { isPostgres } from './lease.ts';

type Value = string | number | null;
export type ColumnType = 'text' | 'bigint';

/** Text that the engines spell differently. */
export interface Spelling {
  sqlite: string;
  postgres: string;
}

/**
 * A statement that every message needs: its text is made once and never built again, which costs more than running
 * it. Parameters stand as `?`, in order. Everything else is written with Kysely.
 */
export function statement<Row>(
  text: string | Spelling,
): (tx: Tx, parameters: readonly Value[]) => Promise<Row[]> {
  const spelling = typeof text === 'string' ? { sqlite: text, postgres: text } : text;
  const postgres = prepared(numbered(spelling.postgres));
  return async (tx, parameters) => {
    const compiled = CompiledQuery.raw(isPostgres(tx) ? postgres : spelling.sqlite, [...parameters]);
    return (await tx.executeQuery<Row>(compiled)).rows;
  };
}

const preparedNames = new Map<string, string>();

/** PostgreSQL parses such a text once for each connection. */
function prepared(text: string): string {
  if (!preparedNames.has(text)) preparedNames.set(text, `mailwright_${preparedNames.size + 1}`);
  return text;
}

/** The name under which PostgreSQL keeps a text; undefined for one that is parsed each time. */
export function preparedName(text: string): string | undefined {
  return preparedNames.get(text);
}

/** PostgreSQL numbers its parameters. */
function numbered(text: string): string {
  let count = 0;
  return text.replaceAll('?', () => `$${++count}`);
}

/**
 * Values as a table `v` inside a statement: one parameter, the rows as JSON (`rowsAsJson`), for any number of
 * them; the engine reads it itself. Every row has every column, null where it has nothing.
 */
export function recordset(columns: Record<string, ColumnType>): Spelling {
  const read = Object.keys(columns).map((name) => `value ->> '$.${name}' as "${name}"`);
  return {
    sqlite: `(select ${read.join(', ')} from json_each(?)) as v`,
    postgres: postgresRecordset(columns),
  };
}

function postgresRecordset(columns: Record<string, ColumnType>): string {
  const typed = Object.entries(columns).map(([name, type]) => `"${name}" ${type}`);
  return `json_to_recordset(?::json) as v (${typed.join(', ')})`;
}

/**
 * Rows for `recordset`. What a text cannot hold, half of a character or a NUL, is replaced: PostgreSQL would refuse the
 * whole statement for it, and with it what others want stored.
 */
export function rowsAsJson(rows: readonly unknown[]): string {
  const text = JSON.stringify(rows);
  return UNSTORABLE.test(text) ? JSON.stringify(rows, (_name, value) => storable(value)) : text;
}

const UNSTORABLE = /\\u(?:d[89a-f]|0000)/; // as JSON.stringify writes them; found in vain where a text spells it out

function storable(value: Value): Value {
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\ufffd') : value;
}

/** A statement to be run once for each of its `parameters`, which are rows of values; see `forRows`. */
export interface RowsQuery extends CompiledQuery {
  readonly forEachRow: true;
}

/**
 * A statement that every message needs, over rows which it sees as the table `v`. PostgreSQL gets them all at once, as
 * JSON: there a statement is a round trip. The embedded database runs it for one row after the other, which costs it
 * half of what reading JSON does.
 * @param around makes the statement of `v`; no parameters but the rows
 */
export function forRows<Column extends string, Row = never>(
  columns: Record<Column, ColumnType>,
  around: (rows: string) => string,
): (tx: Tx, rows: readonly Record<Column, Value>[]) => Promise<Row[]> {
  const names = Object.keys(columns) as Column[];
  const one = names.map((name) => `? as "${name}"`).join(', ');
  const sqlite = CompiledQuery.raw(around(`(select ${one}) as v`));
  const postgres = prepared(numbered(around(postgresRecordset(columns))));
  return async (tx, rows) => {
    if (rows.length === 0) return [];
    const query: CompiledQuery | RowsQuery = isPostgres(tx)
      ? CompiledQuery.raw(postgres, [rowsAsJson(rows)])
      : {
          ...sqlite,
          forEachRow: true,
          parameters: rows.map((row) => names.map((name) => storable(row[name]))),
        };
    return (await tx.executeQuery<Row>(query)).rows;
  };
}

/** A list of texts for `in`: one parameter, `JSON.stringify` of the list, for any number of them. */
export const ANY_OF: Spelling = {
  sqlite: '(select value from json_each(?))',
  postgres: '(select json_array_elements_text(?::json))',
};

/** The same text around what is spelled differently. */
export function spelled(inner: Spelling, around: (inner: string) => string): Spelling {
  return { sqlite: around(inner.sqlite), postgres: around(inner.postgres) };
}

/** Inserts rows of which each has every column, any number of them. */
export function insertOf<Column extends string>(
  table: string,
  columns: Record<Column, ColumnType>,
  /** Follows the rows, as `on conflict do nothing`. */
  ending = '',
): (tx: Tx, rows: readonly Record<Column, Value>[]) => Promise<void> {
  const names = Object.keys(columns)
    .map((name) => `"${name}"`)
    .join(', ');
  // SQLite takes `on` for a join without a condition before it (sqlite.org/lang_upsert.html, parsing ambiguity).
  const insert = forRows(
    columns,
    (rows) => `insert into "${table}" (${names}) select ${names} from ${rows} where true ${ending}`,
  );
  return async (tx, rows) => void (await insert(tx, rows));
}
