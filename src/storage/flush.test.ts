import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { testApp } from '../testing/test-app.ts';
import type { Db } from './db.ts';
import { LogFlusher } from './log-flusher.ts';
import { putSetting, readSetting } from './settings.ts';
import { openSqlite } from './sqlite.ts';
import { testDb, testFolder } from './testing.ts';

// A disk that refuses a flush, or is slow. It cannot be ordered for a test, so the call of the system answers as it would.
const disk = vi.hoisted(() => ({
  isBroken: false,
  isSlow: false,
  waiting: [] as (() => void)[],
}));
vi.mock(import('node:fs'), async (original) => {
  const fs = await original();
  const fdatasync = (fd: number, done: (error: NodeJS.ErrnoException | null) => void) => {
    if (disk.isBroken) done(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }));
    else if (disk.isSlow) disk.waiting.push(() => fs.fdatasync(fd, done));
    else fs.fdatasync(fd, done);
  };
  return { ...fs, fdatasync: fdatasync as typeof fs.fdatasync };
});
beforeEach(() => {
  Object.assign(disk, { isBroken: false, isSlow: false, waiting: [] });
});

const FAILED = 'The disk did not keep what was written';

test('a flush that fails fails its group and every write after it, also one that finds nothing to change', async () => {
  const db: Db = await testDb(testFolder(), async (place) => openSqlite(join(place, 'test.db')));
  disk.isBroken = true;
  await expect(db.write((tx) => putSetting(tx, 'pause', 'lost'))).rejects.toThrow(FAILED);
  disk.isBroken = false; // the system reports a page once, and forgets it
  await expect(db.write((tx) => putSetting(tx, 'pause', 'later'))).rejects.toThrow(FAILED);
  await expect(db.write((tx) => readSetting({ ...db, read: tx }, 'pause'))).rejects.toThrow(FAILED);
});

test('a call whose flush failed is not answered with 202 when it is repeated with its key', async () => {
  const running = await testApp({ start: false, clock: new FakeClock() });
  onTestFinished(() => running.stop());
  const send = async () => {
    const body = { rcpt: 'ann@example.org', subject: 'Hello', text: 'Hello' };
    return (await running.call('POST', '/v1/messages', body, { 'idempotency-key': 'k1' })).status;
  };
  disk.isBroken = true;
  expect(await send()).toBeGreaterThanOrEqual(500);
  disk.isBroken = false;
  expect(await send()).toBeGreaterThanOrEqual(500);
});

test('groups commit while a flush is under way, two flushes at most; each is told when the disk has it, in order', async () => {
  const db: Db = await testDb(testFolder(), async (place) => openSqlite(join(place, 'test.db')));
  disk.isSlow = true;
  const told: string[] = [];
  const written: Promise<unknown>[] = [];
  /** Resolves when it is committed, flushed or not. */
  const put = async (value: string) => {
    written.push(db.write((tx) => putSetting(tx, 'pause', value)).then(() => told.push(value)));
    while ((await readSetting(db, 'pause')) !== value) await new Promise((turn) => setImmediate(turn));
  };
  for (const value of ['first', 'second', 'third', 'fourth']) await put(value);
  const looked = db.write((tx) => readSetting({ ...db, read: tx }, 'pause')).then(() => told.push('looked'));
  await new Promise((turn) => setImmediate(turn));
  expect([disk.waiting.length, told]).toEqual([2, []]);
  disk.waiting.pop()!(); // the second's: now there is a place for the next, which is the third's and the fourth's
  while (disk.waiting.length < 2) await new Promise((turn) => setImmediate(turn));
  expect(told).toEqual([]);
  disk.waiting.shift()!();
  while (told.length < 2) await new Promise((turn) => setImmediate(turn));
  expect([disk.waiting.length, told]).toEqual([1, ['first', 'second']]);
  disk.waiting.shift()!();
  await Promise.all([...written, looked]);
  expect(told).toEqual(['first', 'second', 'third', 'fourth', 'looked']);
});

/** So many that flush the log of one database, in which something is written. */
async function flushers(count: number): Promise<LogFlusher[]> {
  const place = join(testFolder(), 'test.db');
  const db = await testDb(place, async (file) => openSqlite(file));
  await db.write((tx) => putSetting(tx, 'pause', 'first'));
  const made = Array.from({ length: count }, () => new LogFlusher(`${place}-wal`));
  onTestFinished(() => {
    for (const one of made) one.close();
  });
  return made;
}

test('of two that flush the same log, one that was refused stops both', async () => {
  const [one, other] = (await flushers(2)) as [LogFlusher, LogFlusher];
  other.share(one.share());
  await Promise.all([one.flush(true), other.flush(true)]);
  disk.isBroken = true;
  await expect(one.flush(true)).rejects.toThrow(FAILED);
  disk.isBroken = false;
  await expect(other.flush(true)).rejects.toThrow(FAILED);
});

test('who reads what the other one of two committed waits until it is on the disk', async () => {
  const [flusher] = (await flushers(1)) as [LogFlusher];
  flusher.share();
  disk.isSlow = true;
  const looked = flusher.flush(false);
  expect(disk.waiting).toHaveLength(1);
  disk.waiting.shift()!();
  await looked;
});
