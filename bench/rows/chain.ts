import type { Engine } from '../../src/storage/db.ts';
import type { Bench, Group } from '../parts/bench.ts';
import { SIZES, type Size } from '../parts/letter.ts';
import { type Loaded, load } from '../parts/load.ts';
import { cpuMicros, residentMegabytes, sleep, until } from '../parts/processes.ts';
import { furnish, type Installation, install, type Program } from '../parts/product.ts';
import type { ServerWork } from '../parts/records.ts';
import { type Sink, type SinkSecurity, startSink } from '../parts/sink.ts';

/** Callers at the same time. */
const CALLERS = 32;
/** What is still waiting when the load ends must be sent within this. */
const DRAIN_MS = 180_000;

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
  figures.add(`whole chain, ${name}: CPU of the product`, run.cpu, 'µs/msg');
  figures.add(`whole chain, ${name}: CPU of the sink`, run.sinkCpu, 'µs/msg');
  if (run.databaseCpu !== undefined)
    figures.add(`whole chain, ${name}: CPU of the database's server`, run.databaseCpu, 'µs/msg');
  if (run.work) {
    figures.add(`whole chain, ${name}: transactions, reads included`, run.work.transactions, 'a message');
    figures.add(`whole chain, ${name}: write-ahead log`, run.work.logBytes, 'bytes/msg');
  }
  if (one.engine === 'sqlite' && one.security === 'none' && one.size === SIZES[0]) {
    figures.add('memory, idle', run.idleMegabytes, 'MB');
    figures.add('memory, full load', run.peakMegabytes, 'MB');
  }
}

export interface ChainRun {
  /** Messages a second at the sink while calls kept coming. */
  perSecond: number;
  loaded: Loaded;
  /** Microseconds of CPU for one message, from the first call to the last record. */
  cpu: number;
  sinkCpu: number;
  /** Of the database's server, where it is a process of its own. */
  databaseCpu: number | undefined;
  /** Of that server, for one message. */
  work: ServerWork | undefined;
  idleMegabytes: number;
  peakMegabytes: number;
}

export interface ChainOptions {
  env?: Record<string, string>;
  nodeArgs?: readonly string[];
}

/** Loads a fresh installation for a warm-up and a window, lets it drain, and compares the three counts. */
export async function runChain(
  bench: Bench,
  one: Case,
  { env, nodeArgs }: ChainOptions = {},
): Promise<ChainRun> {
  const sink = await startSink(bench.folder, one.security);
  const installation = await install(bench, one.engine, env);
  const program = await installation.start({ ...(nodeArgs ? { nodeArgs } : {}) });
  try {
    await furnish(installation, program, sink, one.size);
    return await underLoad(bench, installation, program, sink);
  } finally {
    await program.stop();
    await installation.records.close();
    await sink.stop();
  }
}

/** Loads a running installation whose queue is empty. */
export async function underLoad(
  bench: Bench,
  { apiKey, records }: Installation,
  { url, pid }: Program,
  sink: Sink,
): Promise<ChainRun> {
  const [warmUp, window] = bench.quick ? [1, 3] : [3, 10];
  const sentBefore = (await records.states()).sent ?? 0;
  const takenBefore = await sink.count();
  const idleMegabytes = residentMegabytes(pid);
  const databasePid = await records.serverPid();
  const meters = [pid, sink.pid, databasePid ?? []].flat();
  const workBefore = await records.work();
  const cpuBefore = meters.map((one) => cpuMicros(one));
  const loading = load({ url, apiKey, seconds: warmUp + window + 1, connections: CALLERS, prefix: 'load' });
  await sleep(warmUp * 1000);
  const began = performance.now();
  const before = await sink.count();
  let peakMegabytes = 0;
  while (performance.now() - began < window * 1000) {
    await sleep(250);
    peakMegabytes = Math.max(peakMegabytes, residentMegabytes(pid));
  }
  const perSecond = ((await sink.count()) - before) / ((performance.now() - began) / 1000);
  const loaded = await loading;
  await until('the queue is empty', DRAIN_MS, async () => (await records.waiting()) === 0);
  const received = await compareCounts(records, sink, loaded, { sent: sentBefore, taken: takenBefore });
  const [cpu, sinkCpu, databaseCpu] = meters.map((one, at) => (cpuMicros(one) - cpuBefore[at]!) / received);
  return {
    perSecond,
    loaded,
    cpu: cpu!,
    sinkCpu: sinkCpu!,
    databaseCpu,
    work: perMessage(workBefore, await records.work(), received),
    idleMegabytes,
    peakMegabytes,
  };
}

function perMessage(before: ServerWork | undefined, after: ServerWork | undefined, messages: number) {
  if (!before || !after) return undefined;
  return {
    transactions: (after.transactions - before.transactions) / messages,
    logBytes: (after.logBytes - before.logBytes) / messages,
  };
}

/**
 * Recorded as sent must be what the sink took, exactly. Accepted is what wrk counted and at most one more for each of
 * its connections: it ends without reading the answers under way.
 */
async function compareCounts(
  records: Installation['records'],
  sink: Sink,
  { requests }: Loaded,
  before: { sent: number; taken: number },
): Promise<number> {
  const states = await records.states();
  const received = (await sink.count()) - before.taken;
  const sent = (states.sent ?? 0) - before.sent;
  if (Object.keys(states).some((state) => state !== 'sent') || sent !== received)
    throw new Error(`the sink took ${received}, the record says ${JSON.stringify(states)}`);
  if (sent < requests || sent > requests + CALLERS)
    throw new Error(`${requests} calls were answered, ${sent} messages were recorded`);
  return received;
}
