import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Engine } from '../../src/storage/db.ts';
import type { Bench, Group } from '../parts/bench.ts';
import { SIZES } from '../parts/letter.ts';
import { runChain } from './chain.ts';

/** Rented disks flush in 1 to 4 ms; the one under this bench may be far quicker. */
const DELAY_US = 4_000;
const COMPILER = '/usr/bin/gcc';

const programs = join(import.meta.dirname, '..', 'programs');

/** The whole chain with every flush made slower, against the same without. */
export const disk: Group = {
  name: 'disk',
  about: `every fsync and fdatasync ${DELAY_US / 1000} ms slower, in SQLite and in PostgreSQL's server`,
  missing: () => (existsSync(COMPILER) ? undefined : `${COMPILER} is missing`),
  async round(bench) {
    const slow = slowed(bench);
    await sqlite(bench, 'fast', {});
    await sqlite(bench, 'slow', slow);
    if (!bench.hasPostgres) return;
    await postgres(bench, 'fast', {});
    await postgres(bench, 'slow', slow);
  },
};

function slowed(bench: Bench): Record<string, string> {
  const library = join(bench.folder, 'slow-flush.so');
  if (!existsSync(library))
    execFileSync(COMPILER, [
      '-shared',
      '-fPIC',
      '-O2',
      '-o',
      library,
      join(programs, 'slow-flush.c'),
      '-ldl',
    ]);
  return { LD_PRELOAD: library, FLUSH_DELAY_US: String(DELAY_US) };
}

async function sqlite(bench: Bench, speed: 'fast' | 'slow', env: Record<string, string>): Promise<void> {
  const folder = mkdtempSync(join(bench.folder, 'commits-'));
  const { stdout } = await promisify(execFile)(process.execPath, [join(programs, 'commits.ts'), folder], {
    env: { ...process.env, ...env },
  });
  bench.figures.add(`single commits, ${speed} disk, sqlite`, Number(stdout), 'a second');
  await measure(bench, 'sqlite', speed, env);
}

/** Here the flushes are the server's: it is the one that is started with the delay. */
async function postgres(bench: Bench, speed: 'fast' | 'slow', env: Record<string, string>): Promise<void> {
  const client = new pg.Client(await bench.postgresDatabase(env));
  await client.connect();
  await client.query('create table commits (at int)');
  const began = performance.now();
  let count = 0;
  while (performance.now() - began < 1000) await client.query('insert into commits values ($1)', [count++]);
  bench.figures.add(`single commits, ${speed} disk, postgres`, count, 'a second');
  await client.end();
  await measure(bench, 'postgres', speed, env);
}

async function measure(
  bench: Bench,
  engine: Engine,
  speed: 'fast' | 'slow',
  env: Record<string, string>,
): Promise<void> {
  bench.say(`  whole chain, ${speed} disk, ${engine}`);
  const one = { engine, security: 'none', size: SIZES[0]! } as const;
  const run = await runChain(bench, one, { env });
  bench.figures.add(`whole chain, ${speed} disk, ${engine}`, run.perSecond, 'msg/s');
}
