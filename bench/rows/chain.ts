import type { Engine } from '../../src/storage/db.ts';
import type { Bench, Group } from '../parts/bench.ts';
import { SIZES, type Size } from '../parts/letter.ts';
import { type Loaded, load, warmUpSeconds } from '../parts/load.ts';
import { type Spent, startMeter } from '../parts/meter.ts';
import { holdsWithin, residentMegabytes, sleep } from '../parts/processes.ts';
import { furnish, type Installation, install, type Program } from '../parts/product.ts';
import type { Records } from '../parts/records.ts';
import { type Sink, type SinkSecurity, startSink } from '../parts/sink.ts';

/** Callers at the same time. */
const CALLERS = 32;
/** What still waits when the load ends is given so long; a quick run goes on without it. */
export const drainMs = ({ quick }: Bench): number => (quick ? 10_000 : 180_000);

export interface Case {
  engine: Engine;
  security: SinkSecurity;
  size: Size;
}

export function caseName({ engine, security, size }: Case): string {
  return `${size.name}, ${engine}, ${security === 'none' ? 'plain' : 'STARTTLS'}`;
}

/** All combinations; a quick run leaves out what the others make likely. */
export function cases(bench: Bench): Case[] {
  const engines: Engine[] = bench.hasPostgres ? ['sqlite', 'postgres'] : ['sqlite'];
  const all = engines.flatMap((engine) =>
    (['none', 'starttls'] as const).flatMap((security) => SIZES.map((size) => ({ engine, security, size }))),
  );
  const unusual = ({ engine, security, size }: Case) =>
    [engine === 'postgres', security === 'starttls', size !== SIZES[0]].filter(Boolean).length;
  return bench.quick ? all.filter((one) => unusual(one) < 2) : all;
}

export const chain: Group = {
  name: 'chain',
  about: 'HTTP, stored, rendered, sent over SMTP, recorded: all at the same time; CPU and memory',
  async round(bench) {
    for (const one of cases(bench)) await measureChain(bench, one);
  },
};

async function measureChain(bench: Bench, one: Case): Promise<void> {
  const name = caseName(one);
  bench.say(`  whole chain, ${name}`);
  const run = await runChain(bench, one);
  const { figures } = bench;
  figures.add(`whole chain, ${name}`, run.perSecond, 'msg/s');
  figures.add(`whole chain, ${name}: accepted meanwhile`, run.loaded.perSecond, 'msg/s');
  figures.add(`whole chain, ${name}: p99 of the answer`, run.loaded.p99, 'ms');
  addSpent(bench, `whole chain, ${name}`, run.spent);
  if (one.engine === 'sqlite' && one.security === 'none' && one.size === SIZES[0]) {
    figures.add('memory, idle', run.idleMegabytes, 'MB');
    figures.add('memory, full load', run.peakMegabytes, 'MB');
  }
}

function addSpent({ figures }: Bench, name: string, spent: Spent | undefined): void {
  if (!spent) {
    figures.note(`${name}: calls came faster than messages went, and the queue did not empty in time.`);
    return;
  }
  figures.add(`${name}: CPU of the product`, spent.cpu, 'µs/msg');
  figures.add(`${name}: CPU of the sink`, spent.sinkCpu, 'µs/msg');
  if (spent.databaseCpu === undefined || !spent.work) return;
  figures.add(`${name}: CPU of the database's server`, spent.databaseCpu, 'µs/msg');
  figures.add(`${name}: transactions, reads included`, spent.work.transactions, 'a message');
  figures.add(`${name}: write-ahead log`, spent.work.logBytes, 'bytes/msg');
}

export interface ChainRun {
  /** Messages a second at the sink while calls kept coming. */
  perSecond: number;
  loaded: Loaded;
  /** From the first call to the last record; undefined when the queue did not empty in time. */
  spent: Spent | undefined;
  idleMegabytes: number;
  peakMegabytes: number;
}

export interface ChainOptions {
  env?: Record<string, string>;
  /** Read before and after; see `counted`. */
  counter?: () => number;
  nodeArgs?: readonly string[];
}

/** Loads a fresh installation for a warm-up and a window, lets it drain, and compares the three counts. */
export async function runChain(
  bench: Bench,
  one: Case,
  { env, nodeArgs, counter }: ChainOptions = {},
): Promise<ChainRun> {
  const sink = await startSink(bench.folder, one.security);
  const installation = await install(bench, one.engine, env);
  const program = await installation.start({ ...(nodeArgs ? { nodeArgs } : {}) });
  try {
    await furnish(installation, program, sink, one.size);
    return await underLoad(bench, installation, program, sink, counter);
  } finally {
    await program.stop();
    await installation.records.close();
    await sink.stop();
  }
}

/** Loads a running installation whose queue is empty, and ends it. */
export async function underLoad(
  bench: Bench,
  { apiKey, records }: Installation,
  program: Program,
  sink: Sink,
  counter: () => number = () => 0,
): Promise<ChainRun> {
  const { url, pid } = program;
  const warmUp = warmUpSeconds(bench);
  const window = bench.quick ? 3 : 10;
  const before = await countsOf(records, sink);
  const idleMegabytes = residentMegabytes(pid);
  const spent = await startMeter({ productPid: pid, sinkPid: sink.pid, records, counter });
  const loading = load({ url, apiKey, seconds: warmUp + window + 1, connections: CALLERS, prefix: 'load' });
  await sleep(warmUp * 1000);
  const { perSecond, peakMegabytes } = await watch(pid, sink, window);
  const loaded = await loading;
  const isEmpty = await holdsWithin(drainMs(bench), async () => (await records.waiting()) === 0);
  const taken = (await sink.count()) - before.taken;
  const measured = isEmpty ? await spent(taken) : undefined;
  await program.stop(); // what is under way is finished, so that the counts can be compared
  compareCounts(before, await countsOf(records, sink), loaded, isEmpty);
  return { perSecond, loaded, spent: measured, idleMegabytes, peakMegabytes };
}

/** The rate at the sink, and the most memory that was seen meanwhile. */
async function watch(pid: number, sink: Sink, seconds: number) {
  const began = performance.now();
  const before = await sink.count();
  let peakMegabytes = 0;
  while (performance.now() - began < seconds * 1000) {
    await sleep(250);
    peakMegabytes = Math.max(peakMegabytes, residentMegabytes(pid));
  }
  const taken = (await sink.count()) - before;
  return { perSecond: taken / ((performance.now() - began) / 1000), peakMegabytes };
}

interface Counts {
  taken: number;
  sent: number;
  queued: number;
  others: number;
}

async function countsOf(records: Records, sink: Sink): Promise<Counts> {
  const { sent = 0, queued = 0, ...others } = await records.states();
  const rest = Object.values(others).reduce((sum, count) => sum + count, 0);
  return { taken: await sink.count(), sent, queued, others: rest };
}

/**
 * Recorded as sent must be what the sink took, exactly, and nothing may have ended otherwise. Accepted is what wrk
 * counted and at most one more for each of its connections: it ends without reading the answers under way.
 */
function compareCounts(before: Counts, after: Counts, { requests }: Loaded, isEmpty: boolean): void {
  const sent = after.sent - before.sent;
  const stored = sent + after.queued;
  const isRight =
    sent === after.taken - before.taken &&
    after.others === 0 &&
    (!isEmpty || after.queued === 0) &&
    stored >= requests &&
    stored <= requests + CALLERS;
  if (!isRight)
    throw new Error(`${requests} were accepted; before and after: ${JSON.stringify([before, after])}`);
}
