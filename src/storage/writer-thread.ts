import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { systemClock } from '../clock.ts';
import type { SharedWrites } from './db.ts';
import { GroupedWriter } from './grouped-writer.ts';
import { LogFlusher } from './log-flusher.ts';
import { Patience } from './patience.ts';
import type { Procedure } from './procedure.ts';
import { ProcedurePort, serveProcedures } from './procedure-port.ts';
import { openToWrite } from './sqlite-connection.ts';
import { WriteTurn } from './write-turn.ts';

/** What the thread is started with; its entry adds nothing but the procedures. */
export interface WriterData {
  file: string;
  shared: SharedWrites;
}

/** What it is told: another thread will ask through this port, or that it is to end. */
type Told = { port: MessagePort } | 'close';

/**
 * A thread that runs procedures on a writing connection of its own, so that neither statements nor flushes hold up the
 * sockets. Each thread of the process asks it through a port. It is started by who first asks, or wants a port for
 * another: who only looks at a database has none.
 */
export class WriterThread {
  readonly #entry: URL;
  readonly #data: () => WriterData & Record<string, unknown>;
  #thread: Worker | undefined;
  #own: ProcedurePort | undefined;

  /** @param entry the file that loads the procedures and calls `serveWriter` */
  constructor(entry: URL, data: () => WriterData & Record<string, unknown>) {
    this.#entry = entry;
    this.#data = data;
  }

  /** What is asked before it has loaded waits. */
  call<Args, Result>(procedure: Procedure<Args, Result>, args: Args): Promise<Result> {
    this.#own ??= new ProcedurePort(this.port());
    return this.#own.call(procedure, args);
  }

  /** A way to it, for one other thread. */
  port(): MessagePort {
    this.#thread ??= this.#started();
    const { port1, port2 } = new MessageChannel();
    this.#thread.postMessage({ port: port2 } satisfies Told, [port2]);
    return port1;
  }

  /** Waits for what was asked for here, and for the end of the thread. The ports of others are closed before. */
  async close(): Promise<void> {
    await this.#own?.close();
    if (!this.#thread) return;
    this.#thread.postMessage('close' satisfies Told);
    await once(this.#thread, 'exit');
  }

  #started(): Worker {
    const thread = new Worker(this.#entry, { workerData: this.#data() });
    // A bug of ours, like an exception of this thread: the process ends, and nothing that was answered is lost.
    thread.on('error', (error) => {
      throw error;
    });
    return thread;
  }
}

/** The thread's own side: runs what is asked for until it is told to end. */
export function serveWriter(parent: MessagePort, { file, shared }: WriterData): void {
  const connection = openToWrite(file);
  const log = new LogFlusher(`${file}-wal`, new Patience(systemClock));
  log.share(shared.flushes);
  // On a full disk who asked makes room, and asks again.
  const groups = new GroupedWriter(connection, log, () => false, new WriteTurn(shared.turn));
  const ports: MessagePort[] = [];
  parent.on('message', (told: Told) => {
    if (told === 'close') void closed();
    else {
      ports.push(told.port);
      serveProcedures(told.port, (work) => groups.write(work));
    }
  });

  async function closed(): Promise<void> {
    await groups.drained();
    groups.close();
    connection.close();
    for (const port of [...ports, parent]) port.close();
  }
}
