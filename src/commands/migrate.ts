import { systemClock } from '../clock.ts';
import { readConfig } from '../config.ts';
import { openDatabase } from '../database.ts';

/** Brings the database to this version's schema; starting the program does the same. */
export async function migrateCommand(): Promise<number> {
  const config = readConfig(process.env, process.cwd());
  const db = await openDatabase(config, systemClock);
  await db.close();
  process.stdout.write(`The database in ${config.dataDir} has the schema of this version.\n`);
  return 0;
}
