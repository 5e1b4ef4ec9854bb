import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AppError } from '../errors.ts';
import { Disk, FLOOR_BYTES, freeSpaceOf } from './disk.ts';
import { migrate } from './migrate.ts';
import { putSetting, readSetting } from './settings.ts';
import { openSqlite } from './sqlite.ts';
import { NOON, testFolder } from './testing.ts';

const MB = 1024 * 1024;
const PLENTY = 10 * FLOOR_BYTES;

function watched() {
  const folder = testFolder();
  const space = { free: PLENTY };
  const disk = new Disk(folder, async () => space.free);
  const at = async (free: number) => {
    space.free = free;
    await disk.look();
    return disk.low;
  };
  return { disk, at, ballast: join(folder, 'ballast') };
}

describe('a disk', () => {
  test('with room gets a ballast beside the database', async () => {
    const { at, ballast } = watched();
    expect(await at(PLENTY)).toBe(false);
    expect(statSync(ballast).size).toBe(8 * MB);
  });

  test('below the floor stops intake with a code, a status and a time to come back', async () => {
    const { disk, at, ballast } = watched();
    await at(PLENTY);
    expect(() => disk.refuseWhenLow()).not.toThrow();
    expect(await at(FLOOR_BYTES - 1)).toBe(true);
    expect(existsSync(ballast)).toBe(true);
    let refusal: unknown;
    try {
      disk.refuseWhenLow();
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(AppError);
    expect(refusal).toMatchObject({ code: 'disk_full', status: 503, detail: { retryAfterSeconds: 60 } });
  });

  test('that is really full gives up its ballast', async () => {
    const { at, ballast } = watched();
    await at(PLENTY);
    expect(await at(1 * MB)).toBe(true);
    expect(existsSync(ballast)).toBe(false);
  });

  test('goes on when there is room for the ballast above the floor, not at the floor itself', async () => {
    const { at, ballast } = watched();
    expect(await at(0)).toBe(true);
    expect(await at(FLOOR_BYTES + 1)).toBe(true);
    expect(await at(FLOOR_BYTES + 16 * MB)).toBe(false);
    expect(existsSync(ballast)).toBe(true);
  });

  test('that cannot be asked is judged as before', async () => {
    let fails = false;
    const disk = new Disk(testFolder(), () =>
      fails ? Promise.reject(new Error('gone')) : Promise.resolve(0),
    );
    await disk.look();
    fails = true;
    await disk.look();
    expect(disk.low).toBe(true);
  });

  test('of this machine is measured', async () => {
    expect(await freeSpaceOf(testFolder())()).toBeGreaterThan(0);
  });
});

test('a write that finds the database full is run again after the ballast is gone, and fails where there is none', async () => {
  const folder = testFolder();
  let ballast = true;
  const asked: boolean[] = [];
  const db = openSqlite(join(folder, 'test.db'), {
    whenFull() {
      const freed = ballast;
      asked.push(freed);
      ballast = false;
      return freed;
    },
  });
  onTestFinished(() => db.close());
  await migrate(db, NOON);
  const full = () => Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
  let runs = 0;
  await db.write(async (tx) => {
    await putSetting(tx, 'pause', `run ${++runs}`);
    // As SQLite does on a full disk: the whole transaction is gone, and the statement says why.
    if (runs === 1) {
      await sql`rollback`.execute(tx);
      throw full();
    }
  });
  expect([runs, await readSetting(db, 'pause')]).toEqual([2, 'run 2']);
  const failed = db.write(async (tx) => {
    await sql`rollback`.execute(tx);
    throw full();
  });
  await expect(failed).rejects.toMatchObject({ code: 'SQLITE_FULL' });
  expect(asked).toEqual([true, false]);
});

test('a real small disk fills up, outcomes are still written, and it goes on when it is freed', async (context) => {
  const folder = tmpfs(96);
  if (folder === undefined) return context.skip('needs root, and the right to mount a tmpfs');
  const disk = new Disk(folder);
  const db = openSqlite(join(folder, 'test.db'), { whenFull: () => disk.full() });
  try {
    await migrate(db, NOON);
    await disk.look();
    expect([disk.low, existsSync(join(folder, 'ballast'))]).toEqual([false, true]);

    fill(join(folder, 'stranger'));
    const outcome = 'x'.repeat(1 * MB);
    await db.write((tx) => putSetting(tx, 'pause', outcome));
    expect(await readSetting(db, 'pause')).toBe(outcome);
    expect([disk.low, existsSync(join(folder, 'ballast'))]).toEqual([true, false]);
    expect(() => disk.refuseWhenLow()).toThrow('nearly full');

    rmSync(join(folder, 'stranger'));
    await disk.look();
    expect([disk.low, existsSync(join(folder, 'ballast'))]).toEqual([false, true]);
  } finally {
    await db.close();
    spawnSync('/bin/umount', [folder]);
  }
});

/** A file system in memory, or undefined where this user may not mount one. */
function tmpfs(megabytes: number): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const folder = testFolder();
  const done = spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
  return done.status === 0 ? folder : undefined;
}

/** Another program takes all that is left. */
function fill(file: string): void {
  const chunk = Buffer.alloc(MB);
  try {
    for (;;) writeFileSync(file, chunk, { flag: 'a' });
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  }
}
