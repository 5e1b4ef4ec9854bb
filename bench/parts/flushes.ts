import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const COMPILER = '/usr/bin/gcc';

/** Counts the flushes of the processes that are started with `env`, and makes each of them slower. */
export interface FlushMeter {
  env: Record<string, string>;
  /** Flushes so far. */
  count(): number;
}

/** Why flushes can be neither counted nor delayed here; undefined when they can. */
export function noFlushMeter(): string | undefined {
  return existsSync(COMPILER) ? undefined : `${COMPILER} is missing`;
}

export function flushMeter(folder: string, name: string, delayUs: number): FlushMeter {
  const library = join(folder, 'slow-flush.so');
  if (!existsSync(library)) {
    const source = join(import.meta.dirname, '..', 'programs', 'slow-flush.c');
    execFileSync(COMPILER, ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl']);
  }
  const file = join(folder, `flushes-${name}`);
  if (!existsSync(file)) writeFileSync(file, Buffer.alloc(8));
  // PostgreSQL's server runs as another user.
  chmodSync(folder, 0o711);
  chmodSync(file, 0o666);
  const delay: Record<string, string> = delayUs > 0 ? { FLUSH_DELAY_US: String(delayUs) } : {};
  return {
    env: { LD_PRELOAD: library, FLUSH_COUNT: file, ...delay },
    count: () => Number(readFileSync(file).readBigUInt64LE()),
  };
}
