import { once } from 'node:events';
import { type MessagePort, Worker as Thread } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { Backlog } from '../messages/backlog.ts';
import { type Answer, answerOf, PendingCalls } from '../storage/pending-calls.ts';
import { hear, type News } from './calls-beside.ts';
import { HandRoom } from './hand-room.ts';
import { LogAge } from './log-age.ts';
import type { Sending } from './sending.ts';
import type { Worker } from './worker.ts';

/** What the thread is told or, where it has a number, asked for. */
interface Told {
  verb: Verb;
  args: readonly unknown[];
  id?: number;
}

type Verb = 'arrives' | 'receive' | 'nudge' | 'start' | 'caught up' | 'stop';

/** What it says: its worker's name once it is ready, later answers, and what calls are to know. */
type Said = { owner: string } | { answer: Answer } | { news: readonly News[] };

/**
 * Sending in a thread of its own, so that calls and connections to servers do not wait for each other, and a machine with
 * two processors uses both. What crosses is plain data: messages that were stored go there, and what became of them
 * comes back. (docs/decisions/0015-calls-store.md)
 */
export class SendingThread implements Sending {
  readonly intake: { backlog: Backlog; handOver: HandRoom };
  readonly #thread: Thread;
  readonly #calls = new PendingCalls();
  readonly #clock: Clock;
  readonly #age: LogAge;

  /**
   * @param entry the file that opens a worker and calls `serveWorker`; it is told `data`, and the age of its log
   * @param ports those in the data; they are the thread's from then on
   */
  static async open(
    entry: URL,
    { data, ports = [] }: { data: object; ports?: MessagePort[] },
    clock: Clock,
  ): Promise<SendingThread> {
    const age = new LogAge();
    const thread = new Thread(entry, { workerData: { ...data, age: age.shared }, transferList: ports });
    const [{ owner }] = (await once(thread, 'message')) as [{ owner: string }];
    return new SendingThread(thread, owner, clock, age);
  }

  private constructor(thread: Thread, owner: string, clock: Clock, age: LogAge) {
    this.#thread = thread;
    this.#clock = clock;
    this.#age = age;
    const backlog = new Backlog(clock);
    const room = new HandRoom(clock, owner, {
      arrives: (...args) => this.#tell('arrives', args),
      receive: (...args) => this.#tell('receive', args),
    });
    this.intake = { backlog, handOver: room };
    thread.on('message', (said: Said) => {
      if ('news' in said) hear(said.news, { room, backlog });
      else if ('answer' in said) this.#calls.settle(said.answer);
    });
    // A bug of ours, like an exception of this thread: the process ends, and nothing that was answered is lost.
    thread.on('error', (error) => {
      throw error;
    });
    thread.unref(); // a start that fails before it is told to carry ends without it
  }

  nudge(): void {
    this.#tell('nudge');
  }

  start(): void {
    this.#thread.ref();
    this.#tell('start');
  }

  /** Resolves when the database is not late behind the log. @throws when it takes nothing */
  async ready(): Promise<void> {
    while (this.#age.isLate(this.#clock.now())) await this.#ask('caught up');
  }

  async stop(drainMs: number): Promise<void> {
    await this.intake.handOver.close();
    this.#thread.ref();
    const exit = once(this.#thread, 'exit');
    await this.#ask('stop', [drainMs]);
    await exit;
  }

  #tell(verb: Verb, args: readonly unknown[] = []): void {
    this.#thread.postMessage({ verb, args } satisfies Told);
  }

  #ask(verb: Verb, args: readonly unknown[] = []): Promise<unknown> {
    return this.#calls.add((id) => this.#thread.postMessage({ verb, args, id } satisfies Told));
  }
}

/** What the thread's own side is asked for. */
export interface Served {
  owner: string;
  worker: Pick<Worker, 'nudge' | 'start' | 'stop'> & { hand: Pick<Worker['hand'], 'arrives' | 'receive'> };
  /** Resolves when the database is not late behind the log. */
  caughtUp: () => Promise<void>;
  /** Sending was stopped. */
  close: () => Promise<void>;
}

/** The thread's own side: carries and answers until it is told to stop. */
export function serveWorker(port: MessagePort, { owner, worker, caughtUp, close }: Served): void {
  const { hand } = worker;
  const verbs: Record<Verb, (...args: never[]) => unknown> = {
    arrives: (...args: Parameters<typeof hand.arrives>) => hand.arrives(...args),
    receive: (...args: Parameters<typeof hand.receive>) => hand.receive(...args),
    nudge: () => worker.nudge(),
    start: () => worker.start(),
    'caught up': caughtUp,
    async stop(drainMs: number) {
      await worker.stop(drainMs);
      await close();
    },
  };
  const say = (said: Said) => port.postMessage(said);
  port.on('message', ({ verb, args, id }: Told) => {
    if (id === undefined) verbs[verb](...(args as never[]));
    else
      void answerOf(id, () => verbs[verb](...(args as never[]))).then((answer) => {
        say({ answer });
        if (verb === 'stop') port.close();
      });
  });
  say({ owner });
}
