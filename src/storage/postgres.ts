import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { ConfigError } from '../config.ts';
import { failpoint } from '../failpoint.ts';
import type { Db, Tx, WriteOptions } from './db.ts';
import type { Schema } from './schema.ts';
import { preparedName } from './statement.ts';

/** Connections of one process. PostgreSQL allows 100 by default; this leaves room for several processes. */
const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 10_000;
/** A transaction that was chosen to yield to another is run again; the statements say the same twice. */
const MAX_TRIES = 5;
const SERIALIZATION_FAILURE = '40001';
const DEADLOCK = '40P01';

/**
 * A statement is parsed once for each connection and planned each time. A plan that is kept was made for the table as it
 * was then: one of a new, empty installation reads the whole table, until PostgreSQL counts it anew.
 */
const PLANS = 'force_custom_plan';

const INT8 = 20;
const NUMERIC = 1700;

/**
 * Opens PostgreSQL. Every commit is flushed there (`synchronous_commit` is the server's, on by default). Rows come
 * back as from SQLite: times and counts as numbers, never as strings.
 * @throws ConfigError when the server cannot be reached
 */
export async function openPostgres(url: string): Promise<Db> {
  const pool = new pg.Pool({
    Client: PreparingClient,
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'mailwright',
    types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
  });
  // A connection that breaks fails its statement, or is replaced when idle; without a listener for each it would end
  // the process, also between two statements of a transaction.
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    client.on('error', () => {});
    client.query(`set plan_cache_mode = ${PLANS}`).catch(() => {}); // before version 12 there is no other way
  });
  await reachable(pool);
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  const underWay = new Set<Promise<unknown>>();
  return {
    engine: 'postgres',
    read: kysely,
    write(work, options) {
      const done = transaction(kysely, work, options).finally(() => underWay.delete(done));
      underWay.add(done);
      return done;
    },
    async close() {
      await Promise.allSettled(underWay);
      await kysely.destroy();
    },
  };
}

/** Statements that every message needs are parsed once for each connection (statement.ts). */
class PreparingClient extends pg.Client {
  override query = ((text: unknown, values: unknown, ...rest: unknown[]) => {
    const name = typeof text === 'string' ? preparedName(text) : undefined;
    const query = super.query as (...args: unknown[]) => unknown;
    return name ? query.call(this, { name, text, values }, ...rest) : query.call(this, text, values, ...rest);
  }) as pg.Client['query'];
}

function typeParser(oid: number, format?: 'text' | 'binary') {
  if (oid === INT8 || oid === NUMERIC) return Number;
  return pg.types.getTypeParser(oid, format as 'text');
}

async function reachable(pool: pg.Pool): Promise<void> {
  try {
    (await pool.connect()).release();
  } catch (error) {
    await pool.end();
    throw new ConfigError(
      `PostgreSQL cannot be reached with DATABASE_URL: ${(error as Error).message}. Check the address, and that the server runs.`,
    );
  }
}

async function transaction<T>(
  kysely: Kysely<Schema>,
  work: (tx: Tx) => Promise<T>,
  { lazy = false }: WriteOptions = {},
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await kysely.transaction().execute(async (tx) => {
        if (lazy) await sql`set local synchronous_commit = off`.execute(tx);
        const value = await work(tx);
        failpoint('commit');
        return value;
      });
    } catch (error) {
      const { code } = error as { code?: string };
      if ((code !== SERIALIZATION_FAILURE && code !== DEADLOCK) || tried >= MAX_TRIES) throw error;
    }
  }
}
