import { once } from 'node:events';
import { type MessagePort, Worker } from 'node:worker_threads';
import { GroupedWriter } from './grouped-writer.ts';
import { LogFlusher } from './log-flusher.ts';
import { type Answer, answerOf, PendingCalls } from './pending-calls.ts';
import { type Procedure, procedureNamed } from './procedure.ts';
import { openToWrite } from './sqlite-connection.ts';
import { WriteTurn } from './write-turn.ts';

/** What threads that write the same file have in common: whose turn it is, and whether the disk refused a flush. */
export interface SharedWrites {
  turn: SharedArrayBuffer;
  flushes: SharedArrayBuffer;
}

/** What the thread is started with; its entry adds nothing but the procedures. */
export interface WriterData {
  file: string;
  shared: SharedWrites;
}

interface Asked {
  id: number;
  name: string;
  args: unknown;
}

const READY = 'ready';
const CLOSE = 'close';

/**
 * A thread that runs procedures on a writing connection of its own, so that neither statements nor flushes hold up the
 * sockets. It is asked by groups, not by statements: a message from thread to thread costs as much as a few of those.
 */
export class WriterThread {
  readonly #worker: Worker;
  readonly #calls = new PendingCalls();
  #isReady = false;

  /** @param entry the file that loads the procedures and calls `serveWriter` */
  constructor(entry: URL, data: WriterData & Record<string, unknown>) {
    this.#worker = new Worker(entry, { workerData: data });
    this.#worker.on('message', (answer: Answer | typeof READY) => {
      if (answer === READY) this.#isReady = true;
      else this.#calls.settle(answer);
    });
    // A bug of ours, like an exception of this thread: the process ends, and nothing that was answered is lost.
    this.#worker.on('error', (error) => {
      throw error;
    });
  }

  /** It takes a moment to load. */
  get isReady(): boolean {
    return this.#isReady;
  }

  call<Args, Result>({ name }: Procedure<Args, Result>, args: Args): Promise<Result> {
    return this.#calls.add((id) => this.#worker.postMessage({ id, name, args } satisfies Asked));
  }

  /** Waits for what was asked for, and for the end of the thread. */
  async close(): Promise<void> {
    this.#worker.postMessage(CLOSE);
    await once(this.#worker, 'exit');
  }
}

/** The thread's own side: answers until it is told to close. */
export function serveWriter(port: MessagePort, { file, shared }: WriterData): void {
  const connection = openToWrite(file);
  const log = new LogFlusher(`${file}-wal`);
  log.share(shared.flushes);
  log.waitIfQuick();
  // On a full disk the other side makes room, and asks again.
  const groups = new GroupedWriter(connection, log, () => false, new WriteTurn(shared.turn));
  port.on('message', (asked: Asked | typeof CLOSE) => {
    if (asked === CLOSE) void closed();
    else void answerOf(asked.id, () => run(asked)).then((answer) => port.postMessage(answer));
  });
  port.postMessage(READY);

  function run({ name, args }: Asked): Promise<unknown> {
    const procedure = procedureNamed(name);
    return groups.write((tx) => procedure.run(tx, args));
  }

  async function closed(): Promise<void> {
    await groups.drained();
    groups.close();
    connection.close();
    port.close();
  }
}
