import { join } from 'node:path';
import Database from 'better-sqlite3';
import { ConfigError } from '../config.ts';

/** Held while one process works on a data folder; free at once when that process dies, however it dies. */
export interface ProcessLock {
  release(): void;
}

/** @throws ConfigError when another process works on the folder */
export function lockDataFolder(dataDir: string): ProcessLock {
  const db = new Database(join(dataDir, 'lock.sqlite'), { timeout: 0 });
  try {
    db.pragma('journal_mode = DELETE');
    db.exec('begin exclusive');
  } catch {
    db.close();
    throw new ConfigError(
      `Another Mailwright is running on the data folder ${dataDir}. Stop it first, or start this one with another DATA_DIR and PORT.`,
    );
  }
  return { release: () => db.close() };
}
