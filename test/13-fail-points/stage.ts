import { join } from 'node:path';
import { expect } from 'vitest';
import { type App, createApp } from '../../src/app.ts';
import { systemClock } from '../../src/clock.ts';
import { readConfig } from '../../src/config.ts';
import { type FakeServer, startFakeServer } from '../../src/demo-smtp/server.ts';
import { type FailPoint, struckLine } from '../../src/failpoint.ts';
import { createLog } from '../../src/log.ts';
import { freeAllLeases } from '../../src/queue/queue.ts';
import { type Judgment, judge } from '../../src/selftest/judge.ts';
import { EndedEarly, launcherOf, type Program } from '../../src/selftest/program.ts';
import { type Listed, Trial } from '../../src/selftest/trial.ts';
import type { Engine } from '../../src/storage/db.ts';
import { postgresUrlFor } from '../../src/storage/testing.ts';
import { projectRoot } from '../support/program.ts';

/** Short, so that a sleeper's messages are free soon; long enough that a busy machine does not lose one. */
const WAITS = 'lease=2000,renewal=250,resend=200,return=200';
const SIGN_IN = { username: 'demo', password: 'a right password' };

export interface Asked {
  body: Record<string, unknown>;
  key: string;
}

/** An installation of the real program beside receiving servers with a script, which are asked what arrived. */
export class Stage {
  readonly trial: Trial;
  readonly server: FakeServer;
  readonly #secured: FakeServer;
  readonly #ids = { plain: '', secured: '' };
  /** Ids that were answered with 202, of the present case. */
  #accepted: string[] = [];
  #victim: Program | undefined;
  #app: App | undefined;
  #asked = 0;

  static async open(engine: Engine): Promise<Stage> {
    const launcher = launcherOf(join(projectRoot, 'src', 'main.ts'), process.env);
    const url = engine === 'postgres' ? await postgresUrlFor('fail-points') : undefined;
    const users = { [SIGN_IN.username]: SIGN_IN.password };
    const stage = new Stage(
      await Trial.open(launcher, url),
      await startFakeServer({ security: 'none', keepContent: false }),
      await startFakeServer({ security: 'starttls', users, keepContent: false }),
    );
    await stage.recover();
    await stage.#connect();
    await stage.clear();
    return stage;
  }

  private constructor(trial: Trial, server: FakeServer, secured: FakeServer) {
    this.trial = trial;
    this.server = server;
    this.#secured = secured;
  }

  /** Each has one connection: what happens on it happens in order. */
  async #connect(): Promise<void> {
    this.#ids.plain = await this.trial.connect(this.server, { maxConnections: 1 });
    const tls = { security: 'starttls', tlsCa: this.#secured.caPem };
    this.#ids.secured = await this.trial.connect(this.#secured, { ...SIGN_IN, ...tls, maxConnections: 1 });
  }

  /** Starts the program as a process of its own, to fail as it is told. */
  async start(failPlan: string): Promise<Program> {
    this.#victim = await this.trial.start('all', `${WAITS},${failPlan}`);
    return this.#victim;
  }

  /**
   * Starts the program in this process, which is quicker, on what the one before has left. It writes in this thread, so
   * that all of it fails as it is told, unless `serve` is to be had: with a thread, and on SQLite with a log.
   */
  async recover(failPlan = '', hasThreads = false): Promise<void> {
    const { folder, settings } = this.trial.data;
    const FAILPOINT = failPlan ? `${WAITS},${failPlan}` : WAITS;
    const env = { ...settings, DATA_DIR: folder, PORT: '0', LOG_LEVEL: 'silent', FAILPOINT };
    const config = readConfig(env, folder);
    this.#app = await createApp(config, {
      log: createLog(config.logLevel),
      version: 'test',
      webRoot: folder,
      hasThreads,
    });
    const { port } = await this.#app.start().catch(async (error) => {
      await this.#app!.stop();
      throw error;
    });
    this.trial.answersAt(`http://127.0.0.1:${port}`);
  }

  /** The same where the one before is known to be dead, so that nobody waits for its leases to end (SQLite does that itself). */
  async recoverFromDeath(failPlan = ''): Promise<void> {
    await this.recover(failPlan);
    await freeAllLeases(this.#app!.db, systemClock.now());
  }

  /** The next call, to an address of its own unless it is told another. */
  ask(body: Record<string, unknown> = {}, over: 'plain' | 'secured' = 'plain'): Asked {
    const number = ++this.#asked;
    const one = { rcpt: `r${number}@example.com`, subject: 'x', text: 'y', server: this.#ids[over] };
    return { key: `call-${number}`, body: { ...one, ...body } };
  }

  /** A call for so many messages. */
  askForBatch(size: number): Asked {
    const messages = Array.from({ length: size }, () => this.ask().body);
    return { key: this.ask().key, body: { messages } };
  }

  /** @returns whether the answer was a replay */
  async send({ body, key }: Asked): Promise<{ isReplay: boolean }> {
    const path = 'messages' in body ? '/v1/messages/batch' : '/v1/messages';
    const answer = await this.trial.call('POST', path, body, { 'idempotency-key': key });
    if (answer.status !== 202) throw new Error(`It was refused: ${JSON.stringify(answer.body)}`);
    const { id, siblings = [], results = [] } = answer.body;
    const ids = [id, ...siblings, ...results.map((one: { id: string }) => one.id)].filter(Boolean);
    for (const one of ids) if (!this.#accepted.includes(one)) this.#accepted.push(one);
    return { isReplay: answer.headers.get('idempotent-replayed') === 'true' };
  }

  /** Waits until the program has killed itself at the point. */
  async dies(point: FailPoint): Promise<void> {
    await this.#victim!.said(struckLine(point));
    await this.#victim!.exited;
    expect(this.#victim!.signal).toBe('SIGKILL');
  }

  /** Starts the program and makes the calls. @returns whether it has killed itself before all of it was over */
  async diesOrEnds(failPlan: string, calls: readonly Asked[]): Promise<boolean> {
    const started = await this.start(failPlan).catch((error) => {
      if (error instanceof EndedEarly && error.signal === 'SIGKILL') return undefined;
      throw error;
    });
    if (!started) return true;
    await Promise.allSettled(calls.map((call) => this.send(call)));
    await Promise.race([started.exited, this.trial.drained()]);
    return started.signal === 'SIGKILL';
  }

  /** The messages of this case, in the order they were accepted. */
  async records(): Promise<Listed[]> {
    const all = await this.trial.records();
    return this.#accepted.map((id) => all.find((one) => one.id === id)!);
  }

  /** How each message of this case ended, and how many copies of it arrived. */
  async endings(): Promise<[status: string, copies: number][]> {
    await this.trial.drained();
    const ledger = this.#ledger();
    return (await this.records()).map(({ id, status }) => [
      status,
      ledger.filter((one) => one.xId === id).length,
    ]);
  }

  async judgment(): Promise<Judgment> {
    await this.trial.drained();
    const accepted = this.#accepted;
    const ledger = this.#ledger().filter((one) => accepted.includes(one.xId ?? ''));
    const records = await this.records();
    return judge({ accepted, records, ledger, kills: 1, connections: 1, onUncertain: 'hold', faults: [] });
  }

  #ledger() {
    return [...this.server.ledger, ...this.#secured.ledger];
  }

  /** Ends the program, and makes the stage ready for the next case. */
  async clear(): Promise<void> {
    await this.#victim?.end('SIGKILL');
    await this.#app?.stop();
    this.#app = undefined;
    this.#accepted = [];
    this.server.setScript([]);
  }

  async close(): Promise<void> {
    await this.trial.remove();
    await Promise.all([this.server.stop(), this.#secured.stop()]);
  }
}
