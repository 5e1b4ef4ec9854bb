import { once } from 'node:events';
import { type MessagePort, Worker } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import type { Intake, Intent } from '../messages/intake.ts';
import { type Answer, answerOf, PendingCalls } from '../storage/pending-calls.ts';
import { LogAge } from './log-age.ts';
import type { Sending } from './sending.ts';

type Verb = 'take' | 'nudge' | 'start' | 'caught up' | 'stop';

interface Call {
  id: number;
  verb: Verb;
  arg?: unknown;
}

const READY = 'ready';

/**
 * Sending in a thread of its own, so that calls and connections to servers do not wait for each other, and a machine with
 * two processors uses both. What crosses is plain data, all of a turn of the event loop at once: a message from thread
 * to thread costs more than what it carries. (docs/decisions/0014-sending-thread.md)
 */
export class SendingThread implements Sending {
  readonly intake: Intake = { take: (intent) => this.#call('take', intent) };
  readonly #thread: Worker;
  readonly #calls = new PendingCalls();
  readonly #clock: Clock;
  readonly #age: LogAge;
  #asked: Call[] = [];

  /** @param entry the file that opens the sending and calls `serveSending`; it is told `data`, and the age of its log */
  static async open(entry: URL, data: object, clock: Clock): Promise<SendingThread> {
    const age = new LogAge();
    const thread = new Worker(entry, { workerData: { ...data, age: age.shared } });
    await once(thread, 'message');
    return new SendingThread(thread, clock, age);
  }

  private constructor(thread: Worker, clock: Clock, age: LogAge) {
    this.#thread = thread;
    this.#clock = clock;
    this.#age = age;
    thread.on('message', (answers: Answer[]) => {
      for (const answer of answers) this.#calls.settle(answer);
    });
    // A bug of ours, like an exception of this thread: the process ends, and nothing that was answered is lost.
    thread.on('error', (error) => {
      throw error;
    });
    thread.unref(); // a start that fails before it is told to carry ends without it
  }

  nudge(): void {
    void this.#call('nudge');
  }

  start(): void {
    this.#thread.ref();
    void this.#call('start');
  }

  /** Resolves when the database is not late behind the log. @throws when it takes nothing */
  async ready(): Promise<void> {
    while (this.#age.isLate(this.#clock.now())) await this.#call('caught up');
  }

  async stop(drainMs: number): Promise<void> {
    this.#thread.ref();
    const exit = once(this.#thread, 'exit');
    await this.#call('stop', drainMs);
    await exit;
  }

  #call<Result>(verb: Verb, arg?: unknown): Promise<Result> {
    return this.#calls.add((id) => {
      if (this.#asked.length === 0) setImmediate(() => this.#post());
      this.#asked.push({ id, verb, arg });
    });
  }

  #post(): void {
    this.#thread.postMessage(this.#asked);
    this.#asked = [];
  }
}

/** What the thread's own side is asked for. */
export interface Served {
  sending: Sending;
  /** Resolves when the database is not late behind the log. */
  caughtUp: () => Promise<void>;
  /** Sending was stopped. */
  close: () => Promise<void>;
}

/** The thread's own side: answers until it is told to stop. */
export function serveSending(port: MessagePort, { sending, caughtUp, close }: Served): void {
  const verbs: Record<Verb, (arg: never) => unknown> = {
    take: (intent: Intent) => sending.intake.take(intent),
    nudge: () => sending.nudge(),
    start: () => sending.start(),
    'caught up': caughtUp,
    async stop(drainMs: number) {
      await sending.stop(drainMs);
      await close();
    },
  };
  let answers: Answer[] = [];
  port.on('message', (calls: Call[]) => {
    for (const { id, verb, arg } of calls)
      void answerOf(id, () => verbs[verb](arg as never)).then((answer) => {
        reply(answer);
        if (verb === 'stop') queueMicrotask(() => port.close());
      });
  });
  port.postMessage(READY);

  /** Calls that were stored together are answered together. */
  function reply(answer: Answer): void {
    if (answers.length === 0)
      queueMicrotask(() => {
        port.postMessage(answers);
        answers = [];
      });
    answers.push(answer);
  }
}
