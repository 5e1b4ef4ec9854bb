import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from './clock.ts';
import { type Config, ConfigError } from './config.ts';
import type { Db, SharedWrites } from './storage/db.ts';
import type { Disk } from './storage/disk.ts';
import { migrate } from './storage/migrate.ts';

/** The embedded database, in the data folder. */
export const DATABASE_FILE = 'mailwright.db';

/** The thread that writes the embedded database. */
const WRITER = new URL('./writer.ts', import.meta.url);

export interface DatabaseOptions {
  disk?: Disk;
  /** What every message needs is written by a thread of its own. */
  writesBeside?: boolean;
  /** Of another thread of this process, which has opened it. */
  shared?: SharedWrites;
}

/** Opens the database of the settings as it is. @throws ConfigError */
export async function connectDatabase(
  config: Config,
  { disk, writesBeside, shared }: DatabaseOptions = {},
): Promise<Db> {
  makeDataFolder(config.dataDir);
  // Each engine brings a driver; only the one in use is loaded.
  if (config.databaseUrl !== undefined)
    return (await import('./storage/postgres.ts')).openPostgres(config.databaseUrl);
  const { openSqlite } = await import('./storage/sqlite.ts');
  return openSqlite(join(config.dataDir, DATABASE_FILE), {
    shared,
    ...(disk ? { whenFull: () => disk.full() } : {}),
    ...(writesBeside ? { thread: { entry: WRITER, data: { selfTest: config.selfTest } } } : {}),
  });
}

/** Opens and migrates the database of the settings. @throws ConfigError */
export async function openDatabase(config: Config, clock: Clock, options?: DatabaseOptions): Promise<Db> {
  const db = await connectDatabase(config, options);
  try {
    await migrate(db, clock.now());
  } catch (error) {
    await db.close();
    throw error;
  }
  return db;
}

function makeDataFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ConfigError(
      `The data folder ${dataDir} cannot be made (${(error as Error).message}). Set DATA_DIR to a folder this user can write.`,
    );
  }
}
