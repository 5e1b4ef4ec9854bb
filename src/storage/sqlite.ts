import { accessSync, closeSync, constants, existsSync, fdatasync as fdatasyncOf, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
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
import { failpoint } from '../failpoint.ts';
import type { Db, Tx, WriteOptions } from './db.ts';
import { type FileSystemFacts, refuseNetworkFolder } from './file-system.ts';
import type { Schema } from './schema.ts';
import { answerAtOnce, type RowsQuery } from './statement.ts';

/** Prepared statements kept per connection; hand-written verbs need some fifty, filtered lists add variants. */
const STATEMENT_CACHE = 300;
/** Transactions that may share one commit: enough to fill a flush, few enough that none waits long. */
const MAX_GROUP = 1_000;
const BUSY_TIMEOUT_MS = 10_000;
/** Under way at the same time: who comes while one runs does not wait for its end. Node's pool has four threads. */
const MAX_FLUSHES = 2;

export interface SqliteParts {
  /** Told that the disk is full. True when there is room now: then the group that failed is run again. */
  whenFull?: () => boolean;
  /** How the system is asked about the folder. */
  facts?: FileSystemFacts;
}

/**
 * Opens the embedded database: write-ahead log, one writing connection and one reading connection. A promise of
 * `write` resolves when its commit is flushed, as with `synchronous=FULL`; the flush runs beside the event loop
 * (docs/decisions/0009-flush-beside-the-loop.md). Durable through power loss where the disk honors flushes.
 * @throws ConfigError when the file cannot be opened or written, or lies on a network file system.
 */
export function openSqlite(file: string, { whenFull = () => false, facts }: SqliteParts = {}): Db {
  refuseNetworkFolder(file, facts);
  const writer = openFile(file);
  const reader = new Database(file, { readonly: true });
  reader.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const groups = new GroupedWriter(writer, new LogFlusher(`${file}-wal`), whenFull);
  const read = kyselyOn(reader);
  return {
    engine: 'sqlite',
    read,
    write: (work, options) => groups.write(work, options),
    async close() {
      await groups.drained();
      groups.close();
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
    db.pragma('synchronous = NORMAL'); // the log is flushed by LogFlusher, once for each group
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
  lazy: boolean;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

/**
 * One commit per turn of the event loop for all transactions asked for in it: the flush is shared, so the rate
 * grows with the load and nothing waits when there is none.
 */
class GroupedWriter {
  readonly #db: Database.Database;
  readonly #log: LogFlusher;
  readonly #tx: Tx;
  readonly #whenFull: () => boolean;
  readonly #begin: Database.Statement;
  readonly #commitAll: Database.Statement;
  readonly #savepoint: Database.Statement;
  readonly #release: Database.Statement;
  readonly #changes: Database.Statement;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  readonly #flushing = new Set<Promise<void>>();

  constructor(db: Database.Database, log: LogFlusher, whenFull: () => boolean) {
    this.#db = db;
    this.#log = log;
    this.#whenFull = whenFull;
    this.#tx = kyselyOn(db);
    this.#begin = db.prepare('begin immediate');
    this.#commitAll = db.prepare('commit');
    this.#savepoint = db.prepare('savepoint one');
    this.#release = db.prepare('release one');
    this.#changes = db.prepare('select total_changes()').pluck();
  }

  close(): void {
    this.#log.close();
  }

  write<T>(work: (tx: Tx) => Promise<T>, { lazy = false }: WriteOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, lazy, resolve: resolve as (value: unknown) => void, reject });
      this.#running ??= new Promise((done) => setImmediate(() => done(this.#run())));
    });
  }

  async drained(): Promise<void> {
    while (this.#running) await this.#running;
    await Promise.all(this.#flushing);
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
      this.#begin.run();
      const before = this.#changes.get();
      settled.push(...(await this.#runAll(group)));
      const isChanged = this.#changes.get() !== before;
      failpoint('commit');
      this.#commitAll.run();
      this.#settleFlushed(group, settled, isChanged);
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('rollback');
      if ((error as { code?: string }).code === 'SQLITE_FULL' && this.#whenFull()) return this.#commit(group);
      for (const one of group) one.reject(error);
    }
  }

  /** Tells a group how it ended when the disk has it. The next group goes on meanwhile: one flush may serve several. */
  #settleFlushed(group: readonly Waiting[], settled: readonly (() => void)[], isChanged: boolean): void {
    for (const [at, one] of group.entries()) if (one.lazy) settled[at]!();
    if (group.every((one) => one.lazy)) return;
    failpoint('commit-unflushed');
    const done = this.#log.flush(isChanged).then(
      () => {
        for (const settle of settled) settle(); // a promise that is settled already stays as it is
      },
      (error) => {
        for (const one of group) one.reject(error);
      },
    );
    this.#flushing.add(done);
    void done.finally(() => this.#flushing.delete(done));
  }

  /**
   * Runs the members in order; nearly always all succeed. When one fails everything is undone and run again, each in a
   * savepoint then: its failure undoes it alone. In a savepoint each page is copied before it changes, which costs as
   * much as the rest of the change.
   */
  async #runAll(group: readonly Waiting[]): Promise<(() => void)[]> {
    try {
      const values: unknown[] = [];
      for (const { work } of group) values.push(await work(this.#tx));
      return group.map(
        ({ resolve }, at) =>
          () =>
            resolve(values[at]),
      );
    } catch (error) {
      // A full disk ends the whole transaction by itself; then there is nothing left to undo, or to keep.
      if (!this.#db.inTransaction) throw error;
      this.#db.exec('rollback');
      this.#begin.run();
      if (group.length === 1) return [() => group[0]!.reject(error)];
      const settled: (() => void)[] = [];
      for (const one of group) settled.push(await this.#runOne(one));
      return settled;
    }
  }

  async #runOne(one: Waiting): Promise<() => void> {
    this.#savepoint.run();
    try {
      const value = await one.work(this.#tx);
      this.#release.run();
      return () => one.resolve(value);
    } catch (error) {
      if (!this.#db.inTransaction) throw error;
      this.#db.exec('rollback to one; release one');
      return () => one.reject(error);
    }
  }
}

/**
 * Flushes the write-ahead log without holding the event loop: what SQLite does itself at each commit with
 * `synchronous=FULL`, done by threads of the pool. A flush takes with it all that was committed before it began.
 */
class LogFlusher {
  readonly #path: string;
  #file: number | undefined;
  #failed: Error | undefined;
  readonly #running = new Set<Promise<void>>();
  /** Begins when there is a place for it, and takes with it whatever is committed until then. */
  #next: Promise<void> | undefined;
  /** Ends when everything is on the disk that was to be flushed so far. */
  #all: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Resolves when all that was committed is on the disk; where nothing was changed, what was read.
   * @throws when the disk refuses; from then on always, since the system forgets what it could not write
   */
  async flush(isChanged: boolean): Promise<void> {
    if (this.#failed) throw this.#failed;
    if (isChanged) this.#all = Promise.all([this.#all, this.#joined()]).then(() => {});
    await this.#all;
  }

  #joined(): Promise<void> {
    if (this.#running.size < MAX_FLUSHES) return this.#begun();
    this.#next ??= Promise.race(this.#running).then(() => {
      this.#next = undefined;
      return this.#begun();
    });
    return this.#next;
  }

  #begun(): Promise<void> {
    const flush = this.#sync();
    this.#running.add(flush);
    const over = () => this.#running.delete(flush);
    void flush.then(over, over);
    return flush;
  }

  async #sync(): Promise<void> {
    // The log exists since the first commit, and stays the same file while a connection is open.
    this.#file ??= openSync(this.#path, 'r+');
    try {
      await fdatasync(this.#file);
    } catch (error) {
      this.#failed ??= new Error(`The disk did not keep what was written: ${(error as Error).message}`);
      throw this.#failed;
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

const fdatasync = promisify(fdatasyncOf);

/** Kysely on a connection whose transactions are ours: no mutex, prepared statements kept. */
function kyselyOn(db: Database.Database): Kysely<Schema> {
  const connection = new SqliteConnection(db);
  const kysely = new Kysely<Schema>({ dialect: dialectOf(connection) });
  answerAtOnce(kysely, (query) => connection.execute(query).rows);
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

function forEachRow<R>(statement: Database.Statement, { parameters }: RowsQuery): R[] {
  const rows: R[] = [];
  for (const values of parameters)
    if (!statement.reader) statement.run(values);
    else rows.push(...(statement.all(values) as R[]));
  return rows;
}

class SqliteConnection implements DatabaseConnection {
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(db: Database.Database) {
    this.#db = db;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.execute(query);
  }

  execute<R>(query: CompiledQuery | RowsQuery): QueryResult<R> {
    const statement = this.#prepare(query.sql);
    if ('forEachRow' in query) return { rows: forEachRow<R>(statement, query) };
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
