import { vi } from 'vitest';
import { FakeClock } from '../../src/testing/fake-clock.ts';

const STEP_MS = 1_000;
const MAX_STEPS = 20_000;

/** Time that passes only when a test says so: the clock, and every timer of both ends. */
export class Time {
  readonly clock = new FakeClock();
  /** Resolves when work that runs beside the event loop is done, such as a flush to the disk. */
  quiet: () => Promise<unknown> = async () => undefined;

  constructor() {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  }

  pass(ms: number): void {
    this.clock.advance(ms);
    vi.advanceTimersByTime(ms);
  }

  end(): void {
    vi.useRealTimers();
  }

  /** Lets time pass while the condition holds, until the promise settles. */
  async passUntil<T>(promise: Promise<T>, mayPass: () => boolean = () => true): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    for (let step = 0; !isSettled && step < MAX_STEPS; step++) {
      await turns(20);
      await this.quiet();
      await turns(20);
      if (mayPass()) this.pass(STEP_MS);
    }
    if (!isSettled) throw new Error(`Nothing came of it in ${MAX_STEPS} steps of ${STEP_MS} ms.`);
    return promise;
  }
}

/** Lets both ends read what has arrived. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
