import { setTimeout as pause } from 'node:timers/promises';
import { type ThrowAway, throwAwayData } from './data.ts';
import { callApi, type Launcher, type Program, runProgram, startProgram } from './program.ts';

/** A message as the API lists it. */
export interface Listed {
  id: string;
  status: string;
  possibleDuplicate: boolean;
}

type Role = 'all' | 'api' | 'worker';

const ASK_AGAIN_MS = 50;
const UNFINISHED = ['scheduled', 'queued', 'sending', 'deferred'];

/** An installation on throw-away data, whose processes can be made to fail, killed and started again. */
export class Trial {
  readonly data: ThrowAway;
  readonly #launcher: Launcher;
  readonly #apiKey: string;
  readonly #running = new Set<Program>();
  readonly #starting = new Set<Promise<Program>>();
  #isOver = false;
  #urls: readonly string[] = [];
  #calls = 0;

  static async open(launcher: Launcher, databaseUrl: string | undefined): Promise<Trial> {
    const data = await throwAwayData(databaseUrl);
    try {
      const setup = ['setup', '--email', 'owner@example.com', '--workspace', 'Self-test', '--password-stdin'];
      const password = 'a long enough password';
      const made = await runProgram(launcher, [...setup, '--json'], data.settings, password);
      if (made.code !== 0) throw new Error(`Setting up the self-test failed: ${made.stderr}`);
      return new Trial(data, launcher, JSON.parse(made.stdout).apiKey);
    } catch (error) {
      await data.remove();
      throw error;
    }
  }

  private constructor(data: ThrowAway, launcher: Launcher, apiKey: string) {
    this.data = data;
    this.#launcher = launcher;
    this.#apiKey = apiKey;
  }

  /** Starts a process; `failPlan` is what FAILPOINT says to it. @throws EndedEarly */
  async start(role: Role, failPlan = ''): Promise<Program> {
    if (this.#isOver) throw new Error('The self-test is over.');
    const starting = this.#start(role, { ...this.data.settings, ROLE: role, FAILPOINT: failPlan });
    this.#starting.add(starting);
    return starting.finally(() => this.#starting.delete(starting));
  }

  async #start(role: Role, settings: Record<string, string>): Promise<Program> {
    const program = await startProgram(this.#launcher, this.data.folder, settings);
    this.#running.add(program);
    void program.exited.then(() => this.#running.delete(program));
    if (role !== 'worker') this.answersAt(program.url);
    return program;
  }

  /** Where calls go from now on, in turn. */
  answersAt(...urls: string[]): void {
    this.#urls = urls;
  }

  /** Calls the process that was started last of those that answer, or those that were named. @throws Error when it is gone */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
    return callApi(
      this.#urls[this.#calls++ % this.#urls.length] ?? '',
      this.#apiKey,
      method,
      path,
      body,
      headers,
    );
  }

  /** Calls until there is an answer below 500, as a caller does that has an Idempotency-Key. */
  async persist(...call: Parameters<Trial['call']>): ReturnType<Trial['call']> {
    while (!this.#isOver) {
      const answer = await this.call(...call).catch(() => undefined);
      if (answer && answer.status < 500) return answer;
      await pause(ASK_AGAIN_MS);
    }
    throw new Error('The self-test is over.');
  }

  /** Connects a receiving server. @returns its id. @throws Error with the answer when it is refused */
  async connect(
    { host, port }: { host: string; port: number },
    settings: Record<string, unknown> = {},
  ): Promise<string> {
    const server = { type: 'generic', security: 'none', allowPrivate: true, host, port, ...settings };
    const { status, body } = await this.call('POST', '/v1/servers', server);
    if (status !== 201) throw new Error(`The receiving server was refused: ${JSON.stringify(body)}`);
    return body.id;
  }

  /** Waits until every message has ended or waits for a person. @returns all of them */
  async drained(): Promise<Listed[]> {
    for (;;) {
      // Asked one word at a time, a message that moves between two of them may be missed: the whole list decides.
      const left = await Promise.all(UNFINISHED.map((status) => this.#list(`status=${status}&limit=1`)));
      if (left.every(({ data }) => data.length === 0)) {
        const records = await this.records();
        if (!records.some(({ status }) => UNFINISHED.includes(status))) return records;
      }
      await pause(ASK_AGAIN_MS);
    }
  }

  /** Every message that the API knows. */
  async records(): Promise<Listed[]> {
    const found: Listed[] = [];
    for (let cursor = ''; ; ) {
      const page = await this.#list(`limit=200${cursor && `&cursor=${cursor}`}`);
      found.push(...page.data);
      if (!page.nextCursor) return found;
      cursor = page.nextCursor;
    }
  }

  async #list(query: string): Promise<{ data: Listed[]; nextCursor: string | null }> {
    return (await this.persist('GET', `/v1/messages?${query}`)).body;
  }

  /** Ends every process in order. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((program) => program.end('SIGTERM')));
  }

  /** Ends every process, also those that are just starting, and removes the data. */
  async remove(): Promise<void> {
    this.#isOver = true;
    while (this.#starting.size > 0) await Promise.allSettled(this.#starting);
    await Promise.all([...this.#running].map((program) => program.end('SIGKILL')));
    await this.data.remove();
  }
}
