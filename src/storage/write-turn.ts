const FREE = 0;
const TAKEN = 1;
/** Taken, and the other one waits for it. */
const WANTED = 2;

/**
 * Whose turn it is to write, between the two threads that write the embedded database. Who gives it up while the other
 * waits hands it over: neither can take it twice in a row from under the other, as with SQLite's own lock, and neither
 * stands still while it waits.
 */
export class WriteTurn {
  readonly #state: Int32Array<SharedArrayBuffer>;

  /** @param shared of the other thread; a new one where this is the first */
  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.#state = new Int32Array(shared);
  }

  get shared(): SharedArrayBuffer {
    return this.#state.buffer;
  }

  /** Resolves when it is this thread's turn. One thread asks for one turn at a time. */
  async take(): Promise<void> {
    for (;;) {
      if (Atomics.compareExchange(this.#state, 0, FREE, TAKEN) === FREE) return;
      if (Atomics.compareExchange(this.#state, 0, TAKEN, WANTED) === TAKEN) break;
    }
    const waiting = Atomics.waitAsync(this.#state, 0, WANTED);
    if (waiting.async) await waiting.value;
  }

  give(): void {
    if (Atomics.compareExchange(this.#state, 0, TAKEN, FREE) === TAKEN) return;
    Atomics.store(this.#state, 0, TAKEN); // on behalf of the other, who wakes up with it
    Atomics.notify(this.#state, 0, 1);
  }
}
