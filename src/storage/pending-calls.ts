/** How a call to another thread ended. */
export type Answer = { id: number } & ({ value: unknown } | { error: unknown; code: unknown });

interface Waiting {
  resolve: (value: never) => void;
  reject: (reason: unknown) => void;
}

/** Calls to another thread that wait for their answers. */
export class PendingCalls {
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #whenOver = (): void => {};

  /** @param ask sends it under this number */
  add<Result>(ask: (id: number) => void): Promise<Result> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      ask(id);
    });
  }

  settle(answer: Answer): void {
    const { resolve, reject } = this.#waiting.get(answer.id)!;
    this.#waiting.delete(answer.id);
    if ('error' in answer) reject(Object.assign(answer.error as Error, { code: answer.code }));
    else resolve(answer.value as never);
    if (this.#waiting.size === 0) this.#whenOver();
  }

  /** Resolves when nothing waits. */
  async over(): Promise<void> {
    if (this.#waiting.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenOver = resolve;
    });
  }
}

/** Does what was asked for under the number. Of an error a copy keeps the message; its code is told beside. */
export async function answerOf(id: number, work: () => unknown): Promise<Answer> {
  try {
    return { id, value: await work() };
  } catch (error) {
    return { id, error, code: (error as { code?: unknown }).code };
  }
}
