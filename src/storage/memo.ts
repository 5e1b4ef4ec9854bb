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
  readonly #known = new Map<string, unknown>();
  #revision: number | undefined;
  #asked: Promise<number> | undefined;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Gives what is known under the name, or learns it. What `learn` throws is not remembered. */
  async get<T>(name: string, learn: () => Promise<T>): Promise<T> {
    const revision = await this.#current();
    if (revision !== this.#revision || this.#known.size > MAX_ENTRIES) {
      this.#known.clear();
      this.#revision = revision;
    }
    if (this.#known.has(name)) return this.#known.get(name) as T;
    const learned = await learn();
    // It was read after the number: if that has grown meanwhile, the next look finds out.
    if (this.#revision === revision) this.#known.set(name, learned);
    return learned;
  }

  #current(): Promise<number> {
    this.#asked ??= this.#ask();
    return this.#asked;
  }

  async #ask(): Promise<number> {
    setImmediate(() => {
      this.#asked = undefined;
    });
    const [row] = await readRevision(this.#db.read, []);
    return row!.number;
  }
}
