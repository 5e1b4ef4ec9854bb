import { spawnSync } from 'node:child_process';

/** Whether this machine has a program that a document tells its reader to use. */
export function hasCommand(name: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', name]).status === 0;
}

/** For the name of a test that is skipped for want of it. */
export function missing(name: string): string {
  return hasCommand(name) ? '' : ` (the program ${name} is missing)`;
}
