import { once } from 'node:events';
import { type MessagePort, Worker } from 'node:worker_threads';
import { GroupedWriter } from './grouped-writer.ts';
import { LogFlusher } from './log-flusher.ts';
import { type Procedure, procedureNamed } from './procedure.ts';
import { openToWrite } from './sqlite-connection.ts';
import { WriteTurn } from './write-turn.ts';

/** What the thread is started with; its entry adds nothing but the procedures. */
export interface WriterData {
  file: string;
  turn: SharedArrayBuffer;
  flushes: SharedArrayBuffer;
}

interface Asked {
  id: number;
  name: string;
  args: unknown;
}

type Answer = { id: number } & ({ value: unknown } | { error: unknown; code: unknown });

const READY = 'ready';
const CLOSE = 'close';

/**
 * A thread that runs procedures on a writing connection of its own, so that neither statements nor flushes hold up the
 * sockets. It is asked by groups, not by statements: a message from thread to thread costs as much as a few of those.
 */
export class WriterThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<
    number,
    { resolve: (value: never) => void; reject: (reason: unknown) => void }
  >();
  #asked = 0;
  #isReady = false;

  /** @param entry the file that loads the procedures and calls `serveWriter` */
  constructor(entry: URL, data: WriterData & Record<string, unknown>) {
    this.#worker = new Worker(entry, { workerData: data });
    this.#worker.on('message', (answer: Answer | typeof READY) => {
      if (answer === READY) this.#isReady = true;
      else this.#settle(answer);
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
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, name, args } satisfies Asked);
    });
  }

  /** Waits for what was asked for, and for the end of the thread. */
  async close(): Promise<void> {
    this.#worker.postMessage(CLOSE);
    await once(this.#worker, 'exit');
  }

  #settle(answer: Answer): void {
    const { resolve, reject } = this.#waiting.get(answer.id)!;
    this.#waiting.delete(answer.id);
    if ('error' in answer) reject(Object.assign(answer.error as Error, { code: answer.code }));
    else resolve(answer.value as never);
  }
}

/** The thread's own side: answers until it is told to close. */
export function serveWriter(port: MessagePort, { file, turn, flushes }: WriterData): void {
  const connection = openToWrite(file);
  const log = new LogFlusher(`${file}-wal`);
  log.share(flushes);
  log.waitIfQuick();
  // On a full disk the other side makes room, and asks again.
  const groups = new GroupedWriter(connection, log, () => false, new WriteTurn(turn));
  port.on('message', (asked: Asked | typeof CLOSE) => {
    if (asked === CLOSE) void closed();
    else void answer(asked).then((message) => port.postMessage(message));
  });
  port.postMessage(READY);

  async function answer({ id, name, args }: Asked): Promise<Answer> {
    try {
      const { run } = procedureNamed(name);
      return { id, value: await groups.write((tx) => run(tx, args)) };
    } catch (error) {
      return { id, error, code: (error as { code?: unknown }).code };
    }
  }

  async function closed(): Promise<void> {
    await groups.drained();
    groups.close();
    connection.close();
    port.close();
  }
}
