import type { Tx } from './db.ts';
import { statement } from './statement.ts';

/**
 * Single values of the installation: the first-run token, who used it, the proof of the master key, which installation
 * this is and how far it got, the last page of the worker's journal, and what is paused (all of it, or one workspace).
 */
export type SettingName =
  | 'setup_token'
  | 'first_user'
  | 'master_key_proof'
  | 'instance_epoch'
  | 'instance_beat'
  | 'journal_page'
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

/** In place of what was stored. */
export async function putSetting(tx: Tx, name: SettingName, value: string): Promise<void> {
  await tx
    .insertInto('settings')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

const allSettings = statement<{ name: string; value: string }>('select name, value from settings');

/** Every setting whose name begins so; there are few. */
export async function settingsNamed(tx: Tx, beginning: string): Promise<{ name: string; value: string }[]> {
  const rows = await allSettings(tx, []);
  return rows.filter((row) => row.name.startsWith(beginning));
}

const beginPages = statement(
  `insert into settings (name, value) values ('journal_page', ?)
  on conflict (name) do update set value = excluded.value`,
);
const nextPage = statement<{ name: string }>(
  `update settings set value = ? where name = 'journal_page' and value = ? returning name`,
);

/**
 * Writes down that a page of the worker's journal is stored, in its own transaction.
 * @param follows the number of the page that has to be stored before it; undefined when that is known
 * @returns false when it is not: then this one must not be stored either
 */
export async function followPage(
  tx: Tx,
  owner: string,
  number: number,
  follows: number | undefined,
): Promise<boolean> {
  const own = `${owner} ${number}`;
  if (follows !== undefined) return (await nextPage(tx, [own, `${owner} ${follows}`])).length === 1;
  await beginPages(tx, [own]);
  return true;
}
