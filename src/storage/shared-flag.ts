/** A flag that threads of one process show each other. */
export class SharedFlag {
  readonly #state: Int32Array<SharedArrayBuffer>;

  /** @param shared of another thread; absent where this is the first */
  constructor(shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.#state = new Int32Array(shared);
  }

  get shared(): SharedArrayBuffer {
    return this.#state.buffer;
  }

  get isUp(): boolean {
    return Atomics.load(this.#state, 0) !== 0;
  }

  raise(): void {
    Atomics.store(this.#state, 0, 1);
  }

  /** @returns whether it was up */
  lower(): boolean {
    return Atomics.exchange(this.#state, 0, 0) !== 0;
  }
}
