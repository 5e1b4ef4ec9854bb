import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../config.ts';
import type { Db } from './db.ts';
import { MIGRATIONS, migrate } from './migrate.ts';
import { openSqlite } from './sqlite.ts';
import { NOON, testDb, testFolder } from './testing.ts';

const NAMES = MIGRATIONS.map((step) => step.name);
const VERSIONS = MIGRATIONS.map((step) => step.version);

describe('a migration', () => {
  test('has the number that follows the one before', () => {
    expect(VERSIONS).toEqual(VERSIONS.map((_, at) => at + 1));
  });

  test('brings a fresh database to the schema that is written down', async () => {
    await expect(await schemaOf(await testDb())).toMatchFileSnapshot('schema.sql');
  });

  test('runs once, however often it is asked for', async () => {
    const db = openSqlite(join(testFolder(), 'test.db'));
    expect(await migrate(db, NOON)).toEqual(NAMES);
    const before = await schemaOf(db);
    expect(await migrate(db, NOON)).toEqual([]);
    expect(await schemaOf(db)).toBe(before);
    await db.close();
  });

  test('runs once when two processes start together', async () => {
    const file = join(testFolder(), 'test.db');
    const [one, two] = [openSqlite(file), openSqlite(file)];
    const applied = await Promise.all([migrate(one, NOON), migrate(two, NOON)]);
    expect(applied.flat()).toEqual(NAMES);
    await Promise.all([one.close(), two.close()]);
  });

  test('refuses a database that a newer program wrote, and leaves it as it is', async () => {
    const db = await testDb();
    await db.write((tx) =>
      sql`insert into schema_versions (version, name, applied_at) values (99, 'later', ${NOON})`.execute(tx),
    );
    const refused = migrate(db, NOON);
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow(
      `The database has schema 99, this program knows up to ${VERSIONS.at(-1)}. Start the newer Mailwright`,
    );
    const { rows } = await sql<{ version: number }>`select version from schema_versions order by 1`.execute(
      db.read,
    );
    expect(rows.map((row) => row.version)).toEqual([...VERSIONS, 99]);
  });
});

describe('a database that cannot be written is refused in words', () => {
  const refusal = /cannot be opened for writing .*Give this user write access to it and its folder/;

  test('in a folder that does not exist', () => {
    expect(() => openSqlite(join(testFolder(), 'missing', 'test.db'))).toThrow(refusal);
  });

  test('where a folder has its name', () => {
    const file = join(testFolder(), 'test.db');
    mkdirSync(file);
    expect(() => openSqlite(file)).toThrow(refusal);
  });

  test('when the file is read-only', async () => {
    const folder = testFolder();
    const file = join(folder, 'test.db');
    const db = openSqlite(file);
    await migrate(db, NOON);
    await db.close();
    chmodSync(file, 0o444);
    chmodSync(folder, 0o555);
    try {
      asOrdinaryUser(() => expect(() => openSqlite(file)).toThrow(refusal));
    } finally {
      chmodSync(folder, 0o755);
    }
  });
});

/** Root may write anywhere, so a test that root runs becomes somebody else for a moment. */
function asOrdinaryUser(act: () => void): void {
  if (process.geteuid?.() !== 0) {
    act();
    return;
  }
  process.seteuid!(65_534);
  try {
    act();
  } finally {
    process.seteuid!(0);
  }
}

async function schemaOf(db: Db): Promise<string> {
  const { rows } = await sql<{
    sql: string;
  }>`select sql from sqlite_master where sql is not null order by tbl_name, type desc, name`.execute(db.read);
  return `-- The schema after all migrations, on SQLite. Written by migrate.test.ts.\n\n${rows.map((row) => `${row.sql};\n`).join('\n')}`;
}
