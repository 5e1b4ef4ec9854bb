/**
 * Keeps the order of one connection's writes: the outcome of a message is stored before the marker of the next. So of
 * each connection at most one message can be uncertain after a crash. Where the database commits in order this holds
 * by itself; elsewhere the marker waits.
 */
export class Settling {
  readonly #inOrder: boolean;
  readonly #last = new Map<number, Promise<unknown>>();

  constructor(db: { inOrder: boolean }) {
    this.#inOrder = db.inOrder;
  }

  /** The outcome of this connection's latest message is being stored. */
  began(connection: number | undefined, stored: Promise<unknown>): void {
    if (this.#inOrder || connection === undefined) return;
    const done: Promise<void> = stored.then(
      () => this.#ended(connection, done),
      () => this.#ended(connection, done),
    );
    this.#last.set(connection, done);
  }

  /** Resolves when the outcomes so far are stored. */
  async finished(connection: number): Promise<void> {
    await this.#last.get(connection);
  }

  #ended(connection: number, done: Promise<unknown>): void {
    if (this.#last.get(connection) === done) this.#last.delete(connection);
  }
}
