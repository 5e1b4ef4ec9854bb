import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Everything here reads Linux's /proc: what a process used is asked of the kernel, not of the process. */

export const root = join(import.meta.dirname, '..', '..');

/** Ticks of a second in /proc/PID/stat; 100 on every Linux of the last twenty years (sysconf(_SC_CLK_TCK)). */
const TICKS_PER_SECOND = 100;

interface Stat {
  parent: number;
  /** Ticks of CPU, own threads and children that have ended. */
  ticks: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may hold anything; the fields begin after the last one (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    return { parent: Number(fields[1]), ticks };
  } catch {
    return undefined; // it has ended
  }
}

/** A process and all that came from it. */
function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat) parents.set(Number(name), stat.parent);
  }
  const family = [pid];
  for (let at = 0; at < family.length; at++)
    for (const [child, parent] of parents) if (parent === family[at]) family.push(child);
  return family;
}

/** Microseconds of CPU that these processes and their children have used so far. */
export function cpuMicros(...pids: number[]): number {
  const ticks = pids.flatMap(familyOf).reduce((sum, pid) => sum + (statOf(pid)?.ticks ?? 0), 0);
  return (ticks / TICKS_PER_SECOND) * 1e6;
}

/** Microseconds of CPU that the whole machine has used so far (proc(5), the first line of /proc/stat). */
export function machineCpuMicros(): number {
  const [, user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split(/\s+/)
    .map(Number);
  return ((user! + nice! + system! + irq! + softirq!) / TICKS_PER_SECOND) * 1e6;
}

/** Megabytes these processes and their children hold in memory. */
export function residentMegabytes(...pids: number[]): number {
  let kilobytes = 0;
  for (const pid of pids.flatMap(familyOf)) {
    try {
      kilobytes += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    } catch {} // it has ended
  }
  return kilobytes / 1024;
}

export function parentOf(pid: number): number {
  return statOf(pid)?.parent ?? 0;
}

const running = new Set<ChildProcess>();

/** Remembers a child, so that a bench that fails leaves nothing behind. */
export function keep<T extends ChildProcess>(child: T): T {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Ends one child by its own handle and waits for it. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

export async function endAll(): Promise<void> {
  await Promise.all([...running].map((child) => end(child, 'SIGKILL')));
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until it holds. @returns whether it did within the time */
export async function holdsWithin(ms: number, holds: () => Promise<boolean>): Promise<boolean> {
  const began = performance.now();
  while (!(await holds())) {
    if (performance.now() - began > ms) return false;
    await sleep(25);
  }
  return true;
}

/** @throws Error when it does not hold within the time */
export async function until(what: string, ms: number, holds: () => Promise<boolean>): Promise<void> {
  if (!(await holdsWithin(ms, holds))) throw new Error(`${what}: not within ${ms / 1000} s`);
}
