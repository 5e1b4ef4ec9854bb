import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { open, rename, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFull } from '../errors.ts';
import { SharedFlag } from './shared-flag.ts';

const MB = 1024 * 1024;
/** Below this much free space nothing is claimed and nothing accepted: what is under way can still be written down. */
export const FLOOR_BYTES = 64 * MB;
/** Kept beside the database and given up when the disk is full: outcomes of 300 messages under way take half of it. */
const BALLAST_BYTES = 8 * MB;
/** Space counts as back only above the floor and the ballast, so that making the ballast does not end it again. */
const ENOUGH_BYTES = FLOOR_BYTES + 2 * BALLAST_BYTES;
const LOOK_EVERY_MS = 5_000;
const BALLAST_FILE = 'ballast';

/** Free bytes that this user may fill. */
export type FreeSpace = () => Promise<number>;

export function freeSpaceOf(folder: string): FreeSpace {
  return async () => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  };
}

/** Watches the disk of the embedded database, so that sending and accepting end before the space does. */
export class Disk {
  readonly #ballast: string;
  readonly #free: FreeSpace;
  /** Other threads of the process are told with it. */
  readonly lowFlag: SharedFlag;
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string, free: FreeSpace = freeSpaceOf(folder), lowFlag = new SharedFlag()) {
    this.lowFlag = lowFlag;
    this.#ballast = join(folder, BALLAST_FILE);
    this.#free = free;
  }

  /** True from the moment the floor is reached until there is room for the ballast above it. */
  get low(): boolean {
    return this.lowFlag.isUp;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Measures now. A disk that cannot be asked is left as it was judged last. */
  async look(): Promise<void> {
    const free = await this.#free().catch(() => undefined);
    if (free === undefined) return;
    if (free < FLOOR_BYTES) this.lowFlag.raise();
    // Until the disk is really full the ballast stays: given up earlier it would only feed who fills the disk.
    if (free < BALLAST_BYTES) this.#giveUp();
    if (free < ENOUGH_BYTES) return;
    this.lowFlag.lower();
    if (!existsSync(this.#ballast)) await this.#take().catch(() => {});
  }

  /** The database met a full disk. @returns true when that made room, and the write may be tried again */
  full(): boolean {
    this.lowFlag.raise();
    return this.#giveUp();
  }

  /** @throws AppError disk_full (503) */
  refuseWhenLow(): void {
    if (this.low) throw diskFull();
  }

  #giveUp(): boolean {
    if (!existsSync(this.#ballast)) return false;
    rmSync(this.#ballast, { force: true });
    return true;
  }

  /** Random bytes: a file system that compresses would keep zeros for nothing. */
  async #take(): Promise<void> {
    const unfinished = `${this.#ballast}.new`;
    const file = await open(unfinished, 'w', 0o600);
    try {
      for (let written = 0; written < BALLAST_BYTES; written += MB) await file.write(randomBytes(MB));
    } finally {
      await file.close();
    }
    await rename(unfinished, this.#ballast);
  }
}
