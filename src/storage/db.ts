import type { MessagePort } from 'node:worker_threads';
import type { Kysely } from 'kysely';
import type { Procedure } from './procedure.ts';
import type { Schema } from './schema.ts';

export type Engine = 'sqlite' | 'postgres';

/** Statements inside a transaction. A store verb that writes takes it as its first argument. */
export type Tx = Kysely<Schema>;

/** What threads that write the same file have in common. */
export interface SharedWrites {
  /** Whose turn it is. */
  turn: SharedArrayBuffer;
  /** Whether the disk refused a flush. */
  flushes: SharedArrayBuffer;
  /** To the thread that runs procedures: for the other thread alone, which it is handed over to. */
  procedures?: MessagePort;
}

export interface WriteOptions {
  /**
   * The promise does not wait for the disk: what is lost with the power is harmless, as a lease is, and whatever is
   * written later and waited for takes this with it.
   */
  lazy?: boolean;
}

/**
 * The database behind the stores. There are two ways in: `read` sees what is committed, `write` is a transaction.
 * A promise of `write` resolves after its commit has reached the disk: what was answered is stored.
 */
export interface Db {
  readonly engine: Engine;
  readonly read: Kysely<Schema>;
  /**
   * Runs `work` in a transaction. Transactions asked for within one turn of the event loop may share a commit;
   * one that throws is undone alone. `work` awaits nothing but statements: the writer waits for it.
   */
  write<T>(work: (tx: Tx) => Promise<T>, options?: WriteOptions): Promise<T>;
  /** Present where another thread runs procedures; see `call` in procedure.ts. */
  call?<Args, Result>(procedure: Procedure<Args, Result>, args: Args): Promise<Result>;
  /** Present where another thread of this process may open the same database, and then has to be told this. */
  share?(): SharedWrites;
  close(): Promise<void>;
}
