import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { answers, freePort } from '../../src/testing/ports.ts';
import { end, holdsWithin, keep } from './processes.ts';

export type SinkSecurity = 'none' | 'starttls';

/** A server that takes mail and forgets it, in a process of its own. */
export interface Sink {
  port: number;
  pid: number;
  security: SinkSecurity;
  /** For clients that should trust it. */
  caPem?: string;
  /** Messages taken so far. */
  count(): Promise<number>;
  stop(): Promise<void>;
}

/** What the counting sink tells beyond that. */
export interface CountingSink extends Sink {
  /** The moments of the 250 for watched recipients since the last question, ns of CLOCK_MONOTONIC. */
  watched(): Promise<[recipient: string, at: bigint][]>;
}

/** smtp-sink where it can, since rates are compared with what smtp-source does into it; it has no TLS. */
export function startSink(folder: string, security: SinkSecurity): Promise<Sink> {
  return security === 'none' ? startSmtpSink(folder) : startCountingSink(security);
}

/** Postfix's own sink: what every rate is compared with. It writes its counters, and the file is asked. */
export async function startSmtpSink(folder: string): Promise<Sink> {
  const port = await freePort();
  const file = join(folder, `smtp-sink-${port}`);
  const output = openSync(file, 'w+');
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : []; // it asks for one
  const child = keep(
    spawn('/usr/sbin/smtp-sink', ['-c', ...user, `127.0.0.1:${port}`, '100'], {
      stdio: ['ignore', output, 'ignore'],
    }),
  );
  if (!(await holdsWithin(2_000, () => answers(port))))
    throw new Error('smtp-sink did not start; the Debian package postfix brings it');
  return {
    port,
    pid: child.pid!,
    security: 'none',
    count: async () => lastCount(output),
    async stop() {
      await end(child);
      closeSync(output);
    },
  };
}

/** smtp-sink prints `sess=1 quit=0 mesg=42` over and over. */
function lastCount(file: number): number {
  const tail = Buffer.alloc(200);
  const { size } = fstatSync(file);
  const length = readSync(file, tail, 0, tail.length, Math.max(0, size - tail.length));
  const counts = [...tail.toString('latin1', 0, length).matchAll(/mesg=(\d+)[^\d]/g)];
  return Number(counts.at(-1)?.[1] ?? 0);
}

/** The bench's own sink: also STARTTLS, a delay before each reply, and moments of watched recipients. */
export async function startCountingSink(security: SinkSecurity, delayMs = 0): Promise<CountingSink> {
  const program = join(import.meta.dirname, '..', 'programs', 'sink.ts');
  const child = keep(fork(program, [security, String(delayMs)]));
  const [ready] = (await once(child, 'message')) as [{ port: number; caPem: string }];
  const ask = async (question: 'count' | 'watched') => {
    const answer = once(child, 'message');
    child.send(question);
    return (await answer)[0] as { count: number; watched: [string, string][] };
  };
  return {
    ...ready,
    pid: child.pid!,
    security,
    count: async () => (await ask('count')).count,
    watched: async () => (await ask('watched')).watched.map(([who, at]) => [who, BigInt(at)]),
    stop: () => end(child),
  };
}
