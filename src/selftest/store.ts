import { sql } from 'kysely';
import { ConfigError } from '../config.ts';
import type { Db } from '../storage/db.ts';

/** Makes a schema that did not exist. @throws ConfigError when that is not allowed there */
export async function makeSchema(db: Db, name: string): Promise<void> {
  await sql`create schema ${sql.id(name)}`.execute(db.read).catch((error: Error) => {
    throw new ConfigError(
      `The user of --database-url cannot make a schema there (${error.message}). Grant it CREATE on that database, or name another.`,
    );
  });
}

export async function dropSchema(db: Db, name: string): Promise<void> {
  await sql`drop schema ${sql.id(name)} cascade`.execute(db.read);
}

/** What is wrong inside a database that nobody uses any more, as sentences. */
export async function findFaults(db: Db): Promise<string[]> {
  return [
    ...(db.engine === 'sqlite' ? await fileFaults(db) : []),
    ...(await counted(
      db,
      'messages have not exactly one event of their end',
      sql`select count(*) as found from messages m
        where m.state in ('sent', 'bounced', 'failed', 'uncertain', 'blocked', 'expired')
        and (select count(*) from events e where e.message_id = m.id and e.type = 'message.' || m.state) <> 1`,
    )),
    ...(await counted(
      db,
      'messages count other attempts than are recorded',
      sql`select count(*) as found from messages m
        where m.attempts <> (select count(*) from attempts a where a.message_id = m.id)`,
    )),
    ...(await counted(
      db,
      'messages have ended and are still held',
      sql`select count(*) as found from messages where state <> 'queued' and lease_owner is not null`,
    )),
  ];
}

async function fileFaults(db: Db): Promise<string[]> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(db.read);
  const orphans = await sql`pragma foreign_key_check`.execute(db.read);
  return [
    ...rows.map((row) => row.integrity_check).filter((text) => text !== 'ok'),
    ...(orphans.rows.length > 0 ? [`${orphans.rows.length} rows refer to rows that are not there`] : []),
  ];
}

async function counted(db: Db, what: string, query: ReturnType<typeof sql>): Promise<string[]> {
  const { rows } = await query.execute(db.read);
  const found = Number((rows[0] as { found: number }).found);
  return found > 0 ? [`${found} ${what}`] : [];
}
