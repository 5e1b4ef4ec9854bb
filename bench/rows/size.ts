import type { Engine } from '../../src/storage/db.ts';
import type { Bench, Group } from '../parts/bench.ts';
import { makeHistory } from '../parts/history.ts';
import { SIZES } from '../parts/letter.ts';
import { until } from '../parts/processes.ts';
import { fill, furnish, install } from '../parts/product.ts';
import { startSink } from '../parts/sink.ts';

const MESSAGES = 20_000;

/** What is kept of a message that was sent: its row, attempt, events, and their places in the indexes. */
export const size: Group = {
  name: 'size',
  about: 'bytes on disk of one message of the history',
  async round(bench) {
    await measure(bench, 'sqlite');
    if (bench.hasPostgres) await measure(bench, 'postgres');
  },
};

async function measure(bench: Bench, engine: Engine): Promise<void> {
  bench.say(`  ${MESSAGES} messages of history, ${engine}`);
  const sink = await startSink(bench.folder, 'none');
  const installation = await install(bench, engine);
  const { records } = installation;
  const program = await installation.start();
  try {
    await furnish(installation, program, sink, SIZES[0]!);
    await fill(installation, program, 1);
    await until('it is sent', 30_000, async () => (await records.states()).sent === 1);
  } finally {
    await program.stop();
    await sink.stop();
  }
  const before = await records.bytes();
  await makeHistory(engine, records, MESSAGES);
  const bytes = (await records.bytes()) - before;
  bench.figures.add(`history on disk, ${engine}`, bytes / MESSAGES, 'bytes/msg');
  await records.close();
}
