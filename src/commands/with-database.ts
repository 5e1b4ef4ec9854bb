import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { connectDatabase, DATABASE_FILE } from '../app.ts';
import { type Clock, systemClock } from '../clock.ts';
import { type Config, ConfigError, readConfig } from '../config.ts';
import { databaseClock } from '../storage/database-clock.ts';
import type { Db } from '../storage/db.ts';
import { schemaState } from '../storage/migrate.ts';

export interface CommandParts {
  config: Config;
  db: Db;
  /** The clock that all processes on the database agree on. */
  clock: Clock;
}

/**
 * Opens the database beside whatever else runs on it, for one command. It is used as it is: a command that looks must
 * not migrate it under an older program.
 * @throws ConfigError when there is none, or its schema is not this program's
 */
export async function withDatabase<T>(work: (parts: CommandParts) => Promise<T>): Promise<T> {
  const config = readConfig(process.env, process.cwd());
  if (!hasDatabase(config))
    throw new ConfigError(
      `There is no database in ${config.dataDir}. Set DATA_DIR, or start Mailwright first.`,
    );
  const db = await connectDatabase(config);
  try {
    await requireSchema(db);
    const { clock, stop } = await databaseClock(db, systemClock);
    return await work({ config, db, clock }).finally(stop);
  } finally {
    await db.close();
  }
}

export function hasDatabase(config: Config): boolean {
  return config.databaseUrl !== undefined || existsSync(join(config.dataDir, DATABASE_FILE));
}

async function requireSchema(db: Db): Promise<void> {
  const { current, newest } = await schemaState(db);
  if (current < newest)
    throw new ConfigError(
      `The database has schema ${current}, this program needs ${newest}. Stop the older Mailwright and run: mailwright migrate`,
    );
  if (current > newest)
    throw new ConfigError(
      `The database has schema ${current}, this program knows up to ${newest}. Use the Mailwright that wrote it.`,
    );
}

/** Who runs this command, as the audit log names it. */
export function operatorId(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    // A user without a name, as containers have them.
    return `cli:${process.getuid?.() ?? 'unknown'}`;
  }
}

/** One document for a machine, or lines for a person. */
export function print(json: boolean | undefined, document: unknown, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(document)}\n` : `${lines.join('\n')}\n`);
}
