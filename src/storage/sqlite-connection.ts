import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { ConfigError } from '../config.ts';
import type { Schema } from './schema.ts';
import { type AtOnce, answerAtOnce } from './statement.ts';

/** Prepared statements kept per connection; hand-written verbs need some fifty, filtered lists add variants. */
const STATEMENT_CACHE = 300;
const BUSY_TIMEOUT_MS = 10_000;

/** The connection that writes. @throws ConfigError when the file cannot be opened or written */
export function openToWrite(file: string): Database.Database {
  try {
    accessSync(existsSync(file) ? file : dirname(file), constants.W_OK);
    const db = new Database(file);
    db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL'); // the log is flushed by LogFlusher, once for each group
    db.pragma('foreign_keys = ON');
    return db;
  } catch (error) {
    throw new ConfigError(
      `The database ${file} cannot be opened for writing (${(error as Error).message}). Give this user write access to it and its folder, or set DATA_DIR.`,
    );
  }
}

/** A connection that only reads: it sees what is committed. */
export function openToRead(file: string): Database.Database {
  const db = new Database(file, { readonly: true });
  db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  return db;
}

/** Kysely on a connection whose transactions are ours: no mutex, prepared statements kept. */
export function kyselyOn(db: Database.Database): Kysely<Schema> {
  const connection = new SqliteConnection(db);
  const kysely = new Kysely<Schema>({ dialect: dialectOf(connection) });
  answerAtOnce(kysely, connection);
  return kysely;
}

function dialectOf(connection: SqliteConnection): Dialect {
  const driver: Driver = {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: async () => {
      throw new Error('transactions are begun by Db.write');
    },
    commitTransaction: async () => {},
    rollbackTransaction: async () => {},
    releaseConnection: async () => {},
    destroy: async () => {},
  };
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => driver,
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

class SqliteConnection implements DatabaseConnection, AtOnce {
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(db: Database.Database) {
    this.#db = db;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#prepare(sql).reader) return { rows: this.all(sql, parameters) as R[] };
    return { rows: [], numAffectedRows: BigInt(this.run(sql, parameters)) };
  }

  // Parameters are given one by one: each of a list would have to be asked for.
  all(text: string, parameters: readonly unknown[]): unknown[] {
    const statement = this.#prepare(text);
    if (statement.reader) return statement.all(...parameters);
    statement.run(...parameters);
    return [];
  }

  first(text: string, parameters: readonly unknown[]): unknown {
    const statement = this.#prepare(text);
    if (statement.reader) return statement.get(...parameters);
    statement.run(...parameters);
    return undefined;
  }

  run(text: string, parameters: readonly unknown[]): number {
    return this.#prepare(text).run(...parameters).changes;
  }

  // biome-ignore lint/correctness/useYield: streaming is not offered; lists are paged
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('streaming is not offered');
  }

  #prepare(text: string): Database.Statement {
    const known = this.#statements.get(text);
    if (known) return known;
    if (this.#statements.size >= STATEMENT_CACHE)
      this.#statements.delete(this.#statements.keys().next().value!);
    const statement = this.#db.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}
