import Database from 'better-sqlite3';
import type { SettingName } from './settings.ts';

/** Enough to fill a statement of PostgreSQL, which takes 65,535 values; the widest table has some forty columns. */
const BATCH_ROWS = 500;
/** Attachments are large: a batch ends with the row that fills it. */
const BATCH_BYTES = 4 * 1024 * 1024;

export type Row = Readonly<Record<string, string | number | Uint8Array | null>>;

export interface Table {
  name: string;
  columns: readonly string[];
  /** The primary key, each column with its type, which both engines spell alike. */
  key: readonly { column: string; type: string }[];
  rows: number;
}

/** A SQLite database as it is at one moment, only read. */
export interface Source {
  schemaVersion: number;
  /** The proof of the master key: it tells installations apart. Undefined when none was ever started there. */
  proof: string | undefined;
  /** A program that was killed left a log behind: the database does not know yet what is in it. */
  isBehindLog: boolean;
  /** All tables of the schema but its own record; what a table refers to comes before it. */
  tables: readonly Table[];
  batchesOf(table: Table): Iterable<readonly Row[]>;
  /** Ends the moment. @returns whether another process has written since it began */
  wasUsed(): boolean;
  close(): void;
}

/** The tables are read from the schema, so that none can be forgotten. @throws SqliteError for a broken file */
export function openSource(file: string): Source {
  const db = new Database(file, { readonly: true, fileMustExist: true });
  try {
    db.exec('begin');
    const version = single<number>(db, 'pragma data_version');
    const tables = inOrder(namesOf(db), (name) => referencesOf(db, name)).map((name) => tableOf(db, name));
    const started = tables.some(({ name }) => name === 'settings');
    return {
      schemaVersion: started ? single<number>(db, 'select max(version) from schema_versions')! : 0,
      proof: started ? settingOf(db, 'master_key_proof') : undefined,
      isBehindLog: started && settingOf(db, 'journal_log') !== undefined,
      tables,
      batchesOf: (table) => batchesOf(db, table),
      wasUsed() {
        if (db.inTransaction) db.exec('commit');
        return single<number>(db, 'pragma data_version') !== version;
      },
      close: () => db.close(),
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function single<T>(db: Database.Database, text: string, ...parameters: string[]): T | undefined {
  return db
    .prepare(text)
    .pluck()
    .get(...parameters) as T | undefined;
}

function settingOf(db: Database.Database, name: SettingName): string | undefined {
  return single<string>(db, 'select value from settings where name = ?', name);
}

/** Ordinary tables: what stands behind an index for full-text search is made anew, not moved. */
function namesOf(db: Database.Database): string[] {
  return db
    .prepare(
      `select name from pragma_table_list
       where schema = 'main' and type = 'table' and name not in ('sqlite_schema', 'sqlite_sequence', 'schema_versions', 'revision')
       order by name`,
    )
    .pluck()
    .all() as string[];
}

function referencesOf(db: Database.Database, table: string): string[] {
  return db.prepare('select distinct "table" from pragma_foreign_key_list(?)').pluck().all(table) as string[];
}

/** @throws Error where tables refer to each other in a circle, or one to itself: no order would do then */
function inOrder(names: readonly string[], references: (name: string) => string[]): string[] {
  const ordered: string[] = [];
  let left = names;
  while (left.length > 0) {
    const next = left.filter((name) => references(name).every((other) => ordered.includes(other)));
    if (next.length === 0) throw new Error(`Tables refer to each other in a circle: ${left.join(', ')}.`);
    ordered.push(...next);
    left = left.filter((name) => !next.includes(name));
  }
  return ordered;
}

function tableOf(db: Database.Database, name: string): Table {
  const columns = db.prepare('select name, type, pk from pragma_table_info(?)').all(name) as {
    name: string;
    type: string;
    pk: number;
  }[];
  const key = columns
    .filter(({ pk }) => pk > 0)
    .toSorted((a, b) => a.pk - b.pk)
    .map((column) => ({ column: column.name, type: column.type }));
  if (key.length === 0) throw new Error(`The table ${name} has no primary key.`);
  return {
    name,
    columns: columns.map((column) => column.name),
    key,
    rows: single<number>(db, `select count(*) from ${quoted(name)}`)!,
  };
}

const quoted = (name: string) => `"${name}"`;

function* batchesOf(db: Database.Database, { name, columns, key }: Table): Generator<readonly Row[]> {
  const rows = db
    .prepare(
      `select ${columns.map(quoted).join(', ')} from ${quoted(name)}
       order by ${key.map(({ column }) => quoted(column)).join(', ')}`,
    )
    .iterate() as IterableIterator<Row>;
  let batch: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    batch.push(row);
    bytes += sizeOf(row);
    if (batch.length < BATCH_ROWS && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function sizeOf(row: Row): number {
  return Object.values(row).reduce<number>(
    (sum, value) => sum + (value === null || typeof value === 'number' ? 8 : value.length),
    0,
  );
}
