import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import { ConfigError } from '../config.ts';
import type { Db, Tx } from './db.ts';
import { migrate } from './migrate.ts';
import type { Row, Source, Table } from './move-source.ts';
import { readSetting } from './settings.ts';

export interface Progress {
  step: 'copied' | 'compared';
  table: string;
  /** Rows of this step so far, over all tables, and how many there are. */
  rows: number;
  total: number;
}

export interface Moved {
  /** Rows by table. */
  tables: Record<string, number>;
  rows: number;
  /** False when everything had been moved before, and was only compared. */
  copied: boolean;
}

export interface MoveOptions {
  now: number;
  onProgress: (progress: Progress) => void;
}

/**
 * Copies an installation into an empty PostgreSQL database and compares every row, in one transaction: a program that
 * is started there sees all of it or nothing, however the move ends. The source is only read. Repeated, it compares.
 * @throws ConfigError when the target holds anything else, a schema is not this program's, or PostgreSQL fails
 */
export async function moveInstallation(source: Source, target: Db, options: MoveOptions): Promise<Moved> {
  try {
    const { proof, tables } = source;
    if (!proof) throw new ConfigError('There is nothing to move: this installation was never started.');
    await refuseOthers(target, proof);
    await migrate(target, options.now);
    await sameSchema(source, target);
    const copied = await target.write(async (tx) => {
      const isThere = await claim(tx, proof);
      if (!isThere) await copyAll(source, tx, options);
      await compareAll(source, tx, options, isThere);
      refuseUsed(source);
      return !isThere;
    });
    return {
      tables: Object.fromEntries(tables.map(({ name, rows }) => [name, rows])),
      rows: rowsIn(tables),
      copied,
    };
  } catch (error) {
    throw inWords(error);
  }
}

/** Before anything is written there, not even the schema. */
async function refuseOthers(target: Db, proof: string): Promise<void> {
  const { rows } = await sql<{ encoding: string; tables: number; ours: boolean }>`
    select current_setting('server_encoding') as encoding, to_regclass('schema_versions') is not null as ours,
      (select count(*) from pg_tables where schemaname = current_schema()) as tables`.execute(target.read);
  const { encoding, tables, ours } = rows[0]!;
  if (encoding !== 'UTF8')
    throw new ConfigError(
      `The target database has the encoding ${encoding}; Mailwright needs UTF8. Make it with: create database NAME encoding 'UTF8' template template0`,
    );
  if (!ours && tables > 0)
    throw new ConfigError(
      'The target database holds tables of another program. Nothing was changed; give an empty database.',
    );
  const before = ours ? await readSetting(target, 'master_key_proof') : undefined;
  if (before !== undefined && before !== proof) throw anotherInstallation();
}

function anotherInstallation(): ConfigError {
  return new ConfigError(
    'The target database holds another installation. Nothing was changed; give an empty database.',
  );
}

async function sameSchema(source: Source, target: Db): Promise<void> {
  const { rows } = await sql<{
    version: number;
  }>`select max(version) as version from schema_versions`.execute(target.read);
  const { version } = rows[0]!;
  if (source.schemaVersion > version)
    throw new ConfigError(
      `The data folder has schema ${source.schemaVersion}, this program knows up to ${version}. Move it with the newer Mailwright that wrote it.`,
    );
  if (source.schemaVersion < version)
    throw new ConfigError(
      `The data folder has schema ${source.schemaVersion}, this program ${version}. Bring it to this version first: mailwright migrate`,
    );
}

/**
 * A program that starts meanwhile, or a second move, waits here: both keep a setting before anything else.
 * @returns whether this installation was moved there before
 */
async function claim(tx: Tx, proof: string): Promise<boolean> {
  await sql`lock table settings in exclusive mode`.execute(tx);
  const before = await readSetting({ read: tx }, 'master_key_proof');
  if (before !== undefined && before !== proof) throw anotherInstallation();
  return before === proof;
}

async function copyAll(source: Source, tx: Tx, { onProgress }: MoveOptions): Promise<void> {
  const total = rowsIn(source.tables);
  let rows = 0;
  for (const table of source.tables) {
    for (const batch of source.batchesOf(table)) {
      await insert(tx, table, batch);
      rows += batch.length;
      onProgress({ step: 'copied', table: table.name, rows, total });
    }
    // Otherwise the planner knows nothing about the new rows until the server finds the time by itself.
    await sql`analyze ${sql.table(table.name)}`.execute(tx);
  }
}

async function insert(tx: Tx, { name, columns }: Table, batch: readonly Row[]): Promise<void> {
  const values = batch.map((row) => sql`(${sql.join(columns.map((column) => row[column]))})`);
  await sql`
    insert into ${sql.table(name)} (${sql.join(columns.map((column) => sql.ref(column)))})
    values ${sql.join(values)}`.execute(tx);
}

/** Compares every row and every column, and the counts. */
async function compareAll(
  source: Source,
  tx: Tx,
  { onProgress }: MoveOptions,
  wasThere: boolean,
): Promise<void> {
  const total = rowsIn(source.tables);
  let rows = 0;
  for (const table of source.tables) {
    const found = { missing: 0, differing: 0, strangers: (await countRows(tx, table)) - table.rows };
    for (const batch of source.batchesOf(table)) {
      const twins = await twinsOf(tx, table, batch);
      for (const row of batch) {
        const twin = twins.get(keyOf(table, row));
        if (!twin) found.missing++;
        else if (!isDeepStrictEqual({ ...row }, { ...twin })) found.differing++;
      }
      rows += batch.length;
      onProgress({ step: 'compared', table: table.name, rows, total });
    }
    found.strangers += found.missing;
    if (Object.values(found).some((count) => count !== 0)) throw unequal(table, found, wasThere);
  }
}

function unequal(
  { name, rows }: Table,
  { missing, differing, strangers }: { missing: number; differing: number; strangers: number },
  wasThere: boolean,
): ConfigError {
  const first = wasThere
    ? 'This installation was moved there before, and one of the two was used since.'
    : 'The copy is not what it was made from.';
  return new ConfigError(
    `${first} In the table ${name}, of ${rows} rows ${missing} are missing, ${differing} differ, and ${strangers} are only in the target. Nothing was moved; to move it again, give an empty database.`,
  );
}

async function countRows(tx: Tx, { name }: Table): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(name)}`.execute(tx);
  return rows[0]!.count;
}

/** The target's rows under the keys of a batch. By key, not by order, since the engines sort text differently. */
async function twinsOf(tx: Tx, table: Table, batch: readonly Row[]): Promise<Map<string, Row>> {
  const { name, columns, key } = table;
  const lists = key.map(({ column, type }) => sql`${batch.map((row) => row[column])}::${sql.raw(type)}[]`);
  const { rows } = await sql<Row>`
    select ${sql.join(columns.map((column) => sql.ref(column)))} from ${sql.table(name)}
    where (${sql.join(key.map(({ column }) => sql.ref(column)))}) in (select * from unnest(${sql.join(lists)}))`.execute(
    tx,
  );
  return new Map(rows.map((row) => [keyOf(table, row), row]));
}

function keyOf({ key }: Table, row: Row): string {
  return JSON.stringify(key.map(({ column }) => row[column]));
}

/** The lock of the data folder keeps a sender out; a process that only answers calls does not take it. */
function refuseUsed(source: Source): void {
  if (source.wasUsed())
    throw new ConfigError(
      'Another process wrote to the data folder meanwhile. Nothing was moved; stop every Mailwright on it, also one with ROLE=api, and run the command again.',
    );
}

function rowsIn(tables: readonly Table[]): number {
  return tables.reduce((sum, { rows }) => sum + rows, 0);
}

/** As the driver speaks of a connection that broke between two statements. */
const BROKEN_CONNECTION = /^(Connection terminated|Client has encountered a connection error)/;

/** What a database or the network says carries a code; everything else is a bug and keeps its stack. */
function inWords(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message: string };
  const isOurs = typeof code !== 'string' && !BROKEN_CONNECTION.test(message);
  if (error instanceof ConfigError || isOurs) return error;
  return new ConfigError(
    `The move was broken off: ${message}. The data folder is unchanged; run the command again.`,
  );
}
