import type { MessagePort } from 'node:worker_threads';
import type { Db } from './db.ts';
import { type Answer, answerOf, PendingCalls } from './pending-calls.ts';
import { type Procedure, procedureNamed } from './procedure.ts';

interface Asked {
  id: number;
  name: string;
  args: unknown;
}

/**
 * Procedures that another thread runs. It is asked by groups, not by statements: a
 * message from thread to thread costs as much as a few of those.
 */
export class ProcedurePort {
  readonly #port: MessagePort;
  readonly #calls = new PendingCalls();

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (answer: Answer) => this.#calls.settle(answer));
  }

  call<Args, Result>({ name }: Procedure<Args, Result>, args: Args): Promise<Result> {
    return this.#calls.add((id) => this.#port.postMessage({ id, name, args } satisfies Asked));
  }

  /** Waits for what was asked for. */
  async close(): Promise<void> {
    await this.#calls.over();
    this.#port.close();
  }
}

/** The other thread's side: runs what is asked for until the port is closed. */
export function serveProcedures(port: MessagePort, write: Db['write']): void {
  const run = ({ name, args }: Asked) => {
    const procedure = procedureNamed(name);
    return write((tx) => procedure.run(tx, args));
  };
  port.on('message', (asked: Asked) => {
    void answerOf(asked.id, () => run(asked)).then((answer) => port.postMessage(answer));
  });
}
