import { sql } from 'kysely';
import type { Db, Tx } from './db.ts';

/** What the durability of an engine rests on, as it says itself. */
export interface EngineFacts {
  version: string;
  /** SQLite: journal_mode, synchronous. PostgreSQL: fsync, full_page_writes, synchronous_commit. */
  settings: Record<string, string>;
}

const SYNC_NAMES = ['off', 'normal', 'full', 'extra'];

export async function engineFacts(db: Db): Promise<EngineFacts> {
  // Asked on the connection that writes: `synchronous` belongs to a connection, not to the file.
  return db.engine === 'sqlite' ? db.write(sqliteFacts) : postgresFacts(db.read);
}

async function sqliteFacts(tx: Tx): Promise<EngineFacts> {
  const version = await sql<{ version: string }>`select sqlite_version() as version`.execute(tx);
  const journal = await sql<{ journal_mode: string }>`pragma journal_mode`.execute(tx);
  const sync = await sql<{ synchronous: number }>`pragma synchronous`.execute(tx);
  return {
    version: version.rows[0]!.version,
    settings: {
      journal_mode: journal.rows[0]!.journal_mode,
      synchronous: SYNC_NAMES[sync.rows[0]!.synchronous] ?? String(sync.rows[0]!.synchronous),
    },
  };
}

async function postgresFacts(tx: Tx): Promise<EngineFacts> {
  const { rows } = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings
    where name in ('server_version', 'fsync', 'full_page_writes', 'synchronous_commit')`.execute(tx);
  const { server_version = 'unknown', ...settings } = Object.fromEntries(
    rows.map((row) => [row.name, row.setting]),
  );
  return { version: server_version, settings };
}

/** Where the queue stands, over all workspaces. */
export interface QueueFacts {
  queued: number;
  /** Whose turn it is, for how long: the time at which the oldest one was due at first, ms. */
  oldestDue: number | null;
  uncertain: number;
  /** Leases that ended before `overdueBefore`, and nobody has claimed the message since. */
  leasesOver: number;
}

export async function queueFacts(db: Db, now: number, overdueBefore: number): Promise<QueueFacts> {
  const { rows } = await sql<{ queued: number; oldest: number | null; over: number | null }>`
    select count(*) as queued,
      min(case when lease_owner is null and due_at <= ${now} then coalesce(send_at, created_at) end) as oldest,
      sum(case when lease_owner is not null and due_at < ${overdueBefore} then 1 else 0 end) as over
    from messages where state = 'queued'`.execute(db.read);
  const uncertain = await sql<{ messages: number }>`
    select count(*) as messages from messages
    where state = 'uncertain' and state not in ('queued', 'sent', 'captured')`.execute(db.read);
  const row = rows[0]!;
  return {
    queued: Number(row.queued),
    oldestDue: row.oldest === null ? null : Number(row.oldest),
    uncertain: Number(uncertain.rows[0]!.messages),
    leasesOver: Number(row.over ?? 0),
  };
}
