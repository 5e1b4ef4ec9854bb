import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Engine } from '../../src/storage/db.ts';
import { newApiKey } from '../../src/workspaces/api-key.ts';
import type { Bench, Group } from '../parts/bench.ts';
import { SIZES } from '../parts/letter.ts';
import { load, warmUpSeconds } from '../parts/load.ts';
import { cpuMicros, end, keep } from '../parts/processes.ts';
import { furnish, install } from '../parts/product.ts';
import { startSmtpSink } from '../parts/sink.ts';

const CALLERS = 32;

/** Calls alone: a process that accepts and stores, and sends nothing (ROLE=api). */
export const intake: Group = {
  name: 'intake',
  about: 'POST /v1/messages alone, stored and not stored; p99 at the peak and at half of it',
  async round(bench) {
    await withoutStoring(bench);
    await stored(bench, 'sqlite');
    if (bench.hasPostgres) await stored(bench, 'postgres');
  },
};

const seconds = (bench: Bench) => (bench.quick ? 3 : 8);

/** @returns calls a second at the peak */
export async function stored(
  bench: Bench,
  engine: Engine,
  nodeArgs: readonly string[] = [],
): Promise<number> {
  bench.say(`  intake, ${engine}`);
  const { figures } = bench;
  const sink = await startSmtpSink(bench.folder);
  const installation = await install(bench, engine);
  const program = await installation.start({ role: 'api', nodeArgs });
  try {
    await furnish(installation, program, sink, SIZES[0]!);
    const common = {
      url: program.url,
      apiKey: installation.apiKey,
      seconds: seconds(bench),
      connections: CALLERS,
    };
    await load({ ...common, seconds: warmUpSeconds(bench), prefix: 'warm' });
    const before = cpuMicros(program.pid);
    const peak = await load({ ...common, prefix: 'peak' });
    figures.add(`intake, ${engine}`, peak.perSecond, 'calls/s');
    figures.add(`intake, ${engine}: p99 at the peak`, peak.p99, 'ms');
    figures.add(
      `intake, ${engine}: CPU of the product`,
      (cpuMicros(program.pid) - before) / peak.requests,
      'µs/call',
    );
    // Each connection makes a call, then pauses: twice the time between two calls is half the rate.
    const pauseMs = Math.max(1, Math.round((2000 * CALLERS) / peak.perSecond - peak.p50 / 2));
    const half = await load({ ...common, prefix: 'half', pauseMs });
    figures.add(`intake, ${engine}: calls at about half the peak`, half.perSecond, 'calls/s');
    figures.add(`intake, ${engine}: p99 at about half the peak`, half.p99, 'ms');
    return peak.perSecond;
  } finally {
    await program.stop();
    await installation.records.close();
    await sink.stop();
  }
}

async function withoutStoring(bench: Bench): Promise<void> {
  bench.say('  intake without storing');
  const apiKey = newApiKey();
  const child = keep(fork(join(import.meta.dirname, '..', 'programs', 'no-store.ts'), [apiKey]));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const common = { url: `http://127.0.0.1:${port}`, apiKey, connections: CALLERS };
  await load({ ...common, seconds: warmUpSeconds(bench), prefix: 'warm' });
  const before = cpuMicros(child.pid!);
  const peak = await load({ ...common, seconds: seconds(bench), prefix: 'peak' });
  bench.figures.add('intake without storing', peak.perSecond, 'calls/s');
  bench.figures.add('intake without storing: p99', peak.p99, 'ms');
  bench.figures.add(
    'intake without storing: CPU',
    (cpuMicros(child.pid!) - before) / peak.requests,
    'µs/call',
  );
  await end(child);
}
