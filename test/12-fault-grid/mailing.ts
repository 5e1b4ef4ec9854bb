import { expect, onTestFinished } from 'vitest';
import { type FakeServer, type FakeServerOptions, startFakeServer } from '../../src/demo-smtp/server.ts';
import { connectServer, sendMany } from '../../src/testing/servers.ts';
import { type TestApp, testApp } from '../../src/testing/test-app.ts';
import { Time } from './time.ts';

const SHOP = { username: 'demo', password: 'demo' };

/** The whole program, where time passes only when a test says so, and what a test of many messages asks of it. */
export class Mailing {
  readonly time = new Time();
  #program: TestApp | undefined;

  get program(): TestApp {
    if (!this.#program) throw new Error('The program was not started.');
    return this.#program;
  }

  async start(): Promise<void> {
    const program = await testApp({ clock: this.time.clock });
    this.time.quiet = () => program.app.db.write(async () => undefined); // it follows all that were begun
    this.#program = program;
  }

  async end(): Promise<void> {
    await this.#program?.stop();
    this.time.end();
  }

  /** A server of the program's own choosing, which ends with the test. */
  async connect(
    options: Partial<FakeServerOptions> = {},
    changed: Record<string, unknown> = {},
  ): Promise<{ id: string; smtp: FakeServer }> {
    const { clock } = this.time;
    const smtp = await startFakeServer({ security: 'none', users: { demo: 'demo' }, clock, ...options });
    onTestFinished(() => smtp.stop());
    const { security = 'none' } = options;
    const tls = security === 'none' ? {} : { security, tlsCa: smtp.caPem };
    return { id: await connectServer(this.program, smtp, { ...SHOP, ...tls, ...changed }), smtp };
  }

  async send(rcpt: string, changed: Record<string, unknown> = {}): Promise<string> {
    const content = { subject: 'Hello', text: 'Hello' };
    const { status, body } = await this.program.call('POST', '/v1/messages', {
      rcpt,
      ...content,
      ...changed,
    });
    expect(status).toBe(202);
    return body.id;
  }

  sendMany(count: number): Promise<string[]> {
    return sendMany(this.program, count);
  }

  async record(id: string) {
    return (await this.program.call('GET', `/v1/messages/${id}`)).body;
  }

  /** Lets time pass until all have one of these statuses, which are not left again. */
  async passUntil(ids: readonly string[], ...statuses: string[]): Promise<void> {
    const left = new Set(ids);
    // Asked again while it is still looking: each look takes away only what it has seen itself.
    const condition = async () => {
      for (const id of left) {
        if (!statuses.includes((await this.record(id)).status)) return false;
        left.delete(id);
      }
      return true;
    };
    await this.time.passUntil(this.program.untilTrue(condition));
  }

  /** Lets so much time pass that every rest is over, and the worker look. */
  rest(ms = 61 * 60_000): void {
    this.time.clock.advance(ms);
    this.program.app.nudge();
  }
}

/** The ids of what a server has in its ledger, sorted. */
export function arrived(...servers: FakeServer[]): string[] {
  return servers.flatMap(({ ledger }) => ledger.map(({ xId }) => xId!)).sort();
}
