import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../clock.ts';
import { type Config, ConfigError, readConfig } from '../config.ts';
import { lockDataFolder } from '../storage/lock.ts';
import { type Moved, moveInstallation, type Progress } from '../storage/move.ts';
import { openSource, type Source } from '../storage/move-source.ts';
import { openPostgres } from '../storage/postgres.ts';
import { openSqlite } from '../storage/sqlite.ts';
import { recoverStopped, requireSchema } from './with-database.ts';

/** Copies the stopped installation in the data folder into the PostgreSQL of DATABASE_URL; repeated, it compares. */
export async function moveToPostgresCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean' } } });
  const config = readConfig(process.env, process.cwd());
  const began = systemClock.monotonic();
  const moved = await move(config);
  const seconds = Math.round((systemClock.monotonic() - began) / 100) / 10;
  process.stdout.write(
    values.json ? `${JSON.stringify({ ...moved, seconds })}\n` : report(config, moved, seconds),
  );
  return 0;
}

async function move(config: Config): Promise<Moved> {
  if (config.databaseUrl === undefined)
    throw new ConfigError('Set DATABASE_URL to the empty PostgreSQL database to move to.');
  const file = databaseFile(config);
  if (!existsSync(file))
    throw new ConfigError(
      `There is no database in ${config.dataDir}. Set DATA_DIR to the data folder to move.`,
    );
  const lock = lockDataFolder(config.dataDir);
  try {
    const target = await openPostgres(config.databaseUrl);
    try {
      const source = await sourceOf(config, file);
      try {
        return await moveInstallation(source, target, {
          now: systemClock.now(),
          onProgress: progressLines(),
        });
      } finally {
        source.close();
      }
    } finally {
      await target.close();
    }
  } finally {
    lock.release();
  }
}

/** The database, when it knows what a killed program left in its log. */
async function sourceOf(config: Config, file: string): Promise<Source> {
  const source = openSource(file);
  if (!source.isBehindLog) return source;
  source.close();
  const db = openSqlite(file);
  try {
    await requireSchema(db);
    await recoverStopped(config, db);
  } finally {
    await db.close();
  }
  return openSource(file);
}

function databaseFile(config: Config): string {
  return join(config.dataDir, 'mailwright.db');
}

/** A line on stderr for each tenth. */
function progressLines(): (progress: Progress) => void {
  let last = '';
  return ({ step, table, rows, total }) => {
    const now = `${step} ${Math.floor((10 * rows) / total)}`;
    if (now === last) return;
    last = now;
    process.stderr.write(`${step} ${counted(rows)} of ${counted(total)} rows (${table})\n`);
  };
}

const counted = (rows: number) => rows.toLocaleString('en-US');

function report(config: Config, { rows, copied, tables }: Moved, seconds: number): string {
  const key = config.masterKey === undefined ? config.masterKeyFile : 'MASTER_KEY, as it is set now';
  const done = `${counted(rows)} rows in ${Object.keys(tables).length} tables, all compared, in ${seconds} s.`;
  return `${copied ? 'Moved:' : 'Everything was there already:'} ${done}

Next:
  1. Keep the master key; without it stored passwords cannot be read:
     ${key}
  2. Put the old database away, with -wal and -shm beside it. It still holds the queue,
     which would go out a second time if Mailwright were started without DATABASE_URL again:
     ${databaseFile(config)}
  3. Start Mailwright with this DATABASE_URL.
`;
}
