import { getHeapStatistics } from 'node:v8';

/** This often a thread looks whether it is at rest, ms: it was if it did nothing for nearly all of that time. */
const LOOK_EVERY_MS = 5_000;
const MAX_BUSY = 0.02;
/** Less than this is not worth standing still for. */
const WORTH_BYTES = 4 * 1024 * 1024;

/**
 * Gives back what this thread's start has left behind, some 30 MB of garbage and room for as much again, and later what
 * work has left behind, whenever the thread comes to rest. V8 would keep it until much more is asked for. Does nothing
 * where the program was started without `--expose-gc`.
 */
export function giveBackMemory(): void {
  const { gc } = globalThis;
  if (!gc) return;
  const rest = new Rest(() => getHeapStatistics().total_heap_size);
  const giveBack = () => {
    gc({ type: 'major', execution: 'sync', flavor: 'last-resort' }); // the thread stands still, for some 20 ms
    rest.gaveBack();
  };
  giveBack();
  let before = performance.eventLoopUtilization();
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    if (rest.isWorthIt(performance.eventLoopUtilization(now, before).utilization)) giveBack();
    before = now;
  }, LOOK_EVERY_MS).unref();
}

/** Says when to give memory back. */
export class Rest {
  readonly #heapBytes: () => number;
  #needed = 0;

  constructor(heapBytes: () => number) {
    this.#heapBytes = heapBytes;
  }

  /** What the heap holds now is needed. */
  gaveBack(): void {
    this.#needed = this.#heapBytes();
  }

  /** @param busy the share of the time in which the thread did something, since this was asked last */
  isWorthIt(busy: number): boolean {
    return busy <= MAX_BUSY && this.#heapBytes() >= this.#needed + WORTH_BYTES;
  }
}
