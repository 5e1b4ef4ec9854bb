import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

type Environment = Record<string, string | undefined>;

/** How the program is started, and with which environment below its settings. */
export interface Launcher {
  command: readonly [string, ...string[]];
  env: Environment;
}

/** The program itself, under the Node.js of this process. */
export function launcherOf(mainFile: string, env: Environment): Launcher {
  return { command: [process.execPath, '--disable-warning=ExperimentalWarning', mainFile], env };
}

/** The real program in a process of its own. */
export interface Program {
  /** Empty for a worker, which answers no calls. */
  url: string;
  /** The token of the first-run link, while it is printed. */
  setupToken: string | undefined;
  pid: number;
  /** Resolves when it has ended, however. */
  exited: Promise<unknown>;
  /** What ended it, once it has ended. */
  readonly signal: NodeJS.Signals | null;
  /** Resolves when it has said `line` on stderr. @throws Error when it ended without */
  said(line: string): Promise<void>;
  /** Sends a signal that it lives on with. */
  send(signal: NodeJS.Signals): void;
  /** Sends the signal and waits for the end. @returns the exit code, or null when the signal ended it */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts `serve` and waits until it works. @throws Error with what it said when it ended before */
export async function startProgram(
  { command: [file, ...args], env }: Launcher,
  dataDir: string,
  settings: Record<string, string> = {},
): Promise<Program> {
  const child = spawn(file, [...args, 'serve'], {
    env: { ...env, PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'error', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stderr = new Said(child);
  const exited = once(child, 'exit');
  const first = await Promise.race([firstLines(child), exited.then(() => undefined)]);
  if (!first) {
    await exited;
    throw new EndedEarly(child, stderr.text);
  }
  return {
    ...first,
    pid: child.pid!,
    exited,
    get signal() {
      return child.signalCode;
    },
    said: (line) => stderr.waitFor(line),
    send: (signal) => void child.kill(signal),
    async end(signal) {
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

/** It ended instead of starting. */
export class EndedEarly extends Error {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;

  constructor({ exitCode, signalCode }: ChildProcess, stderr: string) {
    super(`The program ended with ${exitCode ?? signalCode} instead of starting: ${stderr}`);
    this.code = exitCode;
    this.signal = signalCode;
  }
}

/** What a process says on stderr, and who waits for a line of it. */
class Said {
  text = '';
  readonly #waiting = new Set<() => void>();
  #isOver = false;

  constructor(child: ChildProcess) {
    child.stderr!.on('data', (chunk) => {
      this.text += chunk;
      for (const look of this.#waiting) look();
    });
    child.stderr!.on('close', () => {
      this.#isOver = true;
      for (const look of this.#waiting) look();
    });
  }

  waitFor(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const isSaid = `\n${this.text}`.includes(`\n${line}\n`);
        if (!isSaid && !this.#isOver) return;
        this.#waiting.delete(look);
        if (isSaid) resolve();
        else reject(new Error(`The program ended without saying "${line}": ${this.text}`));
      };
      this.#waiting.add(look);
      look();
    });
  }
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
    if (said) needed = await isSetupNeeded(said);
    url ??= said;
    const setupToken = /setup\?token=(\S+)/.exec(line)?.[1];
    if (!url || (needed && !setupToken)) continue;
    child.stdout!.resume();
    return { url, setupToken };
  }
  return undefined;
}

async function isSetupNeeded(url: string): Promise<boolean> {
  // It may have been killed since it said where it runs.
  const answer = await callApi(url, '', 'GET', '/v1/setup').catch(() => undefined);
  return answer?.body.needed ?? false;
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command of the program to its end. */
export async function runProgram(
  { command: [file, ...args], env }: Launcher,
  command: readonly string[],
  settings: Record<string, string>,
  input = '',
): Promise<Ended> {
  const child = spawn(file, [...args, ...command], { env: { ...env, ...settings }, stdio: 'pipe' });
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

/** Calls the API of a running program. @throws Error when it is not there (any more) */
export async function callApi(
  url: string,
  apiKey: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { status, headers: said } = response;
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: its callers read answers of every shape
  return { status, headers: said, body: (text === '' ? undefined : JSON.parse(text)) as any };
}
