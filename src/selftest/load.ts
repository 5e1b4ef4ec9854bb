import { newToken } from '../ids.ts';
import type { Trial } from './trial.ts';

const BATCH = 10;
const TEMPLATE = 'self-test';

/** Callers that go on sending whatever happens to the program, as far as they are let. */
export class Load {
  /** Ids that were answered with 202. */
  readonly accepted: string[] = [];
  readonly #trial: Trial;
  readonly #messages: number;
  #asked = 0;
  #allowed = 0;
  #wake = () => {};

  constructor(trial: Trial, messages: number) {
    this.#trial = trial;
    this.#messages = messages;
  }

  /** Makes the template that all messages use, with the rule to be tried. */
  async prepare(onUncertain: string): Promise<void> {
    const { status, body } = await this.#trial.call('POST', '/v1/templates', {
      slug: TEMPLATE,
      subject: 'Message {{ number }}',
      html: '<p>This is message {{ number }} of a self-test.</p>',
      onUncertain,
    });
    if (status !== 201) throw new Error(`The template was refused: ${JSON.stringify(body)}`);
  }

  /** Lets so many messages be sent altogether. */
  allow(messages: number): void {
    this.#allowed = Math.min(this.#messages, Math.max(this.#allowed, Math.ceil(messages)));
    this.#wake();
  }

  /** Resolves when every message is accepted. @throws Error when one is refused */
  async run(): Promise<void> {
    while (this.#asked < this.#messages) {
      if (this.#asked < this.#allowed) await this.#sendBatch(Math.min(BATCH, this.#allowed - this.#asked));
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  /** A repeat has the same key, so that it finds what was stored before the answer was lost. */
  async #sendBatch(size: number): Promise<void> {
    const messages = Array.from({ length: size }, (_, at) => ({
      rcpt: `r${this.#asked + at}@example.com`,
      templateSlug: TEMPLATE,
      variables: { number: this.#asked + at },
    }));
    const key = { 'idempotency-key': newToken() };
    const { status, body } = await this.#trial.persist('POST', '/v1/messages/batch', { messages }, key);
    if (status !== 202) throw new Error(`A batch was refused: ${JSON.stringify(body)}`);
    for (const one of body.results as { id?: string }[]) {
      if (one.id === undefined) throw new Error(`A message was refused: ${JSON.stringify(one)}`);
      this.accepted.push(one.id);
    }
    this.#asked += size;
  }
}
