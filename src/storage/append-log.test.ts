import { existsSync, statSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { AppendLog, HALF_BYTES, MAX_FLUSHES, readLog, remove } from './append-log.ts';
import { testFolder } from './testing.ts';

// A disk that refuses, or is slow. It cannot be ordered for a test, so the calls of the system answer as it would.
const disk = vi.hoisted(() => ({
  refusesWrites: false,
  refusesFlushes: false,
  isSlow: false,
  waiting: [] as { file: number; end: (error?: Error) => void }[],
}));
vi.mock(import('node:fs'), async (original) => {
  const fs = await original();
  const refused = (code: string) => Object.assign(new Error(`${code}: refused`), { code });
  const fdatasync = (file: number, done: (error: Error | null) => void) => {
    if (disk.refusesFlushes) done(refused('EIO'));
    else if (disk.isSlow) disk.waiting.push({ file, end: (error) => done(error ?? null) });
    else fs.fdatasync(file, done);
  };
  const writeSync = (...args: [number, Buffer]) => {
    if (disk.refusesWrites) throw refused('ENOSPC');
    return fs.writeSync(...args);
  };
  return { ...fs, fdatasync: fdatasync as typeof fs.fdatasync, writeSync: writeSync as typeof fs.writeSync };
});
beforeEach(() => {
  Object.assign(disk, { refusesWrites: false, refusesFlushes: false, isSlow: false, waiting: [] });
});

const FAILED = 'The disk did not keep what was written';
/** Of 16 that fill a half, with what stands before it. */
const LONG = 'x'.repeat(HALF_BYTES / 16 - 32);

async function fresh(): Promise<{ log: AppendLog; path: string }> {
  const path = join(testFolder(), 'journal-test.log');
  const log = await AppendLog.create(path);
  onTestFinished(() => log.close());
  return { log, path };
}

async function append(log: AppendLog, ...texts: string[]): Promise<void> {
  for (const text of texts) await log.append(text);
}

/** As power does that is lost within a write. */
async function overwrite(path: string, position: number, text: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(text, position);
  await file.close();
}

test('what was added is read in its order, all of it or what follows a number', async () => {
  const { log, path } = await fresh();
  await append(log, 'one', 'two', 'three');
  expect(log.last).toBe(3);
  expect(await readLog(path, 0)).toEqual(['one', 'two', 'three']);
  expect(await readLog(path, 2)).toEqual(['three']);
  expect(await readLog(path, 3)).toEqual([]);
});

test('it has its whole length from the start, for its owner alone, and is not there twice', async () => {
  const { path } = await fresh();
  const { size, mode } = statSync(path);
  expect([size, mode & 0o777]).toEqual([2 * HALF_BYTES, 0o600]);
  await expect(AppendLog.create(path)).rejects.toThrow('EEXIST');
  expect(existsSync(path)).toBe(true);
});

test('of two halves, one takes entries while those of the other are still to be read', async () => {
  const { log, path } = await fresh();
  await append(log, 'one', 'two');
  log.turnOver();
  await append(log, 'three');
  expect(await readLog(path, 0)).toEqual(['one', 'two', 'three']);
  log.turnOver(); // one and two are in the database
  await append(log, 'four');
  expect(await readLog(path, 2)).toEqual(['three', 'four']);
});

test('what is left of older entries behind the latest is not read', async () => {
  const { log, path } = await fresh();
  await append(log, ...Array.from({ length: 9 }, (_, at) => `old ${at}`));
  log.turnOver();
  log.turnOver();
  await append(log, 'new0'); // as long as the one it replaces: the next line is whole, and older
  expect(await readLog(path, 9)).toEqual(['new0']);
  expect(await readLog(path, 0)).toEqual([]); // 1 is overwritten, so nothing follows on 0
});

test('an entry that was torn is none, and neither is what was written behind it', async () => {
  const { log, path } = await fresh();
  await append(log, 'whole', 'torn', 'behind');
  const { length } = 'n xxxxxxxx whole\n';
  await overwrite(path, length + 12, '?');
  expect(await readLog(path, 0)).toEqual(['whole']);
});

test('what was written into the other half behind a torn entry is none either', async () => {
  const { log, path } = await fresh();
  await append(log, 'torn');
  log.turnOver();
  await append(log, 'behind');
  await overwrite(path, 12, '?');
  expect(await readLog(path, 0)).toEqual([]);
});

test('a file that was cut is read up to there', async () => {
  const { log, path } = await fresh();
  await append(log, 'one', 'two');
  truncateSync(path, 'n xxxxxxxx one\n'.length + 3);
  expect(await readLog(path, 0)).toEqual(['one']);
});

test('a half that is full takes nothing, until it is the turn of the other', async () => {
  const { log, path } = await fresh();
  const taken: string[] = [];
  for (let at = 0; ; at++) {
    const text = `${at} ${LONG}`;
    const written = log.append(text);
    if (written === undefined) break;
    await written;
    taken.push(text);
  }
  expect(taken).toHaveLength(16);
  log.turnOver();
  await append(log, 'after');
  expect(await readLog(path, 0)).toEqual([...taken, 'after']);
});

test.each(['Łódź 📬 日本', '{"reply":"250 a\u2028b\u2029c"}', '\ufeff \u0085 \\r\\n'])(
  'any text comes back as it was: %j',
  async (text) => {
    const { log, path } = await fresh();
    await append(log, text, 'next');
    expect(await readLog(path, 0)).toEqual([text, 'next']);
  },
);

test('a flush that is refused says so, and the log takes nothing more', async () => {
  const { log } = await fresh();
  await append(log, 'one');
  disk.refusesFlushes = true;
  await expect(log.append('two')).rejects.toThrow(FAILED);
  disk.refusesFlushes = false; // the system says it once, and forgets what it could not write
  expect(log.append('three')).toBeUndefined();
});

test('a write that is refused says so, and the log takes nothing more', async () => {
  const { log, path } = await fresh();
  await append(log, 'one');
  disk.refusesWrites = true;
  await expect(log.append('two')).rejects.toThrow(FAILED);
  disk.refusesWrites = false;
  expect(log.append('three')).toBeUndefined();
  expect(await readLog(path, 0)).toEqual(['one']);
});

/** Two entries whose flushes the test ends. */
async function twoUnderWay() {
  const { log } = await fresh();
  disk.isSlow = true;
  const told: string[] = [];
  const add = (text: string) =>
    log.append(text)!.then(
      () => told.push(text),
      (error: Error) => told.push(`${text}: ${error.message}`),
    );
  const both = Promise.all([add('one'), add('two')]);
  const [first, second] = disk.waiting as [(typeof disk.waiting)[0], (typeof disk.waiting)[0]];
  expect(first.file).not.toBe(second.file); // each is told of what could not be written
  return { log, told, both, first, second };
}

const oneTurn = () => new Promise((turn) => setImmediate(turn));

test('a flush takes to the disk what was written before it began, and not what came after', async () => {
  const { told, both, first, second } = await twoUnderWay();
  first.end();
  await oneTurn();
  expect(told).toEqual(['one']);
  second.end();
  await both;
  expect(told).toEqual(['one', 'two']);
});

test('a later flush that is over first serves the entries before it too', async () => {
  const { log, told, both, first, second } = await twoUnderWay();
  second.end();
  await both;
  expect(told).toEqual(['one', 'two']);
  first.end(new Error('EIO')); // of nothing that anybody was told; but from now on it is not trusted
  await oneTurn();
  expect(log.append('three')).toBeUndefined();
});

test('a flush has its file to itself, and who finds none is served by the next', async () => {
  const { log } = await fresh();
  disk.isSlow = true;
  const all = Array.from({ length: MAX_FLUSHES }, (_, at) => log.append(`entry ${at}`)!);
  disk.waiting.at(-1)!.end();
  await Promise.all(all);
  const next = log.append('next')!;
  const running = [...disk.waiting.slice(0, -2), disk.waiting.at(-1)!];
  expect(new Set(running.map(({ file }) => file)).size).toBe(MAX_FLUSHES);
  let isKept = false;
  const last = log.append('last')!.then(() => {
    isKept = true;
  });
  expect(disk.waiting).toHaveLength(MAX_FLUSHES + 1);
  disk.waiting.at(-1)!.end(); // began before the last one was written
  await next;
  await oneTurn();
  expect(isKept).toBe(false);
  for (const { end } of disk.waiting) end();
  await last;
});

test('what is under way when a flush is refused is not on the disk, as far as is known', async () => {
  const { told, both, first, second } = await twoUnderWay();
  first.end(new Error('EIO'));
  await both;
  second.end();
  await oneTurn();
  expect(told).toEqual([`one: ${FAILED}: EIO`, `two: ${FAILED}: EIO`]);
});

test('where there is no file nothing is read', async () => {
  const { log, path } = await fresh();
  await append(log, 'one');
  await remove(path);
  expect(await readLog(path, 0)).toBeUndefined();
});

test('where there is no room for it, no half of it stays', async () => {
  const path = join(testFolder(), 'journal-test.log');
  disk.refusesWrites = true;
  await expect(AppendLog.create(path)).rejects.toThrow('ENOSPC');
  expect(existsSync(path)).toBe(false);
});
