import { newToken } from '../ids.ts';
import type { Tx } from '../storage/db.ts';
import { putSetting, readSetting } from '../storage/settings.ts';

/** Which log the worker writes, and the number of its last entry that the database knows. */
export interface LogPosition {
  /** Of the file in the data folder. */
  name: string;
  last: number;
}

const LOG_NAME = /^journal-[\w-]+\.log$/;

export function newLogName(): string {
  return `journal-${newToken(8)}.log`;
}

export function isLogName(name: string): boolean {
  return LOG_NAME.test(name);
}

/** Undefined where no log is in use, and none was left. */
export async function readPosition(db: { read: Tx }): Promise<LogPosition | undefined> {
  const text = await readSetting(db, 'journal_log');
  if (text === undefined) return undefined;
  const [name, last] = text.split(' ') as [string, string];
  return { name, last: Number(last) };
}

export function putPosition(tx: Tx, { name, last }: LogPosition): Promise<void> {
  return putSetting(tx, 'journal_log', `${name} ${last}`);
}
