import { closeSync, fdatasync as fdatasyncOf, openSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Patience } from './patience.ts';

/** Under way at the same time: who comes while one runs does not wait for its end. Node's pool has four threads. */
const MAX_FLUSHES = 2;

/**
 * Flushes the write-ahead log without holding the event loop: what SQLite does itself at each commit with
 * `synchronous=FULL`, done by threads of the pool. A flush takes with it all that was committed before it began.
 */
export class LogFlusher {
  readonly #path: string;
  readonly #patience: Patience | undefined;
  /** Not zero when one of several threads was refused. */
  #shared: Int32Array<SharedArrayBuffer> | undefined;
  #file: number | undefined;
  #failed: Error | undefined;
  readonly #running = new Set<Promise<void>>();
  /** Begins when there is a place for it, and takes with it whatever is committed until then. */
  #next: Promise<void> | undefined;
  /** Ends when everything is on the disk that was to be flushed so far. */
  #all: Promise<void> = Promise.resolve();

  /** @param patience with a quick disk, where nothing else waits in this thread */
  constructor(path: string, patience?: Patience) {
    this.#path = path;
    this.#patience = patience;
  }

  /**
   * From now on other threads write the same log, with flushers of their own. The system tells each open file once of
   * what it could not write, so one tells the others.
   * @param shared what another one's `share` returned
   */
  share(
    shared = this.#shared?.buffer ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  ): SharedArrayBuffer {
    this.#shared ??= new Int32Array(shared);
    this.#file ??= openSync(this.#path, 'r+'); // opened after a failure it would hear nothing of it
    return shared;
  }

  /**
   * Resolves when all that was committed is on the disk; where nothing was changed, what was read.
   * @throws when the disk refuses; from then on always, since the system forgets what it could not write
   */
  async flush(isChanged: boolean): Promise<void> {
    this.#refuseAfterFailure();
    // What was read may be a commit of another thread, which this one has not seen flushed.
    if (isChanged || this.#shared) this.#all = Promise.all([this.#all, this.#joined()]).then(() => {});
    await this.#all;
    this.#refuseAfterFailure();
  }

  #refuseAfterFailure(): void {
    if (this.#failed) throw this.#failed;
    if (this.#shared && Atomics.load(this.#shared, 0) !== 0)
      throw new Error('The disk did not keep what was written.');
  }

  #joined(): Promise<void> {
    if (this.#running.size < MAX_FLUSHES) return this.#begun();
    this.#next ??= Promise.race(this.#running).then(() => {
      this.#next = undefined;
      return this.#begun();
    });
    return this.#next;
  }

  #begun(): Promise<void> {
    const flush = this.#sync();
    this.#running.add(flush);
    const over = () => this.#running.delete(flush);
    void flush.then(over, over);
    return flush;
  }

  async #sync(): Promise<void> {
    // The log exists since the first commit, and stays the same file while a connection is open.
    this.#file ??= openSync(this.#path, 'r+');
    try {
      if (!this.#patience?.flush(this.#file)) await fdatasync(this.#file);
    } catch (error) {
      if (this.#shared) Atomics.store(this.#shared, 0, 1);
      this.#failed ??= new Error(`The disk did not keep what was written: ${(error as Error).message}`);
      throw this.#failed;
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

const fdatasync = promisify(fdatasyncOf);
