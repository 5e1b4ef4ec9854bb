import { join } from 'node:path';
import Database from 'better-sqlite3';
import pg from 'pg';
import type { Engine } from '../../src/storage/db.ts';
import { parentOf } from './processes.ts';

/** The product's own tables, read and filled beside it: what it recorded, and a past for it to carry. */
export interface Records {
  /** Messages by state, without those of a made past. */
  states(): Promise<Record<string, number>>;
  /** Messages in the queue; above a thousand it says a thousand. */
  waiting(): Promise<number>;
  /** Runs SQL that both engines understand. @returns the rows */
  run(sql: string): Promise<Record<string, unknown>[]>;
  /** The database's own process, where it has one. */
  serverPid(): Promise<number | undefined>;
  /** Of the database on disk, without its log. */
  bytes(): Promise<number>;
  /** What its server has done so far. */
  work(): Promise<ServerWork | undefined>;
  close(): Promise<void>;
}

export interface ServerWork {
  /** Transactions that were committed, reads included. */
  transactions: number;
  /** Bytes of its write-ahead log. */
  logBytes: number;
}

const BYTES_OF_SQLITE = 'select page_count * page_size as bytes from pragma_page_count(), pragma_page_size()';
const BYTES_OF_POSTGRES = 'select pg_database_size(current_database()) as bytes';
const WORK_OF_POSTGRES = `
  select xact_commit as transactions, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as log_bytes
  from pg_stat_database where datname = current_database()`;

/** Ids begin with their time in base 32: those of today begin with 01, and a made past takes 00 (parts/history.ts). */
const FIRST_REAL_ID = 'msg_01';

export function recordsOf(engine: Engine, dataDir: string, databaseUrl: string | undefined): Records {
  const database =
    engine === 'sqlite' ? new SqliteFile(join(dataDir, 'mailwright.db')) : new PostgresServer(databaseUrl!);
  return {
    async states() {
      const rows = await database.run(
        `select state, count(*) as n from messages where id >= '${FIRST_REAL_ID}' group by state`,
      );
      return Object.fromEntries(rows.map((row) => [row.state, Number(row.n)]));
    },
    async waiting() {
      const rows = await database.run(
        "select count(*) as n from (select 1 from messages where state = 'queued' limit 1000) as queue",
      );
      return Number(rows[0]!.n);
    },
    run: (sql) => database.run(sql),
    async serverPid() {
      if (engine === 'sqlite') return undefined;
      const [row] = await database.run('select pg_backend_pid() as pid');
      return parentOf(Number(row!.pid));
    },
    async bytes() {
      const [row] = await database.run(engine === 'sqlite' ? BYTES_OF_SQLITE : BYTES_OF_POSTGRES);
      return Number(row!.bytes);
    },
    async work() {
      if (engine === 'sqlite') return undefined;
      const [row] = await database.run(WORK_OF_POSTGRES);
      return { transactions: Number(row!.transactions), logBytes: Number(row!.log_bytes) };
    },
    close: () => database.close(),
  };
}

class SqliteFile {
  readonly #file: string;
  #db: Database.Database | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  async run(sql: string): Promise<Record<string, unknown>[]> {
    this.#db ??= new Database(this.#file, { timeout: 30_000 });
    const statement = this.#db.prepare(sql);
    if (statement.reader) return statement.all() as Record<string, unknown>[];
    statement.run();
    return [];
  }

  async close(): Promise<void> {
    this.#db?.close();
  }
}

class PostgresServer {
  readonly #client: pg.Client;
  #open: Promise<unknown> | undefined;

  constructor(url: string) {
    this.#client = new pg.Client(url);
  }

  async run(sql: string): Promise<Record<string, unknown>[]> {
    this.#open ??= this.#client.connect();
    await this.#open;
    return (await this.#client.query(sql)).rows;
  }

  async close(): Promise<void> {
    if (this.#open) await this.#client.end();
  }
}
