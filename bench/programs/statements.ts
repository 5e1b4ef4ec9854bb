import { writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import pg from 'pg';

// Loaded into the product before its own code (node --import): counts the statements it runs, and how long the
// embedded database took for each. Written at the end to the file that STATEMENTS names.

export interface Statement {
  sql: string;
  count: number;
  /** Spent inside the embedded database; 0 on PostgreSQL, where another process works. */
  ms: number;
}

const seen = new Map<string, Statement>();

function add(sql: string, ms: number): void {
  const known = seen.get(sql) ?? { sql, count: 0, ms: 0 };
  known.count++;
  known.ms += ms;
  seen.set(sql, known);
}

function timed<T>(sql: string, run: () => T): T {
  const began = performance.now();
  const result = run();
  add(sql, performance.now() - began);
  return result;
}

type Run = (...args: unknown[]) => unknown;

const database = Database.prototype as unknown as { prepare: Run; exec: Run };
const { prepare, exec } = database;
database.exec = function (sql) {
  return timed(String(sql), () => exec.call(this, sql));
};
database.prepare = function (sql) {
  const statement = prepare.call(this, sql) as Record<string, Run>;
  for (const name of ['run', 'all', 'get']) {
    const own = statement[name]!.bind(statement);
    statement[name] = (...args) => timed(String(sql), () => own(...args));
  }
  return statement;
};

const client = pg.Client.prototype as unknown as { query: Run };
const { query } = client;
client.query = function (...args) {
  const [first] = args as [string | { text?: string }];
  add(String(typeof first === 'string' ? first : first?.text), 0);
  return query.apply(this, args);
};

process.on('exit', () => {
  writeFileSync(`${process.env.STATEMENTS}-${process.pid}`, JSON.stringify([...seen.values()]));
});
