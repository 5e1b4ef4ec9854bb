import { tuned } from '../failpoint.ts';
import { LEASE_MS } from '../queue/delivery.ts';

/** Of a lease, so much has passed at most when what happened under it is in the database. */
const PASSED = 1 / 4;

/** How old the oldest entry of a worker's log is that the database does not know. Threads of one process share it. */
export class LogAge {
  /** ms; zero where the database knows everything */
  readonly #oldest: BigInt64Array<SharedArrayBuffer>;

  /** @param shared of another thread; absent where this is the first */
  constructor(shared = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#oldest = new BigInt64Array(shared);
  }

  get shared(): SharedArrayBuffer {
    return this.#oldest.buffer;
  }

  /** @param at ms; undefined where the database knows everything */
  set oldest(at: number | undefined) {
    Atomics.store(this.#oldest, 0, BigInt(at ?? 0));
  }

  /** The process stood still, or the database takes nothing. */
  isLate(now: number): boolean {
    const oldest = Number(Atomics.load(this.#oldest, 0));
    return oldest !== 0 && oldest < now - PASSED * tuned('lease', LEASE_MS);
  }
}
