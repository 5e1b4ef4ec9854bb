import type { Db } from './db.ts';
import { statement } from './statement.ts';

/** Entries kept; past it everything is forgotten, which costs one look each. */
const MAX_ENTRIES = 20_000;

const readRevision = statement<{ number: number }>('select number from revision');

/**
 * Remembers what calls are judged by: keys, workspaces, servers, templates. What is remembered holds for one revision
 * of the database (migration 5), which is asked for at each use, once for all uses within a turn of the event loop:
 * so a key that was revoked, by whichever process, is refused by the next call.
 */
export class Memo {
  readonly #db: Db;
  readonly #known = new Map<string, Promise<unknown>>();
  #revision: number | undefined;
  /** Of this turn. */
  #asked: Promise<void> | undefined;
  #isAnswered = false;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Gives what is known under the name, or learns it. What `learn` throws is not remembered. */
  get<T>(name: string, learn: () => Promise<T>): Promise<T> {
    if (this.#isAnswered) return this.#find(name, learn);
    this.#asked ??= this.#ask();
    return this.#asked.then(() => this.#find(name, learn));
  }

  #find<T>(name: string, learn: () => Promise<T>): Promise<T> {
    const known = this.#known.get(name) as Promise<T> | undefined;
    if (known) return known;
    // It is read after the number: if that has grown meanwhile, the next look finds out.
    const learned = learn();
    this.#known.set(name, learned);
    learned.catch(() => {
      if (this.#known.get(name) === learned) this.#known.delete(name);
    });
    return learned;
  }

  #ask(): Promise<void> {
    const asked = readRevision(this.#db.read, []).then(([row]) => {
      if (row!.number !== this.#revision || this.#known.size > MAX_ENTRIES) this.#known.clear();
      this.#revision = row!.number;
      this.#isAnswered = this.#asked === asked;
    });
    setImmediate(() => {
      this.#asked = undefined;
      this.#isAnswered = false;
    });
    return asked;
  }
}
