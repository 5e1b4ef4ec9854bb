import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { end, keep } from './processes.ts';

/** What wrk saw. Calls under way when it stops are not in its count, though the product may have accepted them. */
export interface Loaded {
  requests: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

export interface LoadOptions {
  url: string;
  apiKey: string;
  seconds: number;
  connections: number;
  /** Begins every recipient's address. */
  prefix: string;
  /** Milliseconds between two calls of a connection; 0 sends as fast as answers come. */
  pauseMs?: number;
}

/** Seconds under load before anything is measured: in the first ones V8 still compiles what runs often, on the same cores. */
export const warmUpSeconds = ({ quick }: { quick: boolean }): number => (quick ? 1 : 8);

/**
 * Posts messages from wrk, in a process of its own.
 * @throws Error when a call was refused or broke: such a run measures something else
 */
export async function load(options: LoadOptions): Promise<Loaded> {
  const { url, apiKey, seconds, connections, prefix, pauseMs = 0 } = options;
  const script = join(import.meta.dirname, '..', 'programs', 'load.lua');
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', script];
  const child = keep(
    spawn('/usr/bin/wrk', [...args, `${url}/v1/messages`, '--', apiKey, prefix, String(pauseMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  const timer = setTimeout(() => void end(child, 'SIGKILL'), (seconds + 30) * 1000);
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  clearTimeout(timer);
  const result = /^RESULT (.*)$/m.exec(output)?.[1];
  if (!result) throw new Error(`wrk gave no result: ${output}`);
  const seen = JSON.parse(result);
  if (seen.refused > 0 || seen.broken > 0)
    throw new Error(`${seen.refused} calls were refused and ${seen.broken} broke`);
  return {
    requests: seen.requests,
    perSecond: seen.requests / (seen.micros / 1e6),
    p50: seen.p50,
    p99: seen.p99,
  };
}
