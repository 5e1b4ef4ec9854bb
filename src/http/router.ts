import type { Result, Router } from 'hono/router';
import { TrieRouter } from 'hono/router/trie-router';

/** Finds a path without parameters by its name, which most calls have, and searches for the others. */
export class PathRouter<T> implements Router<T> {
  readonly name = 'PathRouter';
  readonly #plain = new Map<string, Result<T>>();
  readonly #others = new TrieRouter<T>();

  add(method: string, path: string, handler: T): void {
    if (path.includes(':')) this.#others.add(method, path, handler);
    else this.#plain.set(`${method} ${path}`, [[[handler, {}]]]);
  }

  match(method: string, path: string): Result<T> {
    return this.#plain.get(`${method} ${path}`) ?? this.#others.match(method, path);
  }
}
