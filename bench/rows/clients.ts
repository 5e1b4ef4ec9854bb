import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Bench, Group } from '../parts/bench.ts';
import { SIZES, type Size } from '../parts/letter.ts';
import { warmUpSeconds } from '../parts/load.ts';
import { type Sink, startCountingSink, startSmtpSink } from '../parts/sink.ts';
import type { Sending, Task } from '../programs/client.ts';

const CONNECTIONS = 10;
/** The time a reply takes from another continent's edge, or from a busy server. */
const FAR_MS = 20;

/** SMTP clients alone: bytes that are ready, or composed where the row says so. Nothing is stored. */
export const clients: Group = {
  name: 'clients',
  about: 'our client and nodemailer, ten connections, into sinks',
  async round(bench) {
    const sink = await startSmtpSink(bench.folder);
    const tlsSink = await startCountingSink('starttls');
    for (const size of SIZES) {
      await measure(bench, `nodemailer raw, ${size.name}`, 'nodemailer raw', size, sink);
      await measure(bench, `nodemailer composing, ${size.name}`, 'nodemailer composing', size, sink);
      await measure(bench, `own client, ${size.name}, plain`, 'own', size, sink);
      await measure(bench, `own client, ${size.name}, STARTTLS`, 'own', size, tlsSink);
    }
    await measure(bench, 'nodemailer raw, 5 KB, STARTTLS', 'nodemailer raw', SIZES[0]!, tlsSink);
    await sink.stop();
    await tlsSink.stop();
  },
};

/** Where the round trip, not the processor, is the limit. */
export const distance: Group = {
  name: 'distance',
  about: `our client and nodemailer, to a server ${FAR_MS} ms away`,
  async round(bench) {
    const sink = await startCountingSink('none', FAR_MS);
    await measure(bench, `nodemailer raw, ${FAR_MS} ms away`, 'nodemailer raw', SIZES[0]!, sink);
    await measure(bench, `own client, ${FAR_MS} ms away`, 'own', SIZES[0]!, sink);
    await sink.stop();
  },
};

const program = join(import.meta.dirname, '..', 'programs', 'client.ts');

async function measure(
  bench: Bench,
  row: string,
  client: Task['client'],
  size: Size,
  sink: Sink,
): Promise<void> {
  bench.say(`  ${row}`);
  const before = await sink.count();
  const { port, security, caPem } = sink;
  const warmUpMs = 1_000 * warmUpSeconds(bench);
  const windowMs = bench.quick ? 1_500 : 6_000;
  const task: Task = { client, port, security, caPem, size, connections: CONNECTIONS, warmUpMs, windowMs };
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(task)]);
  const { perSecond, cpu, sent } = JSON.parse(stdout) as Sending;
  const received = (await sink.count()) - before;
  if (received !== sent) throw new Error(`${row}: ${sent} were sent, the sink took ${received}`);
  bench.figures.add(row, perSecond, 'msg/s');
  bench.figures.add(`${row}: CPU of the client`, cpu, 'µs/msg');
}
