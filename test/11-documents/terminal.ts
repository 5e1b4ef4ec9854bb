import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../support/program.ts';

/** What a call with curl brought. */
export interface Call {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
  body: any;
}

const STATUS_LINE = /\n<HTTP (\d{3})>\n/;
const PASTE_WITHIN_MS = 20_000;

/** A shell into which the lines of a document are pasted, one block after the other. */
export class Terminal {
  readonly #shell: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<unknown>;
  #shown = '';
  #pasted = 0;

  /** @param home its settings: curl prints the status of each answer there, as `curl -w` would */
  constructor(home: string, options: { cwd?: string; env?: Record<string, string> } = {}) {
    writeFileSync(join(home, '.curlrc'), 'write-out = "\\n<HTTP %{http_code}>\\n"\n');
    // The settings of whoever runs the tests stay out, and so do their proxies. The group ends with its shell.
    const env = { PATH: process.env.PATH, HOME: home, LOG_LEVEL: 'error', ...options.env };
    this.#shell = spawn('bash', ['--noprofile', '--norc'], {
      cwd: options.cwd ?? projectRoot,
      env,
      detached: true,
      stdio: 'pipe',
    });
    this.#exited = once(this.#shell, 'exit');
    this.#shell.stdin.on('error', () => {}); // a shell that ended reads no more
    this.#shell.stderr.resume();
    this.#shell.stdout.on('data', (chunk) => {
      this.#shown += chunk;
    });
  }

  /** Enters lines and waits until they are done. @returns what they printed */
  async paste(lines: string): Promise<string> {
    const from = this.#shown.length;
    const mark = `<done ${++this.#pasted}>`;
    this.enter(`${lines}\necho '${mark}'`);
    return (await this.shows(mark)).slice(from).split(mark)[0]!;
  }

  /** Enters lines, and does not wait for their end. */
  enter(lines: string): void {
    this.#shell.stdin.write(`${lines}\n`);
  }

  /** Waits until this is on the screen. @returns all that is */
  async shows(text: string): Promise<string> {
    const signal = AbortSignal.timeout(PASTE_WITHIN_MS);
    while (!this.#shown.includes(text))
      await once(this.#shell.stdout, 'data', { signal }).catch(() => {
        throw new Error(`The terminal does not show ${JSON.stringify(text)}, but: ${this.#shown}`);
      });
    return this.#shown;
  }

  async close(): Promise<void> {
    if (this.#shell.exitCode === null && this.#shell.signalCode === null)
      process.kill(-this.#shell.pid!, 'SIGTERM');
    await this.#exited;
  }
}

/** The answers in what a terminal printed. */
export function callsIn(printed: string): Call[] {
  const parts = printed.split(STATUS_LINE);
  return Array.from({ length: Math.floor(parts.length / 2) }, (_, at) => ({
    status: Number(parts[2 * at + 1]),
    body: JSON.parse(parts[2 * at]!),
  }));
}
