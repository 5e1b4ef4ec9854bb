import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const projectRoot = join(import.meta.dirname, '..', '..');

/** The real program in a process of its own, as `bin/mailwright serve` starts it. */
export interface Program {
  /** Empty for a worker, which answers no calls. */
  url: string;
  /** The token of the first-run link, while it is printed. */
  setupToken: string | undefined;
  pid: number;
  /** Sends the signal and waits for the end. @returns the exit code, or null when the signal ended it */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export async function startProgram(dataDir: string, env: Record<string, string> = {}): Promise<Program> {
  const child = spawn(join(projectRoot, 'bin', 'mailwright'), ['serve'], {
    env: { ...process.env, PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'error', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exited = once(child, 'exit');
  const started = firstLines(child);
  const first = await Promise.race([started, exited.then(() => undefined)]);
  if (!first) throw new Error(`The program ended with code ${child.exitCode}: ${stderr}`);
  return {
    ...first,
    pid: child.pid!,
    async end(signal) {
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

/** Reads the lines it prints until it says where it runs and, on the first run, with which link to begin. */
async function firstLines(
  child: ChildProcess,
): Promise<{ url: string; setupToken: string | undefined } | undefined> {
  let url: string | undefined;
  let needed = true;
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.includes('working on the queue')) {
      child.stdout!.resume();
      return { url: '', setupToken: undefined };
    }
    const said = /running at (\S+)/.exec(line)?.[1];
    if (said) ({ needed } = (await (await fetch(`${said}/v1/setup`)).json()) as { needed: boolean });
    url ??= said;
    const setupToken = /setup\?token=(\S+)/.exec(line)?.[1];
    if (!url || (needed && !setupToken)) continue;
    child.stdout!.resume();
    return { url, setupToken };
  }
  return undefined;
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command of the program to its end. */
export async function runProgram(args: string[], env: Record<string, string>, input = ''): Promise<Ended> {
  const child = spawn(join(projectRoot, 'bin', 'mailwright'), args, {
    env: { ...process.env, ...env },
    stdio: 'pipe',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.end(input);
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

/** Calls the API of a running program. */
export async function callApi(url: string, apiKey: string, method: string, path: string, body?: unknown) {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as any };
}
