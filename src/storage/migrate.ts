import { type Kysely, sql } from 'kysely';
import { ConfigError } from '../config.ts';
import type { Db, Engine } from './db.ts';
import { lockForMigration } from './lease.ts';
import { firstMail } from './migrations/0001-first-mail.ts';
import { lanesAndCounts } from './migrations/0002-lanes-and-counts.ts';
import { serverPace } from './migrations/0003-server-pace.ts';
import { blocksAndNotices } from './migrations/0004-blocks-and-notices.ts';
import { revision } from './migrations/0005-revision.ts';
import type { Schema } from './schema.ts';

/** One step of the schema, forward only. A step that landed is never edited; a later step corrects it. */
export interface Migration {
  version: number;
  name: string;
  statements: (engine: Engine) => string[];
}

export const MIGRATIONS: readonly Migration[] = [
  firstMail,
  lanesAndCounts,
  serverPace,
  blocksAndNotices,
  revision,
];

/**
 * Brings the database to this program's schema, in one transaction. On SQLite that transaction is the lock, on
 * PostgreSQL it takes one; two starts at the same moment wait for each other.
 * @throws ConfigError when the database was written by a newer program.
 */
export async function migrate(db: Db, now: number): Promise<string[]> {
  return db.write(async (tx) => {
    if (db.engine === 'postgres') await lockForMigration(tx);
    await sql`create table if not exists schema_versions (version bigint primary key, name text not null, applied_at bigint not null)`.execute(
      tx,
    );
    const current = await currentVersion(tx);
    const newest = MIGRATIONS.at(-1)!.version;
    if (current > newest) {
      throw new ConfigError(
        `The database has schema ${current}, this program knows up to ${newest}. Start the newer Mailwright that wrote it, or restore the backup made before the update.`,
      );
    }
    const pending = MIGRATIONS.filter((step) => step.version > current);
    for (const step of pending) await apply(tx, step, db.engine, now);
    return pending.map((step) => step.name);
  });
}

/** Which schema the database has, and which this program knows; 0 before the first start. */
export async function schemaState(db: Db): Promise<{ current: number; newest: number }> {
  const newest = MIGRATIONS.at(-1)!.version;
  // The table itself is the first thing that a first start makes.
  const current = await currentVersion(db.read).catch(() => 0);
  return { current, newest };
}

async function currentVersion(tx: Kysely<Schema>): Promise<number> {
  const { rows } = await sql<{
    version: number | null;
  }>`select max(version) as version from schema_versions`.execute(tx);
  return rows[0]?.version ?? 0;
}

async function apply(tx: Kysely<Schema>, step: Migration, engine: Engine, now: number): Promise<void> {
  for (const statement of step.statements(engine)) await sql.raw(statement).execute(tx);
  await sql`insert into schema_versions (version, name, applied_at) values (${step.version}, ${step.name}, ${now})`.execute(
    tx,
  );
}
