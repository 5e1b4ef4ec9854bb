type Party = 0 | 1;

const FREE = 0;
/** By party: it has the turn. */
const HAS = [1, 2] as const;
/** By party: it has the turn, and the other one waits for it. */
const HAS_AND_OTHER_WANTS = [3, 4] as const;

/**
 * Whose turn it is to write, between the two threads that write the embedded database. Who gives it up while the other
 * waits hands it over: neither can take it twice in a row from under the other, as with SQLite's own lock, and neither
 * stands still while it waits. The number says who has it: where it only said that somebody has, one who was handed the
 * turn a moment before it began to wait could wait for itself.
 */
export class WriteTurn {
  readonly #state: Int32Array<SharedArrayBuffer>;
  readonly #own: Party;
  readonly #other: Party;

  /** @param shared of the other thread; absent where this is the first */
  constructor(shared?: SharedArrayBuffer) {
    this.#state = new Int32Array(shared ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    this.#own = shared ? 1 : 0;
    this.#other = shared ? 0 : 1;
  }

  get shared(): SharedArrayBuffer {
    return this.#state.buffer;
  }

  /** Resolves when it is this thread's turn. One thread asks for one turn at a time. */
  async take(): Promise<void> {
    const wanted = HAS_AND_OTHER_WANTS[this.#other];
    for (;;) {
      if (this.#change(FREE, HAS[this.#own])) return;
      if (this.#change(HAS[this.#other], wanted)) break;
    }
    // It stands until the other one has given up its turn, and then it is this one's.
    while (Atomics.load(this.#state, 0) === wanted) await Atomics.waitAsync(this.#state, 0, wanted).value;
  }

  give(): void {
    if (this.#change(HAS[this.#own], FREE)) return;
    Atomics.store(this.#state, 0, HAS[this.#other]); // on behalf of the other, who wakes up with it
    Atomics.notify(this.#state, 0);
  }

  #change(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#state, 0, from, to) === from;
  }
}
