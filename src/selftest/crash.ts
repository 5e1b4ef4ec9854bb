import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { type SinkProcess, startSinkProcess } from '../demo-smtp/process.ts';
import { between, pick, seededRandom } from '../demo-smtp/random.ts';
import type { FailPoint } from '../failpoint.ts';
import { type Judgment, judge, type OnUncertain } from './judge.ts';
import { Load } from './load.ts';
import { EndedEarly, type Launcher, type Program } from './program.ts';
import { Trial } from './trial.ts';

export interface CrashPlan {
  kills: number;
  /** Processes that send. On SQLite it is one, which also answers the calls. */
  workers: number;
  messages: number;
  /** Of each worker, at the same time. */
  connections: number;
  onUncertain: OnUncertain;
  /** SIGTERM in place of SIGKILL lets each finish: then nothing may be uncertain. */
  signal?: 'SIGKILL' | 'SIGTERM';
  databaseUrl: string | undefined;
  seed: number;
  /** More for FAILPOINT of every process: the tests take rules out with it. */
  failPlan?: string;
}

export interface CrashReport extends Judgment {
  engine: 'sqlite' | 'postgres';
  plan: Omit<CrashPlan, 'databaseUrl' | 'failPlan'>;
  /** Kills that fell at a named point, by its name; the others fell at random moments. */
  killedAt: Record<string, number>;
  seconds: number;
  secondsDraining: number;
}

export interface CrashParts {
  launcher: Launcher;
  clock: Clock;
  /** Told how far it is, in a sentence. */
  say: (progress: string) => void;
  /** Ends the run early; what it made is removed all the same. */
  aborted?: AbortSignal;
}

/** Waits of the program that would make a run last minutes: a dead worker's leases, and the pause before a repeat. */
const SHORT_WAITS = 'lease=5000,renewal=1000,resend=500,return=500';
/** A process lives so long, in milliseconds, before it is killed: long enough to be in the middle of its work. */
const LIFE_MS = { from: 20, to: 350 };
/** One that shall die at a named point is given more, so that it gets there. */
const LIFE_TO_POINT_MS = 800;
/** The receiving server answers each message within so many milliseconds, at random. */
const REPLY_WITHIN_MS = 40;
/** Every second start is told to kill itself at one of these, the nth time it is reached. */
const SENDING_POINTS: readonly FailPoint[] = [
  'claimed',
  'rcpt-replied',
  'mark-wanted',
  'mark-uncommitted',
  'mark-committed',
  'dot-written',
  'dot-replied',
  'page-unflushed',
  'settle-midway',
  'settled',
];
const ANSWERING_POINTS: readonly FailPoint[] = ['accept-rows', 'accept-uncommitted', 'accept-committed'];
const NTH_TO = 5;
/** A PostgreSQL that restarts is away for seconds; each try takes one. */
const MAX_STARTS = 60;
const EX_CONFIG = 78;
const PROGRESS_EVERY = 10;
/** What is not sent so long after the last kill is not going to be. */
const DRAIN_WITHIN_MS = 180_000;

/** Kills the program again and again while it sends, lets it finish, and judges by what arrived. */
export async function crashTest(plan: CrashPlan, parts: CrashParts): Promise<CrashReport> {
  const began = parts.clock.monotonic();
  const trial = await Trial.open(parts.launcher, plan.databaseUrl);
  let sink: SinkProcess | undefined;
  parts.say(`Seed ${plan.seed}`);
  try {
    sink = await startSinkProcess({
      security: 'none',
      ledgerFile: join(trial.data.folder, 'ledger.jsonl'),
      // So that kills fall at every distance from the answer.
      script: [{ stage: 'dot', fault: { delayUpTo: REPLY_WITHIN_MS } }],
      seed: plan.seed,
    });
    const test = new CrashTest(plan, parts, trial);
    await untilAborted(test.run(sink), parts.aborted);
    const records = await trial.records();
    await trial.stop();
    const judgment = judge({
      accepted: test.load.accepted,
      records,
      ledger: sink.ledger(),
      kills: plan.signal === 'SIGTERM' ? 0 : plan.kills,
      connections: plan.connections,
      onUncertain: plan.onUncertain,
      faults: await trial.data.faults(),
    });
    const { databaseUrl: _, failPlan: __, ...said } = plan;
    return {
      engine: trial.data.engine,
      plan: said,
      ...judgment,
      killedAt: test.killedAt,
      seconds: secondsSince(parts.clock, began),
      secondsDraining: test.secondsDraining,
    };
  } finally {
    await sink?.stop();
    await trial.remove();
  }
}

function untilAborted(work: Promise<void>, aborted: AbortSignal | undefined): Promise<void> {
  const abort = new Promise<never>((_, reject) => {
    if (aborted?.aborted) reject(aborted.reason);
    aborted?.addEventListener('abort', () => reject(aborted.reason));
  });
  return Promise.race([work, abort]);
}

class CrashTest {
  readonly load: Load;
  secondsDraining = 0;
  readonly killedAt: Record<string, number> = {};
  readonly #plan: CrashPlan;
  readonly #parts: CrashParts;
  readonly #trial: Trial;
  readonly #random: () => number;
  readonly #role: 'all' | 'worker';
  #toKill: number;
  #killed = 0;

  constructor(plan: CrashPlan, parts: CrashParts, trial: Trial) {
    this.#plan = plan;
    this.#parts = parts;
    this.#trial = trial;
    this.#random = seededRandom(plan.seed);
    this.#role = trial.data.engine === 'sqlite' ? 'all' : 'worker';
    this.#toKill = plan.kills;
    this.load = new Load(trial, plan.messages);
  }

  async run(sink: SinkProcess): Promise<void> {
    await this.#prepare(sink);
    await this.#bombard();
    await this.#drain();
  }

  async #prepare(sink: SinkProcess): Promise<void> {
    const api = await this.#trial.start('api', SHORT_WAITS);
    await this.#trial.connect(sink, { maxConnections: this.#plan.connections });
    await this.load.prepare(this.#plan.onUncertain);
    if (this.#role === 'all') await api.end('SIGTERM');
    else this.#trial.answersAt(api.url, (await this.#trial.start('api', SHORT_WAITS)).url);
  }

  /** Every worker is killed and started again, side by side, until all kills are done; callers go on meanwhile. */
  async #bombard(): Promise<void> {
    this.#allowLoad();
    const workers = Array.from({ length: this.#plan.workers }, () => this.#killAgainAndAgain());
    await Promise.all([this.load.run(), ...workers]);
  }

  async #killAgainAndAgain(): Promise<void> {
    const { signal = 'SIGKILL' } = this.#plan;
    while (this.#toKill-- > 0) {
      const point = signal === 'SIGKILL' && this.#random() < 0.5 ? this.#drawPoint() : undefined;
      const nth = between(this.#random, 1, NTH_TO);
      const lifeMs = point ? LIFE_TO_POINT_MS : between(this.#random, LIFE_MS.from, LIFE_MS.to);
      const diedByItself = await this.#startAndEnd(point && `${point}:${nth}:kill`, lifeMs, signal);
      if (diedByItself && point) this.killedAt[point] = (this.killedAt[point] ?? 0) + 1;
      this.#killed++;
      this.#allowLoad();
      if (this.#killed % PROGRESS_EVERY === 0)
        this.#parts.say(
          `${this.#killed} of ${this.#plan.kills} kills, ${this.load.accepted.length} messages accepted`,
        );
    }
    await this.#start(undefined);
  }

  /** @returns whether it killed itself, at the point it was told: one that works at once may do so before it says that it runs */
  async #startAndEnd(
    strike: string | undefined,
    lifeMs: number,
    signal: 'SIGKILL' | 'SIGTERM',
  ): Promise<boolean> {
    const program = await this.#start(strike).catch((error: unknown) => {
      if (strike && error instanceof EndedEarly && error.signal === 'SIGKILL') return undefined;
      throw error;
    });
    if (!program) return true;
    await Promise.race([program.exited, pause(lifeMs)]);
    const diedByItself = program.signal !== null;
    const code = await program.end(signal);
    if (signal === 'SIGTERM' && code !== 0) throw new Error(`Asked to stop, it ended with ${code}.`);
    return diedByItself;
  }

  #drawPoint(): FailPoint {
    return pick(
      this.#random,
      this.#role === 'all' ? [...SENDING_POINTS, ...ANSWERING_POINTS] : SENDING_POINTS,
    );
  }

  /** A process that finds no database, as while an operator restarts it, is started again. */
  async #start(strike: string | undefined): Promise<Program> {
    const plan = [SHORT_WAITS, strike, this.#plan.failPlan].filter(Boolean).join(',');
    for (let tried = 1; ; tried++) {
      try {
        return await this.#trial.start(this.#role, plan);
      } catch (error) {
        const isAway = error instanceof EndedEarly && error.code === EX_CONFIG && this.#role === 'worker';
        if (!isAway || tried >= MAX_STARTS) throw error;
        await pause(1_000);
      }
    }
  }

  /** The load is spread over the kills, so that each finds the program at work. */
  #allowLoad(): void {
    this.load.allow((this.#plan.messages * (this.#killed + 1)) / Math.max(1, this.#plan.kills));
  }

  async #drain() {
    const began = this.#parts.clock.monotonic();
    this.#parts.say('All kills done; waiting for what is left to be sent');
    await Promise.race([this.#trial.drained(), pause(DRAIN_WITHIN_MS, undefined, { ref: false })]);
    this.secondsDraining = secondsSince(this.#parts.clock, began);
  }
}

function secondsSince(clock: Clock, began: number): number {
  return Math.round((clock.monotonic() - began) / 100) / 10;
}
