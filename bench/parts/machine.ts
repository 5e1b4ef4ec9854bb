import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { cpuMicros, machineCpuMicros, root } from './processes.ts';

export interface Machine {
  /** The last one that changed the product. */
  commit: string;
  processor: string;
  cores: number;
  gigabytes: number;
  kernel: string;
  node: string;
  /** Flushes a second of one 8 KB write, as a commit needs them: disks differ here a hundredfold. */
  flushesPerSecond: number;
}

export function describeMachine(folder: string): Machine {
  const processors = cpus();
  return {
    commit: commitOf(),
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    gigabytes: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    flushesPerSecond: flushes(folder),
  };
}

/** Begins to watch. @returns how many cores other programs kept busy since, on average */
export function watchOthers(): () => number {
  const began = performance.now();
  const others = () => machineCpuMicros() - cpuMicros(process.pid);
  const before = others();
  return () => Math.max(0, (others() - before) / 1000 / (performance.now() - began));
}

function commitOf(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  try {
    const isChanged = git('status', '--porcelain', '--', 'src', 'package-lock.json') !== '';
    const last = git('log', '-1', '--format=%h', '--', 'src', 'package-lock.json');
    return `${last}${isChanged ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}

/** Flushes a second, counted for one second on the disk that holds the databases. */
export function flushes(folder: string): number {
  const file = join(folder, 'flush');
  const handle = openSync(file, 'w');
  const block = Buffer.alloc(8192, 1);
  const began = performance.now();
  let count = 0;
  while (performance.now() - began < 1000) {
    writeSync(handle, block, 0, block.length, 0);
    fdatasyncSync(handle);
    count++;
  }
  closeSync(handle);
  rmSync(file);
  return Math.round(count / ((performance.now() - began) / 1000));
}

/** @returns undefined when it is there, else what to install */
export function missingProgram(file: string, debian: string): string | undefined {
  try {
    readFileSync(file);
    return undefined;
  } catch {
    return `${file} is missing; the Debian package ${debian} brings it`;
  }
}
