import { spawn } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../src/testing/ports.ts';
import type { Bench, Group } from '../parts/bench.ts';
import { bytesFor, makeHistory } from '../parts/history.ts';
import { SIZES } from '../parts/letter.ts';
import { end, keep, root, sleep, until } from '../parts/processes.ts';
import { fill, furnish, type Installation, install } from '../parts/product.ts';
import { type Sink, startSink } from '../parts/sink.ts';
import { underLoad } from './chain.ts';

const MILLION = 1_000_000;

/** The whole chain with a past in the database, against the same without one; and how soon the program answers then. */
export const growth: Group = {
  name: 'growth',
  about: 'the whole chain with millions of messages of history, and the start with 1 M',
  async round(bench) {
    await withHistory(bench, 0);
    for (const millions of bench.history) await withHistory(bench, millions);
  },
};

async function withHistory(bench: Bench, millions: number): Promise<void> {
  const name = millions === 0 ? 'whole chain without history' : `whole chain with ${millions} M of history`;
  const disk = statfsSync(bench.folder);
  if (disk.bavail * disk.bsize < 2 * bytesFor(millions * MILLION))
    throw new Error(`${name} needs ${(2 * bytesFor(millions * MILLION)) / 1e9} GB free in ${bench.folder}`);
  bench.say(`  ${name}`);
  const sink = await startSink(bench.folder, 'none');
  const installation = await install(bench, 'sqlite');
  try {
    await sendOne(installation, sink);
    const began = performance.now();
    if (millions > 0) await makeHistory(installation.engine, installation.records, millions * MILLION);
    bench.say(`    made in ${Math.round((performance.now() - began) / 1000)} s`);
    const seconds = await startTime(installation);
    bench.figures.add(
      millions === 0 ? 'start without history' : `start with ${millions} M of history`,
      seconds,
      's',
    );
    const program = await installation.start();
    const run = await underLoad(bench, installation, program, sink).finally(() => program.stop());
    bench.figures.add(name, run.perSecond, 'msg/s');
    if (run.spent) bench.figures.add(`${name}: CPU of the product`, run.spent.cpu, 'µs/msg');
  } finally {
    await installation.records.close();
    await sink.stop();
  }
}

/** The message that the past is copied from. */
async function sendOne(installation: Installation, sink: Sink): Promise<void> {
  const program = await installation.start();
  try {
    await furnish(installation, program, sink, SIZES[0]!);
    await fill(installation, program, 1);
    await until(
      'the first message is sent',
      10_000,
      async () => (await installation.records.states()).sent === 1,
    );
  } finally {
    await program.stop();
  }
}

/** Seconds from the command a user types to the first answer. */
async function startTime({ env }: Installation): Promise<number> {
  const port = await freePort();
  const began = performance.now();
  const child = keep(
    spawn(join(root, 'bin', 'mailwright'), ['serve'], {
      env: { ...process.env, ...env, PORT: String(port) },
      stdio: 'ignore',
    }),
  );
  for (;;) {
    const isUp = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isUp) break;
    if (child.exitCode !== null) throw new Error('The product did not start.');
    await sleep(5);
  }
  const seconds = (performance.now() - began) / 1000;
  await end(child);
  return seconds;
}
