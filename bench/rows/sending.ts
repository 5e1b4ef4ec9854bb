import type { Bench, Group } from '../parts/bench.ts';
import { cpuMicros, holdsWithin, until } from '../parts/processes.ts';
import { fill, furnish, install } from '../parts/product.ts';
import { startSink } from '../parts/sink.ts';
import { type Case, caseName, cases, drainMs } from './chain.ts';

export const sending: Group = {
  name: 'sending',
  about: 'the sending stage alone: messages wait, a worker starts, the time until all are recorded',
  async round(bench) {
    for (const one of cases(bench)) {
      const name = caseName(one);
      bench.say(`  sending alone, ${name}`);
      const run = await drain(bench, one, { count: bench.quick ? 5_000 : 20_000 });
      bench.figures.add(`sending alone, ${name}`, run.perSecond, 'msg/s');
      bench.figures.add(`sending alone, ${name}: CPU of the product`, run.cpu, 'µs/msg');
    }
  },
};

export interface DrainOptions {
  count: number;
  workers?: number;
  nodeArgs?: readonly string[];
}

/** Fills a queue while nobody sends, then lets workers empty it. */
export async function drain(bench: Bench, one: Case, { count, workers = 1, nodeArgs = [] }: DrainOptions) {
  const sink = await startSink(bench.folder, one.security);
  const installation = await install(bench, one.engine);
  const { records } = installation;
  const api = await installation.start({ role: 'api' });
  try {
    await furnish(installation, api, sink, one.size);
    await fill(installation, api, count);
  } finally {
    await api.stop();
  }
  const before = await sink.count();
  const programs = await Promise.all(
    Array.from({ length: workers }, () => installation.start({ role: 'worker', nodeArgs })),
  );
  try {
    const pids = programs.map(({ pid }) => pid);
    await until('the first message', 10_000, async () => (await sink.count()) > before);
    const began = performance.now();
    const cpuBefore = cpuMicros(...pids);
    const already = await sink.count();
    const isEmpty = await holdsWithin(drainMs(bench), async () => (await sink.count()) === before + count);
    const seconds = (performance.now() - began) / 1000;
    const messages = (await sink.count()) - already;
    const cpu = (cpuMicros(...pids) - cpuBefore) / messages;
    await Promise.all(programs.map((program) => program.stop()));
    const { sent = 0 } = await records.states();
    const taken = (await sink.count()) - before;
    if (sent !== taken || (isEmpty && sent !== count))
      throw new Error(`${sent} were recorded, the sink took ${taken} of ${count}`);
    return { perSecond: messages / seconds, cpu };
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    await records.close();
    await sink.stop();
  }
}
