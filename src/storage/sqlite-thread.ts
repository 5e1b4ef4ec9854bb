import { Worker } from 'node:worker_threads';
import { type Answer, type Ask, BEGIN, type Replies } from './sqlite-file.ts';

interface Asked {
  resolve: (answer: Answer) => void;
  reject: (reason: unknown) => void;
}

/**
 * The connection that writes, in a thread of its own: the event loop, and with it every socket, goes on while the
 * database works. Statements asked for in one turn travel together, and run in the order in which they were asked for.
 */
export class SqliteThread {
  readonly #worker: Worker;
  #unsent: Ask[] = [];
  readonly #asked: Asked[] = [];
  #inTransaction = false;
  #ended: Error | undefined;

  constructor(file: string) {
    this.#worker = new Worker(new URL('./sqlite-writer.ts', import.meta.url), { workerData: file });
    this.#worker.on('message', (replies: Replies) => this.#take(replies));
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.unref(); // as an open file: only what is under way keeps the program alive
    this.#worker.on('exit', () => this.#end(new Error('The thread that writes the database has ended.')));
  }

  /** As of the last answer. */
  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** Opens a transaction. Rejects with SQLITE_BUSY when another program keeps the file for too long. */
  begin(): Promise<Answer> {
    return this.#ask({ sql: BEGIN, parameters: [] });
  }

  /** Runs a statement in the open transaction. */
  run(ask: Ask): Promise<Answer> {
    return this.#ask(ask);
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const exited = new Promise((done) => this.#worker.once('exit', done));
    this.#worker.ref();
    this.#worker.postMessage([]);
    await exited;
  }

  #ask(ask: Ask): Promise<Answer> {
    if (this.#ended) return Promise.reject(this.#ended);
    // Behind all promises that are ready: who was answered in this turn has then asked for what comes next.
    if (this.#asked.length === 0) this.#worker.ref();
    if (this.#unsent.length === 0) queueMicrotask(() => process.nextTick(() => this.#send()));
    this.#unsent.push(ask);
    const answer = new Promise<Answer>((resolve, reject) => this.#asked.push({ resolve, reject }));
    answer.catch(() => {}); // who asks may look at it later, or at the commit only
    return answer;
  }

  #send(): void {
    this.#worker.postMessage(this.#unsent);
    this.#unsent = [];
  }

  #take({ replies, inTransaction }: Replies): void {
    this.#inTransaction = inTransaction;
    for (const [at, { resolve, reject }] of this.#asked.splice(0, replies.length).entries()) {
      const reply = replies[at]!;
      if (!('error' in reply)) resolve(reply);
      else reject(Object.assign(new Error(reply.error.message), { code: reply.error.code }));
    }
    if (this.#asked.length === 0) this.#worker.unref();
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#inTransaction = false;
    for (const { reject } of this.#asked.splice(0)) reject(this.#ended);
  }
}
