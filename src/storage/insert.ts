import type { Tx } from './db.ts';
import { type AnyRow, allRows, atOnce, type ColumnType, parametersOf } from './statement.ts';

/** So many rows are inserted by one statement of the embedded database, or by one for each power of two among them. */
const ROWS_AT_ONCE = [16, 8, 4, 2, 1];
/** Of fewer rows no common texts are looked for. */
const MANY = 8;
/** Statements with common texts that are kept for a table: each takes 40 KB and 0.2 ms to be made. */
const MAX_KINDS = 30;

/** A statement for so many rows of which these columns are common to all. */
interface Kind<Column> {
  text: string;
  common: readonly Column[];
  own: readonly Column[];
}

/**
 * Inserts rows of which each has every column, any number of them. The embedded database takes some at once, and texts
 * that they have in common once: there giving a text costs as much as storing it. It fails at the first row that it
 * refuses: to take back those before it, it would keep a journal of the statement (see `forRows`). Who throws in a
 * transaction undoes all of it.
 */
export function insertOf<Column extends string>(
  table: string,
  columns: Record<Column, ColumnType>,
): (tx: Tx, rows: readonly AnyRow<Column>[]) => Promise<void> {
  const names = Object.keys(columns) as Column[];
  const all = allRows(columns, ({ values }) => `insert into "${table}" (${listed(names)}) ${values}`);
  const plain = new Map(ROWS_AT_ONCE.map((count) => [count, kindWith(table, count, [], names)]));
  const kinds = new Map<string, Kind<Column>>();
  return async (tx, rows) => {
    const connection = atOnce.get(tx);
    if (!connection) return void (await all(tx, rows));
    for (const some of inParts(rows)) {
      const { text, common, own } = kindOf(some);
      connection.run(text, [...parametersOf(some.slice(0, 1), common), ...parametersOf(some, own)]);
    }
  };

  function kindOf(some: readonly AnyRow<Column>[]): Kind<Column> {
    const count = some.length;
    const common = count < MANY ? [] : commonOf(some, names);
    if (common.length === 0) return plain.get(count)!;
    const name = `${count} ${common.join()}`;
    const known = kinds.get(name);
    if (known || kinds.size === MAX_KINDS) return known ?? plain.get(count)!;
    const made = kindWith(table, count, common, names);
    kinds.set(name, made);
    return made;
  }
}

function* inParts<Row>(rows: readonly Row[]): Generator<readonly Row[]> {
  let at = 0;
  for (const count of ROWS_AT_ONCE)
    for (; rows.length - at >= count; at += count) yield rows.slice(at, at + count);
}

/** Columns in which all have the same text, or nothing. A number is given as quickly as it is compared. */
function commonOf<Column extends string>(
  rows: readonly AnyRow<Column>[],
  names: readonly Column[],
): Column[] {
  const [first] = rows as [AnyRow<Column>];
  const isCommon = (name: Column) => rows.every((row) => row[name] === first[name]);
  const common = names.filter((name) => typeof first[name] !== 'number' && isCommon(name));
  return common.length < names.length ? common : [];
}

function kindWith<Column extends string>(
  table: string,
  count: number,
  common: readonly Column[],
  names: readonly Column[],
): Kind<Column> {
  const own = names.filter((name) => !common.includes(name));
  const values = `values ${Array.from({ length: count }, () => `(${marks(own)})`).join(', ')}`;
  const rows =
    common.length === 0 ? values : `select c.*, v.* from (select ${marks(common)}) as c, (${values}) as v`;
  const text = `insert or fail into "${table}" (${listed([...common, ...own])}) ${rows}`;
  return { text, common, own };
}

function listed(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}

function marks(names: readonly string[]): string {
  return names.map(() => '?').join(', ');
}
