import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Entry } from './ledger.ts';
import type { Script } from './script.ts';
import type { FakeServerOptions } from './server.ts';

/** What crosses the border of a process: everything but what lives in memory. */
export type SinkOptions = Omit<
  FakeServerOptions,
  'authority' | 'clock' | 'onEntry' | 'keepContent' | 'ledgerFile'
> & {
  /** Where every accepted message is appended, one JSON line each. */
  ledgerFile: string;
};

/** The first line a sink prints. */
export interface SinkAddress {
  host: string;
  port: number;
  caPem: string;
  fingerprint: string;
}

export interface SinkProcess extends SinkAddress {
  pid: number;
  /** What the ledger's file has by now, without content. */
  ledger(): LedgerLine[];
  /** Resolves when the sink plays it. Delays are in ms: a promise does not cross. */
  setScript(script: Script): Promise<void>;
  /** Sends the signal. `SIGSTOP` leaves the line half open: what we send is taken, and nobody answers. */
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export type LedgerLine = Omit<Entry, 'content'>;

/**
 * Starts the scriptable server in a process of its own, so that its ledger outlives whoever is tested. It ends with
 * its parent, however that ends. @throws Error with what it wrote to stderr, when it does not start
 */
export async function startSinkProcess(options: SinkOptions): Promise<SinkProcess> {
  const entry = join(import.meta.dirname, 'sink.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.stdin.on('error', () => {}); // `exit` follows
  child.stdin.write(`${JSON.stringify(options)}\n`);
  const address = await firstLine(child, lines);
  return {
    ...address,
    pid: child.pid!,
    ledger: () => readLedger(options.ledgerFile),
    async setScript(script) {
      child.stdin.write(`${JSON.stringify(script)}\n`);
      await lines.next();
    },
    signal: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function firstLine(child: ChildProcess, lines: AsyncIterator<string>): Promise<SinkAddress> {
  let complaint = '';
  child.stderr?.on('data', (chunk) => {
    complaint += chunk;
  });
  const { value, done } = await lines.next();
  if (done) throw new Error(`The sink did not start: ${complaint}`);
  return JSON.parse(value) as SinkAddress;
}

/** A ledger's file as it is now. A line that is still being written does not count. */
export function readLedger(path: string): LedgerLine[] {
  const text = readFileSync(path, 'utf8');
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LedgerLine);
}
