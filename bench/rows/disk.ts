import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Engine } from '../../src/storage/db.ts';
import type { Bench, Group } from '../parts/bench.ts';
import { type FlushMeter, flushMeter, noFlushMeter } from '../parts/flushes.ts';
import { SIZES } from '../parts/letter.ts';
import { runChain } from './chain.ts';

/** Rented disks flush in 1 to 4 ms; the one under this bench may be far quicker. */
const DELAY_US = 4_000;

/** The whole chain with every flush made slower, against the same without. */
export const disk: Group = {
  name: 'disk',
  about: `every fsync and fdatasync ${DELAY_US / 1000} ms slower, in SQLite and in PostgreSQL's server`,
  missing: noFlushMeter,
  async round(bench) {
    for (const engine of ['sqlite', 'postgres'] as const) {
      if (engine === 'postgres' && !bench.hasPostgres) continue;
      await measure(bench, engine, 'fast', flushMeter(bench.folder, `${engine}-fast`, 0));
      await measure(bench, engine, 'slow', flushMeter(bench.folder, `${engine}-slow`, DELAY_US));
    }
  },
};

async function measure(
  bench: Bench,
  engine: Engine,
  speed: 'fast' | 'slow',
  { env, count }: FlushMeter,
): Promise<void> {
  bench.say(`  whole chain, ${speed} disk, ${engine}`);
  const { figures } = bench;
  const commits =
    engine === 'sqlite' ? await commitsOfSqlite(bench, env) : await commitsOfPostgres(bench, env);
  figures.add(`single commits, ${speed} disk, ${engine}`, commits, 'a second');
  const one = { engine, security: 'none', size: SIZES[0]! } as const;
  const run = await runChain(bench, one, { env, counter: count });
  figures.add(`whole chain, ${speed} disk, ${engine}`, run.perSecond, 'msg/s');
  if (run.spent)
    figures.add(`whole chain, ${speed} disk, ${engine}: flushes`, run.spent.counted, 'a message');
}

/** Commits a second, one after the other. With the delay they cannot be more than 250: so it shows that it is felt. */
async function commitsOfSqlite(bench: Bench, env: Record<string, string>): Promise<number> {
  const folder = mkdtempSync(join(bench.folder, 'commits-'));
  const program = join(import.meta.dirname, '..', 'programs', 'commits.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program, folder], {
    env: { ...process.env, ...env },
  });
  return Number(stdout);
}

/** Here the flushes are the server's: it is the one that is started with the delay. */
async function commitsOfPostgres(bench: Bench, env: Record<string, string>): Promise<number> {
  const client = new pg.Client(await bench.postgresDatabase(env));
  await client.connect();
  await client.query('create table commits (at int)');
  const began = performance.now();
  let count = 0;
  while (performance.now() - began < 1000) await client.query('insert into commits values ($1)', [count++]);
  await client.end();
  return count;
}
