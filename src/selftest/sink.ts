import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { Entry } from '../demo-smtp/ledger.ts';
import { seededRandom } from '../demo-smtp/random.ts';
import { startFakeServer } from '../demo-smtp/server.ts';
import type { Launcher } from './program.ts';
import { between } from './random.ts';

/** What the ledger's file keeps of a message that arrived. */
export type Arrival = Omit<Entry, 'content'>;

export interface Sink {
  host: string;
  port: number;
  /** Everything that arrived so far, by its own record. */
  ledger(): Arrival[];
  stop(): Promise<void>;
}

/** The receiving server, in a process of its own that nobody kills: its ledger is the judge. */
export async function startSink(
  { command: [file, ...args], env }: Launcher,
  options: { ledgerFile: string; replyWithinMs: number; seed: number },
): Promise<Sink> {
  const { ledgerFile, replyWithinMs, seed } = options;
  const own = ['--ledger', ledgerFile, '--reply-within', String(replyWithinMs), '--seed', String(seed)];
  const child = spawn(file, [...args, 'selftest', 'sink', ...own], {
    env: { ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    exited.then(() => {
      throw new Error('The receiving server did not start.');
    }),
  ]);
  const { host, port } = JSON.parse(line) as { host: string; port: number };
  return {
    host,
    port,
    ledger: () => readLedger(ledgerFile),
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

function readLedger(file: string): Arrival[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Arrival);
}

/** The other end of `startSink`: runs until its input ends, as it does when the one who started it is gone. */
export async function sinkCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      ledger: { type: 'string' },
      'reply-within': { type: 'string' },
      seed: { type: 'string' },
    },
  });
  const random = seededRandom(Number(values.seed));
  const within = Number(values['reply-within']);
  const server = await startFakeServer({
    security: 'none',
    keepContent: false,
    ledgerFile: values.ledger!,
    script: [{ stage: 'dot', fault: anotherDelayEachTime(() => between(random, 0, within)) }],
  });
  process.stdout.write(`${JSON.stringify({ host: server.host, port: server.port })}\n`);
  process.stdin.resume();
  await once(process.stdin, 'end');
  await server.stop();
  return 0;
}

/** So that kills fall at every distance from the answer. */
function anotherDelayEachTime(draw: () => number): { delay: number } {
  return {
    get delay() {
      return draw();
    },
  };
}
