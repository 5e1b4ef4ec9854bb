/** Places in what is shared: the next number to be drawn, and the number that is served. */
const NEXT = 0;
const SERVED = 1;

/**
 * Whose turn it is to write, among the threads that write the embedded database. Who asks draws a number, and the
 * numbers are served in order: nobody can take a turn twice in a row from under one who waits, as with SQLite's own
 * lock, and nobody stands still while waiting.
 */
export class WriteTurn {
  readonly #state: Int32Array<SharedArrayBuffer>;

  /** @param shared of another thread; absent where this is the first */
  constructor(shared = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.#state = new Int32Array(shared);
  }

  get shared(): SharedArrayBuffer {
    return this.#state.buffer;
  }

  /** Resolves when it is this thread's turn. */
  async take(): Promise<void> {
    const own = Atomics.add(this.#state, NEXT, 1);
    for (let served = this.#served(); served !== own; served = this.#served())
      await Atomics.waitAsync(this.#state, SERVED, served).value;
  }

  give(): void {
    Atomics.add(this.#state, SERVED, 1);
    Atomics.notify(this.#state, SERVED);
  }

  #served(): number {
    return Atomics.load(this.#state, SERVED);
  }
}
