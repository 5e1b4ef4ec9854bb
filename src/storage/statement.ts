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
    return run<Row>(tx, CompiledQuery.raw(isPostgres(tx) ? postgres : spelling.sqlite, [...parameters]));
  };
}

/** The embedded database, whose statements are answered at once. */
export interface AtOnce {
  all(text: string, parameters: readonly unknown[]): unknown[];
  /** Of a statement that returns one row at most. */
  first(text: string, parameters: readonly unknown[]): unknown;
  /** Of a statement without rows to return. @returns how many rows it changed */
  run(text: string, parameters: readonly unknown[]): number;
}

export const atOnce = new WeakMap<Tx, AtOnce>();

/** Lets the statements of this file go straight to a connection: the way through Kysely costs as much as a small one. */
export function answerAtOnce(tx: Tx, connection: AtOnce): void {
  atOnce.set(tx, connection);
}

async function run<Row>(tx: Tx, query: CompiledQuery): Promise<Row[]> {
  const connection = atOnce.get(tx);
  return connection
    ? (connection.all(query.sql, query.parameters) as Row[])
    : (await tx.executeQuery<Row>(query)).rows;
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
  if (typeof value !== 'string' || (value.isWellFormed() && !value.includes('\0'))) return value;
  return value.toWellFormed().replaceAll('\0', '\ufffd');
}

/** How a statement over rows speaks of them: the value of each column, and what goes where it names tables. */
export interface Rows<Column extends string> {
  v: Record<Column, string>;
  /** `from` with the rows as a table, or nothing where they are given one by one. */
  from: string;
  /** The same as one more table, for a `select`. */
  beside: string;
  /** All the columns of the rows, for an `insert`. */
  values: string;
}

export type AnyRow<Column extends string> = Record<Column, Value>;

/**
 * A statement that every message needs, over rows. PostgreSQL gets them all at once, as JSON: there a statement is a
 * round trip. The embedded database runs it for one row after the other, with the values as parameters: that costs it
 * half of what reading JSON does, and a statement that changes one row by its key keeps no journal of its own, into
 * which it would copy each page it is about to change (sqlite.org/tempfiles.html, statement journals).
 * @param around makes the statement, which returns one row at most for each; no parameters but the rows
 */
export function forRows<Column extends string, Row = never>(
  columns: Record<Column, ColumnType>,
  around: (rows: Rows<Column>) => string,
): (tx: Tx, rows: readonly AnyRow<Column>[]) => Promise<Row[]> {
  const one = oneRow(columns, around);
  const all = allRows(columns, around);
  return async (tx, rows) => {
    const connection = atOnce.get(tx);
    if (!connection) return all<Row>(tx, rows);
    const returned = rows.map((row) => connection.first(one.text, parametersOf([row], one.order)));
    return returned.filter((row) => row !== undefined) as Row[];
  };
}

/**
 * The same for a statement that changes at most one row for each of those it is given.
 * @param told columns by which a row is known, each with what `returning` has to ask for
 * @returns those of the given rows for which something was changed
 */
export function changing<Column extends string, Given extends AnyRow<Column> = AnyRow<Column>>(
  columns: Record<Column, ColumnType>,
  told: Partial<Record<Column, string>>,
  around: (rows: Rows<Column>) => string,
): (tx: Tx, rows: readonly Given[]) => Promise<Given[]> {
  const names = Object.keys(told) as Column[];
  const returning = names.map((name) => `${told[name]} as "${name}"`);
  const nameOf = (row: AnyRow<Column>) => names.map((name) => row[name]).join(' ');
  const one = oneRow(columns, around);
  const all = allRows(columns, (rows) => `${around(rows)} returning ${returning.join(', ')}`);
  return async (tx, rows) => {
    const connection = atOnce.get(tx);
    // How many there were costs nothing there, and a row that is returned is kept in a table of its own first.
    if (connection) return rows.filter((row) => connection.run(one.text, parametersOf([row], one.order)) > 0);
    const changed = new Set((await all<AnyRow<Column>>(tx, rows)).map(nameOf));
    return rows.filter((row) => changed.has(nameOf(row)));
  };
}

/** The statement of PostgreSQL. */
export function allRows<Column extends string>(
  columns: Record<Column, ColumnType>,
  around: (rows: Rows<Column>) => string,
) {
  const names = Object.keys(columns) as Column[];
  const table = postgresRecordset(columns);
  const v = Object.fromEntries(names.map((name) => [name, `v."${name}"`])) as Record<Column, string>;
  const values = `select ${names.map((name) => v[name]).join(', ')} from ${table}`;
  const text = prepared(numbered(around({ v, from: `from ${table}`, beside: `, ${table}`, values })));
  return async <Row>(tx: Tx, rows: readonly AnyRow<Column>[]): Promise<Row[]> =>
    rows.length === 0 ? [] : run<Row>(tx, CompiledQuery.raw(text, [rowsAsJson(rows)]));
}

/** The statement for one row, and which columns its parameters are, one for each time that it names one. */
function oneRow<Column extends string>(
  columns: Record<Column, ColumnType>,
  around: (rows: Rows<Column>) => string,
) {
  const names = Object.keys(columns) as Column[];
  const v = Object.fromEntries(names.map((name) => [name, `{{${name}}}`])) as Record<Column, string>;
  const text = around({
    v,
    from: '',
    beside: '',
    values: `values (${names.map((name) => v[name]).join(', ')})`,
  });
  const order = [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name as Column);
  return { text: text.replace(/\{\{\w+\}\}/g, '?'), order };
}

export function parametersOf<Column extends string>(
  rows: readonly AnyRow<Column>[],
  order: readonly Column[],
): Value[] {
  const parameters: Value[] = [];
  for (const row of rows) for (const name of order) parameters.push(storable(row[name]));
  return parameters;
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
