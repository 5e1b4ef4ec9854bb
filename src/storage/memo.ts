import type { Db } from './db.ts';
import { statement } from './statement.ts';

/** So many looks later everything is forgotten, which costs one more each. */
const MAX_LEARNED = 20_000;

const readRevision = statement<{ number: number }>('select number from revision');

/**
 * Remembers what calls are judged by: keys, workspaces, servers, templates. What is remembered holds for one revision
 * of the database (migration 5), which is asked for at each use, once for all uses within a turn of the event loop:
 * so a key that was revoked, by whichever process, is refused by the next call.
 */
export class Memo {
  readonly #db: Db;
  /** By kind, then by name: a call looks three times, and a name of both would be made and hashed anew for each look. */
  readonly #known = new Map<string, Map<string, Promise<unknown>>>();
  /** Since it knew nothing. */
  #learned = 0;
  #revision: number | undefined;
  /** Of this turn. */
  #asked: Promise<void> | undefined;
  #isAnswered = false;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Gives what is known of this kind under the name, or learns it. What `learn` throws is not remembered. */
  get<T>(kind: string, name: string, learn: () => Promise<T>): Promise<T> {
    if (this.#isAnswered) return this.#find(kind, name, learn);
    this.#asked ??= this.#ask();
    return this.#asked.then(() => this.#find(kind, name, learn));
  }

  #find<T>(kind: string, name: string, learn: () => Promise<T>): Promise<T> {
    const known = this.#known.get(kind)?.get(name) as Promise<T> | undefined;
    return known ?? this.#learn(kind, name, learn);
  }

  #learn<T>(kind: string, name: string, learn: () => Promise<T>): Promise<T> {
    const ofKind = this.#known.get(kind) ?? new Map<string, Promise<unknown>>();
    this.#known.set(kind, ofKind);
    // It is read after the number: if that has grown meanwhile, the next look finds out.
    const learned = learn();
    ofKind.set(name, learned);
    this.#learned++;
    learned.catch(() => {
      if (ofKind.get(name) === learned) ofKind.delete(name);
    });
    return learned;
  }

  #ask(): Promise<void> {
    const asked = readRevision(this.#db.read, []).then(([row]) => {
      if (row!.number !== this.#revision || this.#learned > MAX_LEARNED) this.#forget();
      this.#revision = row!.number;
      this.#isAnswered = this.#asked === asked;
    });
    setImmediate(() => {
      this.#asked = undefined;
      this.#isAnswered = false;
    });
    return asked;
  }

  #forget(): void {
    this.#known.clear();
    this.#learned = 0;
  }
}
