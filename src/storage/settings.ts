import type { Tx } from './db.ts';

/** Single values of the installation: the first-run token, the proof of the master key. */
export type SettingName = 'setup_token' | 'master_key_proof';

export async function readSetting(db: { read: Tx }, name: SettingName): Promise<string | undefined> {
  return (await db.read.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst())
    ?.value;
}

export async function writeSetting(tx: Tx, name: SettingName, value: string): Promise<void> {
  await tx
    .insertInto('settings')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

export async function deleteSetting(tx: Tx, name: SettingName): Promise<void> {
  await tx.deleteFrom('settings').where('name', '=', name).execute();
}
