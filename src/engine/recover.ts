import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../errors.ts';
import type { Log } from '../log.ts';
import { readLog, remove } from '../storage/append-log.ts';
import type { Db } from '../storage/db.ts';
import type { Restored } from '../storage/heartbeat.ts';
import { deleteSetting } from '../storage/settings.ts';
import { isLogName, readPosition } from './log-position.ts';
import { record } from './page.ts';

export interface RecoverParts {
  db: Db;
  log: Log;
  /** The data folder. */
  folder: string;
  /** Told why messages may have gone out of which nobody knows: the log is gone. */
  onLost: (found: Restored) => Promise<void>;
}

/**
 * Works into the database what a worker that was killed left in its log. Called before anything is claimed, by the only
 * process that works on the folder; without a log it changes nothing. Killed at any moment, it is done again.
 */
export async function recoverLog({ db, log, folder, onLost }: RecoverParts, now: number): Promise<void> {
  const position = await readPosition(db);
  if (position !== undefined) {
    const { name, last } = position;
    const texts = await readLog(join(folder, name), last);
    if (texts) await record(db, { texts, position: undefined }, log);
    else
      await onLost({
        reason: `The file ${name} is missing in the data folder: it says what was sent last.`,
        until: now,
      });
    await db.write((tx) => deleteSetting(tx, 'journal_log'));
  }
  await removeLogs(folder, log);
}

/** Also one that was made, and of which the database was not told. */
async function removeLogs(folder: string, log: Log): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!isLogName(name)) continue;
    await remove(join(folder, name)).catch((error) => {
      log.error({ error: errorText(error) }, `the file ${name} could not be removed`);
    });
  }
}
