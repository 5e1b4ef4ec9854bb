import type { Clock } from '../clock.ts';

/** Time that moves when a test says so. */
export class FakeClock implements Clock {
  #now: number;

  constructor(start = Date.parse('2026-11-23T12:00:00Z')) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}
