import { accessSync, closeSync, constants, existsSync, fdatasync as fdatasyncOf, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
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
import { type Answer, type Ask, SqliteFile } from './sqlite-file.ts';
import { SqliteThread } from './sqlite-thread.ts';

/** Transactions that may share one commit: enough to fill a flush, few enough that none waits long. */
const MAX_GROUP = 1_000;

export interface SqliteParts {
  /** Told that the disk is full. True when there is room now: then the group that failed is run again. */
  whenFull?: () => boolean;
  /** How the system is asked about the folder. */
  facts?: FileSystemFacts;
}

/**
 * Opens the embedded database: write-ahead log, one connection that reads here and one that writes in a thread of its
 * own. A promise of `write` resolves when its commit is flushed, as with `synchronous=FULL`
 * (docs/decisions/0009-flush-beside-the-loop.md). Durable through power loss where the disk honors flushes.
 * @throws ConfigError when the file cannot be opened or written, or lies on a network file system.
 */
export function openSqlite(file: string, { whenFull = () => false, facts }: SqliteParts = {}): Db {
  refuseNetworkFolder(file, facts);
  const reader = openFile(file);
  reader.readOnly();
  const thread = new SqliteThread(file);
  const groups = new GroupedWriter(thread, new LogFlusher(`${file}-wal`), whenFull);
  return {
    engine: 'sqlite',
    read: kyselyOn(async (ask) => reader.run(ask)),
    write: (work, options) => groups.write(work, options),
    async close() {
      await groups.drained();
      groups.close();
      reader.close();
      await thread.close();
    },
  };
}

function openFile(file: string): SqliteFile {
  try {
    accessSync(existsSync(file) ? file : dirname(file), constants.W_OK);
    return new SqliteFile(file);
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
  readonly #thread: SqliteThread;
  readonly #log: LogFlusher;
  readonly #tx: Tx;
  readonly #whenFull: () => boolean;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(thread: SqliteThread, log: LogFlusher, whenFull: () => boolean) {
    this.#thread = thread;
    this.#log = log;
    this.#whenFull = whenFull;
    this.#tx = kyselyOn((ask) => thread.run(ask));
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
      const begun = this.#thread.begin();
      const before = this.#thread.run(CHANGES);
      for (const one of group) settled.push(await this.#runOne(one, begun));
      const after = this.#thread.run(CHANGES);
      failpoint('commit');
      await this.#thread.run(COMMIT);
      for (const [at, one] of group.entries()) if (one.lazy) settled[at]!();
      if (group.every((one) => one.lazy)) return;
      failpoint('commit-unflushed');
      await this.#log.flush(countIn(await before) !== countIn(await after));
    } catch (error) {
      if (this.#thread.inTransaction) await this.#thread.run(ROLLBACK);
      if ((error as { code?: string }).code === 'SQLITE_FULL' && this.#whenFull()) return this.#commit(group);
      for (const one of group) one.reject(error);
      return;
    }
    for (const settle of settled) settle(); // a promise that is settled already stays as it is
  }

  /** Runs one member of the group so that its failure undoes it alone. */
  async #runOne(one: Waiting, begun: Promise<unknown>): Promise<() => void> {
    void this.#thread.run(SAVEPOINT);
    try {
      const value = await one.work(this.#tx);
      void this.#thread.run(RELEASE);
      return () => one.resolve(value);
    } catch (error) {
      await begun;
      // A full disk ends the whole transaction by itself; then there is nothing left to undo, or to keep.
      if (!this.#thread.inTransaction) throw error;
      void this.#thread.run(UNDO);
      await this.#thread.run(RELEASE);
      return () => one.reject(error);
    }
  }
}

const plain = (sql: string): Ask => ({ sql, parameters: [] });
const COMMIT = plain('commit');
const ROLLBACK = plain('rollback');
const SAVEPOINT = plain('savepoint one');
const RELEASE = plain('release one');
const UNDO = plain('rollback to one');
const CHANGES = plain('select total_changes() as count');
const countIn = ({ rows: [row] }: Answer) => (row as { count: number }).count;

/**
 * Flushes the write-ahead log without holding the event loop: what SQLite does itself at each commit with
 * `synchronous=FULL`, done by a thread of the pool. Groups are committed one after the other and each waits for its
 * flush, so the log is flushed up to a group's end before anybody is told that it is stored.
 */
class LogFlusher {
  readonly #path: string;
  #file: number | undefined;
  #failed: Error | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws when the disk refuses; from then on always, since the system forgets what it could not write */
  async flush(isChanged: boolean): Promise<void> {
    if (this.#failed) throw this.#failed;
    if (!isChanged) return;
    // The log exists since the first commit, and stays the same file while a connection is open.
    this.#file ??= openSync(this.#path, 'r+');
    try {
      await fdatasync(this.#file);
    } catch (error) {
      this.#failed = new Error(`The disk did not keep what was written: ${(error as Error).message}`);
      throw this.#failed;
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

const fdatasync = promisify(fdatasyncOf);

/** Kysely on a connection whose transactions are ours: no mutex, and nothing but statements. */
function kyselyOn(run: (ask: Ask) => Promise<Answer>): Kysely<Schema> {
  const connection: DatabaseConnection = {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const { sql, parameters } = query;
      const { rows, changes } = await run({ sql, parameters, forEachRow: 'forEachRow' in query });
      const found = rows as R[];
      return changes === undefined ? { rows: found } : { rows: found, numAffectedRows: BigInt(changes) };
    },
    // biome-ignore lint/correctness/useYield: streaming is not offered; lists are paged
    async *streamQuery(): AsyncIterableIterator<never> {
      throw new Error('streaming is not offered');
    },
  };
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
  const dialect: Dialect = {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => driver,
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
  return new Kysely<Schema>({ dialect });
}
