import { fdatasyncSync } from 'node:fs';
import type { Clock } from '../clock.ts';

/** A flush that is over so soon is waited for in place: to have it done beside, and be told, takes as long. */
const QUICK_MS = 1;
/** After one that took longer, so many are done beside before the disk is tried again; twice as many each time. */
const FIRST_RETRY = 4;
const LAST_RETRY = 1_000;

/** Waits for a disk as long as it is quick. A slow one holds up a thread once in a thousand flushes. */
export class Patience {
  readonly #clock: Clock;
  /** Flushes still to be done beside. */
  #beside = 0;
  #retry = FIRST_RETRY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Flushes a file (fdatasync(2)). @returns false where that has to be done beside @throws what the disk says */
  flush(file: number): boolean {
    if (this.#beside > 0) {
      this.#beside--;
      return false;
    }
    const began = this.#clock.monotonic();
    fdatasyncSync(file);
    if (this.#clock.monotonic() - began <= QUICK_MS) this.#retry = FIRST_RETRY;
    else {
      this.#beside = this.#retry;
      this.#retry = Math.min(2 * this.#retry, LAST_RETRY);
    }
    return true;
  }
}
