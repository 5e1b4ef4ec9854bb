import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SETTINGS } from '../config.ts';
import { newToken } from '../ids.ts';
import { openPostgres } from '../storage/postgres.ts';
import { openSqlite } from '../storage/sqlite.ts';
import { dropSchema, findFaults, makeSchema } from './store.ts';

/** Data of one self-test: nothing of it was there before, and nothing of it is there after `remove`. */
export interface ThrowAway {
  engine: 'sqlite' | 'postgres';
  folder: string;
  /** Settings under which the program works on it, and may be told to fail there. */
  settings: Record<string, string>;
  /** What is wrong inside, as sentences. Asked when every process has ended. */
  faults(): Promise<string[]>;
  remove(): Promise<void>;
}

const PREFIX = 'mailwright-selftest-';

/** A temporary folder, and on PostgreSQL a schema of its own in the named database. @throws ConfigError */
export async function throwAwayData(databaseUrl: string | undefined): Promise<ThrowAway> {
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  const own = {
    // Nothing of an installation that this shell is set up for.
    ...Object.fromEntries(SETTINGS.map(([name]) => [name, ''])),
    DATA_DIR: folder,
    PORT: '0',
    LOG_LEVEL: 'error',
    MAILWRIGHT_SELFTEST: folder,
  };
  if (databaseUrl === undefined) {
    const file = join(folder, 'mailwright.db');
    return {
      engine: 'sqlite',
      folder,
      settings: own,
      faults: () => withDb(openSqlite(file), findFaults),
      remove: async () => removeFolder(),
    };
  }
  const schema = `mailwright_selftest_${newToken(8)
    .replace(/[^a-z0-9]/gi, '0')
    .toLowerCase()}`;
  try {
    await withDb(await openPostgres(databaseUrl), (db) => makeSchema(db, schema));
  } catch (error) {
    removeFolder();
    throw error;
  }
  const url = inSchema(databaseUrl, schema);
  return {
    engine: 'postgres',
    folder,
    settings: { ...own, DATABASE_URL: url },
    faults: async () => withDb(await openPostgres(url), findFaults),
    async remove() {
      removeFolder();
      await withDb(await openPostgres(databaseUrl), (db) => dropSchema(db, schema));
    },
  };
}

/** Every table that is named without its schema is then the one in there. */
function inSchema(databaseUrl: string, schema: string): string {
  const url = new URL(databaseUrl);
  url.searchParams.set('options', `-c search_path=${schema}`);
  return url.href;
}

async function withDb<D extends { close(): Promise<void> }, T>(
  db: D,
  work: (db: D) => Promise<T>,
): Promise<T> {
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}
