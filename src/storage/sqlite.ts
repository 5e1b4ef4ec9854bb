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
import type { Db, Tx } from './db.ts';
import type { Schema } from './schema.ts';

/** Prepared statements kept per connection; hand-written verbs need some fifty, filtered lists add variants. */
const STATEMENT_CACHE = 300;
/** Transactions that may share one commit: enough to fill a flush, few enough that none waits long. */
const MAX_GROUP = 1_000;
const BUSY_TIMEOUT_MS = 10_000;

/**
 * Opens the embedded database: write-ahead log, every commit flushed (`synchronous=FULL`), one writing connection
 * and one reading connection. Durable through power loss where the disk honors flushes (sqlite.org/pragma.html).
 * @throws ConfigError when the file cannot be opened or written.
 */
export function openSqlite(file: string): Db {
  const writer = openFile(file);
  const reader = new Database(file, { readonly: true });
  reader.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const groups = new GroupedWriter(writer);
  const read = new Kysely<Schema>({ dialect: dialectOf(reader) });
  return {
    engine: 'sqlite',
    read,
    write: (work) => groups.write(work),
    async close() {
      await groups.drained();
      reader.close();
      writer.close();
    },
  };
}

function openFile(file: string): Database.Database {
  try {
    accessSync(existsSync(file) ? file : dirname(file), constants.W_OK);
    const db = new Database(file);
    db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    return db;
  } catch (error) {
    throw new ConfigError(
      `The database ${file} cannot be opened for writing (${(error as Error).message}). Give this user write access to it and its folder, or set DATA_DIR.`,
    );
  }
}

interface Waiting {
  work: (tx: Tx) => Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

/**
 * One commit per turn of the event loop for all transactions asked for in it: the flush is shared, so the rate
 * grows with the load and nothing waits when there is none.
 */
class GroupedWriter {
  readonly #db: Database.Database;
  readonly #tx: Tx;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#tx = new Kysely<Schema>({ dialect: dialectOf(db) });
  }

  write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
      this.#running ??= new Promise((done) => setImmediate(() => done(this.#run())));
    });
  }

  async drained(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    const group = this.#waiting.splice(0, MAX_GROUP);
    await this.#commit(group);
    this.#running =
      this.#waiting.length > 0 ? new Promise((done) => setImmediate(() => done(this.#run()))) : undefined;
  }

  async #commit(group: Waiting[]): Promise<void> {
    const settled: (() => void)[] = [];
    try {
      this.#db.exec('begin immediate');
      for (const one of group) settled.push(await this.#runOne(one));
      this.#db.exec('commit');
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('rollback');
      for (const one of group) one.reject(error);
      return;
    }
    for (const settle of settled) settle();
  }

  /** Runs one member of the group so that its failure undoes it alone. */
  async #runOne(one: Waiting): Promise<() => void> {
    this.#db.exec('savepoint one');
    try {
      const value = await one.work(this.#tx);
      this.#db.exec('release one');
      return () => one.resolve(value);
    } catch (error) {
      // A full disk ends the whole transaction by itself; then there is nothing left to undo, or to keep.
      if (!this.#db.inTransaction) throw error;
      this.#db.exec('rollback to one; release one');
      return () => one.reject(error);
    }
  }
}

/** Kysely on a connection whose transactions are ours: no mutex, prepared statements kept. */
function dialectOf(db: Database.Database): Dialect {
  const connection = new SqliteConnection(db);
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

class SqliteConnection implements DatabaseConnection {
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(db: Database.Database) {
    this.#db = db;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const statement = this.#prepare(query.sql);
    if (statement.reader) return { rows: statement.all(query.parameters) as R[] };
    const { changes } = statement.run(query.parameters);
    return { rows: [], numAffectedRows: BigInt(changes) };
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
