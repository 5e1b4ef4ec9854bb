import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  postgresBin,
  postgresDatabase,
  startPostgres,
  type TestPostgres,
} from '../../src/testing/postgres.ts';
import { Figures } from './figures.ts';
import { endAll } from './processes.ts';

/** What every group of rows is given. */
export interface Bench {
  quick: boolean;
  figures: Figures;
  /** For databases and logs of this run; removed at its end. */
  folder: string;
  /** Millions of messages for the rows about growth. */
  history: readonly number[];
  hasPostgres: boolean;
  /** An empty database on a PostgreSQL of this run's own, one for each environment. @returns its address */
  postgresDatabase(env?: Record<string, string>): Promise<string>;
  say(line: string): void;
  close(): Promise<void>;
}

/** One file of rows: measures each of them once, so that rounds can be interleaved. */
export interface Group {
  name: string;
  /** What it does, for --help. */
  about: string;
  /** Why it cannot run here; undefined when it can. */
  missing?: (bench: Bench) => string | undefined;
  round(bench: Bench): Promise<void>;
}

export interface BenchOptions {
  quick: boolean;
  history?: readonly number[];
}

export function openBench({ quick, history = [1] }: BenchOptions): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-bench-'));
  const servers = new Map<string, Promise<TestPostgres>>();
  let databases = 0;
  const bench: Bench = {
    quick,
    history,
    folder,
    figures: new Figures(),
    hasPostgres: postgresBin() !== undefined,
    async postgresDatabase(env = {}) {
      const key = JSON.stringify(env);
      const server = servers.get(key) ?? startPostgresWith(env);
      servers.set(key, server);
      return postgresDatabase((await server).url, `bench_${++databases}`);
    },
    say: (line) => process.stderr.write(`${line}\n`),
    async close() {
      await endAll();
      for (const server of servers.values()) await (await server).stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void bench.close().then(() => process.exit(130)));
  return bench;
}

/** A server inherits the environment it is started in. */
async function startPostgresWith(env: Record<string, string>): Promise<TestPostgres> {
  Object.assign(process.env, env);
  try {
    return await startPostgres();
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
  }
}
