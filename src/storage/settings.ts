import type { Tx } from './db.ts';
import { statement } from './statement.ts';

/**
 * Single values of the installation: the first-run token, who used it, the proof of the master key, which installation
 * this is and how far it got, the log of the worker with the number of its last entry that the database knows, and what
 * is paused (all of it, or one workspace).
 */
export type SettingName =
  | 'setup_token'
  | 'first_user'
  | 'master_key_proof'
  | 'instance_epoch'
  | 'instance_beat'
  | 'journal_log'
  | 'pause'
  | `pause:${string}`;

export async function readSetting(db: { read: Tx }, name: SettingName): Promise<string | undefined> {
  return (await db.read.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst())
    ?.value;
}

/** Of several writers at the same moment the first wins. @returns the value that is stored */
export async function keepSetting(tx: Tx, name: SettingName, value: string): Promise<string> {
  await tx
    .insertInto('settings')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  return (await readSetting({ read: tx }, name)) ?? value;
}

export async function deleteSetting(tx: Tx, name: SettingName): Promise<void> {
  await tx.deleteFrom('settings').where('name', '=', name).execute();
}

const putValue = statement(
  `insert into settings (name, value) values (?, ?) on conflict (name) do update set value = excluded.value`,
);

/** In place of what was stored. */
export async function putSetting(tx: Tx, name: SettingName, value: string): Promise<void> {
  await putValue(tx, [name, value]);
}

const allSettings = statement<{ name: string; value: string }>('select name, value from settings');

/** Every setting whose name begins so; there are few. */
export async function settingsNamed(tx: Tx, beginning: string): Promise<{ name: string; value: string }[]> {
  const rows = await allSettings(tx, []);
  return rows.filter((row) => row.name.startsWith(beginning));
}
