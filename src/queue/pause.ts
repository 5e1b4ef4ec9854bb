import { iso } from '../clock.ts';
import { audit } from '../events/record.ts';
import type { Db, Tx } from '../storage/db.ts';
import type { Restored } from '../storage/heartbeat.ts';
import { deleteSetting, putSetting, type SettingName, settingsNamed } from '../storage/settings.ts';

/** Why nothing is sent, for the whole installation or for one workspace. Stored, so it outlives a restart. */
export interface Pause {
  /** `held`: somebody said so. `restored`: the database is an older copy, and what it holds may have gone out since. */
  code: 'held' | 'restored';
  reason: string;
  /** ms */
  since: number;
  /** After a restore: the last moment at which what is queued here may have been sent, ms. */
  until?: number;
}

/** All pauses; the key is a workspace, or '' for the whole installation. */
export type Pauses = ReadonlyMap<string, Pause>;

export async function pausesOf(db: { read: Tx }): Promise<Pauses> {
  const rows = await settingsNamed(db.read, 'pause');
  return new Map(rows.map((row) => [row.name.slice('pause:'.length), JSON.parse(row.value) as Pause]));
}

/** What stops a workspace's messages, if anything does. */
export async function pauseOf(db: { read: Tx }, workspaceId: string): Promise<Pause | undefined> {
  const pauses = await pausesOf(db);
  return pauses.get('') ?? pauses.get(workspaceId);
}

export interface Operator {
  /** Who runs the command, for the audit log. */
  id: string;
  /** Null: the whole installation. */
  workspaceId: string | null;
}

/** Pauses sending until `releaseSending`; accepting goes on. One that stands is left as it is. */
export function holdSending(db: Db, operator: Operator, now: number): Promise<Pause> {
  return db.write(async (tx) => {
    const known = (await pausesOf({ read: tx })).get(operator.workspaceId ?? '');
    if (known) return known;
    const pause: Pause = { code: 'held', reason: 'Sending was paused by hand.', since: now };
    await putSetting(tx, nameOf(operator.workspaceId), JSON.stringify(pause));
    await note(tx, operator, 'queue.held', {}, now);
    return pause;
  });
}

/** Ends a pause. @returns the pause that ended, or undefined when there was none */
export function releaseSending(db: Db, operator: Operator, now: number): Promise<Pause | undefined> {
  return db.write(async (tx) => {
    const known = (await pausesOf({ read: tx })).get(operator.workspaceId ?? '');
    if (!known) return undefined;
    await deleteSetting(tx, nameOf(operator.workspaceId));
    await note(tx, operator, 'queue.released', { code: known.code, since: iso(known.since) }, now);
    return known;
  });
}

/** The database is an older copy: nothing is sent until a person has looked. Outranks a pause by hand. */
export async function pauseRestored(db: Db, { reason, until }: Restored, now: number): Promise<void> {
  const said = `${reason} Messages it holds as queued may have gone out since.`;
  await db.write(async (tx) => {
    const pause: Pause = { code: 'restored', reason: said, since: now, until };
    await putSetting(tx, 'pause', JSON.stringify(pause));
    await note(tx, { id: 'program', workspaceId: null }, 'queue.held', { code: 'restored' }, now);
  });
}

function nameOf(workspaceId: string | null): SettingName {
  return workspaceId === null ? 'pause' : `pause:${workspaceId}`;
}

/** What concerns every workspace is written down under none. */
async function note(
  tx: Tx,
  { id, workspaceId }: Operator,
  action: string,
  detail: Record<string, unknown>,
  now: number,
): Promise<void> {
  await audit(tx, { id, workspaceId: workspaceId ?? '' }, action, workspaceId ?? 'installation', detail, now);
}
