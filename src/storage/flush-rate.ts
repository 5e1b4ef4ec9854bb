import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';

const MEASURE_MS = 1_000;
/** A page of a database. */
const BLOCK = Buffer.alloc(4096, 1);

/**
 * How often a second the disk of a folder says that data has reached it (fdatasync(2)), which bounds the commits.
 * Takes a second. @throws what the file system throws where nothing can be written
 */
export function flushesPerSecond(folder: string, clock: Clock, forMs = MEASURE_MS): number {
  const path = join(folder, `flush-rate.${process.pid}`);
  const file = openSync(path, 'w', 0o600);
  try {
    const began = clock.monotonic();
    let flushes = 0;
    let passed = 0;
    while (passed < forMs) {
      writeSync(file, BLOCK, 0, BLOCK.length, 0);
      fdatasyncSync(file);
      flushes++;
      passed = clock.monotonic() - began;
    }
    return Math.round((flushes * 1_000) / passed);
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
}
