import { close, fdatasync, open, read, unlink, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { failpoint } from '../failpoint.ts';
import type { Patience } from './patience.ts';

/** Of each half. Entries of a batch fill a third of it; what finds no room waits for the batch to be worked in. */
export const HALF_BYTES = 1024 * 1024;

/**
 * Entries that may be flushed at the same time: on a slow disk, whoever comes need not wait for the flush before. Node's
 * pool needs as many threads (bin/run).
 */
export const MAX_FLUSHES = 10;

/** Who waits for an entry to be on the disk. */
interface Waiting {
  number: number;
  resolve: () => void;
  reject: (error: Error) => void;
}

/**
 * A file of entries that are on the disk before they are in the database: one write and one flush each, whatever the
 * database is at. It has two halves, so that one takes entries while those of the other are worked into the database.
 * Both are as long from the start as they will ever be: a flush then has no length to store, and the disk is never full.
 * An entry is a line: its number, which grows by one, the CRC-32 of its text, and the text.
 */
export class AppendLog {
  readonly path: string;
  /** The same file, open several times: the system tells each once of what it could not write, so each flush hears of it. */
  readonly #files: readonly number[];
  readonly #patience: Patience | undefined;
  #half = 0;
  #at = 0;
  #last = 0;
  /** It takes no more entries: the disk refused one, and the system forgets what it could not write. */
  #failed: Error | undefined;
  /** By their numbers. */
  #waiting: Waiting[] = [];
  /** Of the files, those that no flush has. */
  readonly #idle: number[];
  readonly #flushes = new Set<Promise<void>>();
  /** Something was written since the last flush began. */
  #isOwed = false;

  private constructor(path: string, files: readonly number[], patience: Patience | undefined) {
    this.path = path;
    this.#files = files;
    this.#idle = [...files];
    this.#patience = patience;
  }

  /**
   * @param patience with a quick disk; without it all flushes run beside
   * @throws when there is a file of that name, or no room for it
   */
  static async create(path: string, patience?: Patience): Promise<AppendLog> {
    const file = await openFile(path, 'wx+', 0o600);
    try {
      writeAll(file, Buffer.alloc(2 * HALF_BYTES), 0);
      await flush(file);
      await flushFolderOf(path);
      const others = Array.from({ length: MAX_FLUSHES - 1 }, () => openFile(path, 'r+'));
      return new AppendLog(path, [file, ...(await Promise.all(others))], patience);
    } catch (error) {
      await closeFile(file);
      await remove(path);
      throw error;
    }
  }

  /** The number of the latest entry. */
  get last(): number {
    return this.#last;
  }

  /**
   * Adds an entry; it has its place when this returns. @returns a promise that resolves when it, and all before it, is
   * on the disk, and rejects when the disk refuses; undefined where the half has no room, or the disk has refused before
   */
  append(text: string): Promise<void> | undefined {
    const line = lineOf(this.#last + 1, text);
    if (this.#failed || this.#at + line.length > HALF_BYTES) return undefined;
    const number = ++this.#last;
    try {
      writeAll(this.#files[0]!, line, this.#half * HALF_BYTES + this.#at);
      failpoint('page-unflushed');
    } catch (error) {
      return Promise.reject(this.#fail(error));
    }
    this.#at += line.length;
    const kept = new Promise<void>((resolve, reject) => this.#waiting.push({ number, resolve, reject }));
    this.#flush();
    return kept;
  }

  /**
   * Begins a flush, or when one of those under way is over. What was written before it began is on the disk when it is
   * over. It has its file to itself: of two on one file the system tells one alone what it could not write.
   */
  #flush(): void {
    const file = this.#idle.pop();
    this.#isOwed = file === undefined;
    if (file === undefined) return;
    const last = this.#last;
    const over = () => {
      this.#idle.push(file);
      while (this.#waiting[0] && this.#waiting[0].number <= last) this.#waiting.shift()!.resolve();
      if (this.#isOwed) this.#flush();
    };
    const refused = (error: unknown) => {
      const reason = this.#fail(error);
      for (const { reject } of this.#waiting.splice(0)) reject(reason);
    };
    try {
      if (this.#patience?.flush(file)) over();
      else this.#runs(flush(file).then(over, refused));
    } catch (error) {
      refused(error);
    }
  }

  #runs(flush: Promise<void>): void {
    this.#flushes.add(flush);
    void flush.then(() => this.#flushes.delete(flush));
  }

  /** Begins the other half anew. Its entries have to be in the database, and on the disk. */
  turnOver(): void {
    this.#half = 1 - this.#half;
    this.#at = 0;
  }

  async close(): Promise<void> {
    while (this.#flushes.size > 0) await Promise.all(this.#flushes);
    await Promise.all(this.#files.map((file) => closeFile(file)));
  }

  #fail(error: unknown): Error {
    this.#failed ??= new Error(`The disk did not keep what was written: ${(error as Error).message}`);
    return this.#failed;
  }
}

/**
 * The entries that follow a number, oldest first, of a file that nobody writes; undefined where there is none. What
 * comes after one that is missing was written after a flush that was not over: nobody was told that it is there.
 */
export async function readLog(path: string, after: number): Promise<string[] | undefined> {
  const file = await openFile(path, 'r').catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const halves = [await entriesOf(file, 0), await entriesOf(file, 1)];
    const found = halves.flat().filter(({ number }) => number > after);
    found.sort((one, other) => one.number - other.number);
    return found.filter(({ number }, at) => number === after + 1 + at).map(({ text }) => text);
  } finally {
    await closeFile(file);
  }
}

export function remove(path: string): Promise<void> {
  return promisify(unlink)(path);
}

interface Entry {
  number: number;
  text: string;
}

/** Up to the first line that is none: there the latest write ended, or was torn, and what follows is older. */
async function entriesOf(file: number, half: number): Promise<Entry[]> {
  const bytes = Buffer.alloc(HALF_BYTES);
  await promisify(read)(file, bytes, 0, HALF_BYTES, half * HALF_BYTES);
  const entries: Entry[] = [];
  for (let from = 0; ; ) {
    const end = bytes.indexOf('\n', from);
    const entry = end === -1 ? undefined : entryOf(bytes.toString('utf8', from, end));
    if (!entry) return entries;
    entries.push(entry);
    from = end + 1;
  }
}

/** The bytes of an entry; in the same memory each time, as they are written at once. */
function lineOf(number: number, text: string): Buffer {
  const room = text.length * MOST_OCTETS + MAX_HEAD + 1;
  const bytes = room <= SHEET ? sheet : Buffer.allocUnsafe(room);
  const end = MAX_HEAD + bytes.write(text, MAX_HEAD, 'utf8');
  const head = `${number} ${crc32(bytes.subarray(MAX_HEAD, end)).toString(16)} `;
  const begin = MAX_HEAD - bytes.write(head, MAX_HEAD - head.length, 'latin1');
  bytes[end] = LF;
  return bytes.subarray(begin, end + 1);
}

/** Holds most lines, whatever their characters. */
const SHEET = 131_072;
const sheet = Buffer.allocUnsafeSlow(SHEET);
/** Of a number, a checksum and the blanks behind them. */
const MAX_HEAD = 16 + 8 + 2;
/** Of UTF-8, for each unit of UTF-16. */
const MOST_OCTETS = 3;
const LF = 0x0a;

function entryOf(line: string): Entry | undefined {
  const [, number, sum, text] = /^(\d+) ([0-9a-f]+) (.*)$/s.exec(line) ?? [];
  if (text === undefined || crc32(text).toString(16) !== sum) return undefined;
  return { number: Number(number), text };
}

function writeAll(file: number, bytes: Buffer, position: number): void {
  const written = writeSync(file, bytes, 0, bytes.length, position);
  if (written < bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes were taken`);
}

const openFile = promisify(open);
const closeFile = promisify(close);
const flush = promisify(fdatasync);

/** Takes the name of a new file to the disk. */
async function flushFolderOf(path: string): Promise<void> {
  const folder = await openFile(dirname(path), 'r');
  await flush(folder).finally(() => closeFile(folder));
}
