import Database from 'better-sqlite3';

/** Prepared statements kept per connection; hand-written verbs need some fifty, filtered lists add variants. */
const STATEMENT_CACHE = 300;
const BUSY_TIMEOUT_MS = 10_000;

/** One statement, as it travels to the connection that runs it. */
export interface Ask {
  sql: string;
  parameters: readonly unknown[];
  /** The parameters are rows of values: the statement is run for one after the other. */
  forEachRow?: boolean;
}

export interface Answer {
  rows: unknown[];
  /** Rows that it changed; absent where it answers with rows. */
  changes?: number;
}

/** What opens every transaction: the lock to write is taken at once, never on the way. */
export const BEGIN = 'begin immediate';

export type Reply = Answer | { error: { message: string; code: string | undefined } };

/** What the writing thread says to statements that came together. */
export interface Replies {
  replies: Reply[];
  /** Whether a transaction is open after them. */
  inTransaction: boolean;
}

/** A connection in write-ahead mode, with its prepared statements kept. @throws SqliteError */
export class SqliteFile {
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(file: string) {
    this.#db = new Database(file);
    this.#db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    this.#db.pragma('journal_mode = WAL');
    this.#db.pragma('synchronous = NORMAL'); // the log is flushed by LogFlusher, once for each group
    this.#db.pragma('foreign_keys = ON');
  }

  /** From now on nothing is written here. */
  readOnly(): void {
    this.#db.pragma('query_only = ON');
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  run({ sql, parameters, forEachRow }: Ask): Answer {
    const statement = this.#prepare(sql);
    const runs = forEachRow ? (parameters as unknown[][]) : [parameters];
    const rows: unknown[] = [];
    let changes = 0;
    for (const values of runs)
      if (statement.reader) rows.push(...statement.all(values));
      else changes += statement.run(values).changes;
    return statement.reader ? { rows } : { rows, changes };
  }

  close(): void {
    this.#db.close();
  }

  #prepare(text: string): Database.Statement {
    const known = this.#statements.get(text);
    if (known) return known;
    if (this.#statements.size >= STATEMENT_CACHE)
      this.#statements.delete(this.#statements.keys().next().value!);
    const statement = this.#db.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}
