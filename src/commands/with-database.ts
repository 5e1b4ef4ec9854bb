import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { type Config, ConfigError, readConfig } from '../config.ts';
import { connectDatabase, DATABASE_FILE } from '../database.ts';
import { readPosition } from '../engine/log-position.ts';
import { recoverLog } from '../engine/recover.ts';
import { createLog } from '../log.ts';
import { pauseRestored } from '../queue/pause.ts';
import { databaseClock } from '../storage/database-clock.ts';
import type { Db } from '../storage/db.ts';
import type { Restored } from '../storage/heartbeat.ts';
import { lockDataFolder, type ProcessLock } from '../storage/lock.ts';
import { schemaState } from '../storage/migrate.ts';

export interface CommandParts {
  config: Config;
  db: Db;
  /** The clock that all processes on the database agree on. */
  clock: Clock;
}

/**
 * Opens the database beside whatever else runs on it, for one command. It is used as it is: a command that looks must
 * not migrate it under an older program. Where nothing runs, it is first told what a killed program left in its log.
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
    if (db.engine === 'sqlite') await catchUp(config, db);
    const { clock, stop } = await databaseClock(db, systemClock);
    return await work({ config, db, clock }).finally(stop);
  } finally {
    await db.close();
  }
}

export function hasDatabase(config: Config): boolean {
  return config.databaseUrl !== undefined || existsSync(join(config.dataDir, DATABASE_FILE));
}

/** A program that runs works its log in by itself. */
async function catchUp(config: Config, db: Db): Promise<void> {
  if ((await readPosition(db)) === undefined) return;
  const lock = lockIfFree(config);
  if (!lock) return;
  try {
    await recoverStopped(config, db);
  } finally {
    lock.release();
  }
}

/** @returns undefined while another process works on the data folder */
export function lockIfFree({ dataDir }: Config): ProcessLock | undefined {
  try {
    return lockDataFolder(dataDir);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** Works in the log of a program that was killed, as its next start does. The lock of the data folder has to be held. */
export async function recoverStopped(config: Config, db: Db): Promise<void> {
  const now = systemClock.now();
  const log = createLog(config.logLevel);
  const onLost = (found: Restored) => pauseRestored(db, found, now);
  await recoverLog({ db, log, folder: config.dataDir, onLost }, now);
}

export async function requireSchema(db: Db): Promise<void> {
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
