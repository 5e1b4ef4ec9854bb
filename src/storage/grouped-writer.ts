import type Database from 'better-sqlite3';
import { failpoint } from '../failpoint.ts';
import type { Tx, WriteOptions } from './db.ts';
import type { LogFlusher } from './log-flusher.ts';
import { kyselyOn } from './sqlite-connection.ts';
import { WriteTurn } from './write-turn.ts';

/** Transactions that may share one commit: enough to fill a flush, few enough that none waits long. */
const MAX_GROUP = 1_000;

interface Waiting {
  work: (tx: Tx) => Promise<unknown>;
  lazy: boolean;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

/**
 * One commit per turn of the event loop for all transactions asked for in it: the flush is shared, so the rate
 * grows with the load and nothing waits when there is none.
 */
export class GroupedWriter {
  readonly #db: Database.Database;
  readonly #log: LogFlusher;
  readonly #tx: Tx;
  readonly #whenFull: () => boolean;
  readonly #turn: WriteTurn;
  readonly #begin: Database.Statement;
  readonly #commitAll: Database.Statement;
  readonly #savepoint: Database.Statement;
  readonly #release: Database.Statement;
  readonly #changes: Database.Statement;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  readonly #flushing = new Set<Promise<void>>();

  constructor(
    db: Database.Database,
    log: LogFlusher,
    whenFull: () => boolean,
    turn: WriteTurn = new WriteTurn(),
  ) {
    this.#db = db;
    this.#log = log;
    this.#whenFull = whenFull;
    this.#turn = turn;
    this.#tx = kyselyOn(db);
    this.#begin = db.prepare('begin immediate');
    this.#commitAll = db.prepare('commit');
    this.#savepoint = db.prepare('savepoint one');
    this.#release = db.prepare('release one');
    this.#changes = db.prepare('select total_changes()').pluck();
  }

  close(): void {
    this.#log.close();
  }

  write<T>(work: (tx: Tx) => Promise<T>, { lazy = false }: WriteOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, lazy, resolve: resolve as (value: unknown) => void, reject });
      this.#running ??= new Promise((done) => setImmediate(() => done(this.#run())));
    });
  }

  async drained(): Promise<void> {
    while (this.#running) await this.#running;
    await Promise.all(this.#flushing);
  }

  async #run(): Promise<void> {
    await this.#turn.take();
    const group = this.#waiting.splice(0, MAX_GROUP);
    await this.#commit(group).finally(() => this.#turn.give());
    this.#running =
      this.#waiting.length > 0 ? new Promise((done) => setImmediate(() => done(this.#run()))) : undefined;
  }

  async #commit(group: Waiting[]): Promise<void> {
    const settled: (() => void)[] = [];
    try {
      this.#begin.run();
      const before = this.#changes.get();
      settled.push(...(await this.#runAll(group)));
      const isChanged = this.#changes.get() !== before;
      failpoint('commit');
      this.#commitAll.run();
      this.#settleFlushed(group, settled, isChanged);
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('rollback');
      if ((error as { code?: string }).code === 'SQLITE_FULL' && this.#whenFull()) return this.#commit(group);
      for (const one of group) one.reject(error);
    }
  }

  /** Tells a group how it ended when the disk has it. The next group goes on meanwhile: one flush may serve several. */
  #settleFlushed(group: readonly Waiting[], settled: readonly (() => void)[], isChanged: boolean): void {
    for (const [at, one] of group.entries()) if (one.lazy) settled[at]!();
    if (group.every((one) => one.lazy)) return;
    failpoint('commit-unflushed');
    const done = this.#log.flush(isChanged).then(
      () => {
        for (const settle of settled) settle(); // a promise that is settled already stays as it is
      },
      (error) => {
        for (const one of group) one.reject(error);
      },
    );
    this.#flushing.add(done);
    void done.finally(() => this.#flushing.delete(done));
  }

  /**
   * Runs the members in order; nearly always all succeed. When one fails everything is undone and run again, each in a
   * savepoint then: its failure undoes it alone. In a savepoint each page is copied before it changes, which costs as
   * much as the rest of the change.
   */
  async #runAll(group: readonly Waiting[]): Promise<(() => void)[]> {
    try {
      const values: unknown[] = [];
      for (const { work } of group) values.push(await work(this.#tx));
      return group.map(
        ({ resolve }, at) =>
          () =>
            resolve(values[at]),
      );
    } catch (error) {
      // A full disk ends the whole transaction by itself; then there is nothing left to undo, or to keep.
      if (!this.#db.inTransaction) throw error;
      this.#db.exec('rollback');
      this.#begin.run();
      if (group.length === 1) return [() => group[0]!.reject(error)];
      const settled: (() => void)[] = [];
      for (const one of group) settled.push(await this.#runOne(one));
      return settled;
    }
  }

  async #runOne(one: Waiting): Promise<() => void> {
    this.#savepoint.run();
    try {
      const value = await one.work(this.#tx);
      this.#release.run();
      return () => one.resolve(value);
    } catch (error) {
      if (!this.#db.inTransaction) throw error;
      this.#db.exec('rollback to one; release one');
      return () => one.reject(error);
    }
  }
}
