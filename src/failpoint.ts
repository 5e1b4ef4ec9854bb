import { writeSync } from 'node:fs';

/**
 * Where the program can be made to fail, for `mailwright selftest` and the tests. What each proves is told in
 * docs/crash-tests.md by its number.
 */
export const FAIL_POINTS = {
  'accept-rows': {
    stands: 'messages/store.ts insertMessages',
    moment: 'each hundred rows of a call, in its open transaction',
    proves: 'K3: a batch is stored whole or not at all',
  },
  'accept-uncommitted': {
    stands: 'messages/intake.ts storeAll',
    moment: 'all rows of a call are written, its transaction is open',
    proves: 'K1: no answer, no message; the repeat makes one',
  },
  'accept-committed': {
    stands: 'messages/intake.ts #store',
    moment: 'the rows are committed, the 202 has not left',
    proves: 'K2: the repeat gets the first answer and makes no second message',
  },
  claimed: {
    stands: 'engine/turns.ts #work',
    moment: 'a message is held, no connection is open for it',
    proves: 'K6: sent once, by the next holder',
  },
  'tls-begun': {
    stands: 'transport/open.ts #secure',
    moment: 'the TLS handshake is under way',
    proves: 'K7: sent once',
  },
  'auth-said': {
    stands: 'transport/sign-in.ts',
    moment: 'the sign-in is said, its answer is not read',
    proves: 'K7: sent once',
  },
  'rcpt-replied': {
    stands: 'transport/smtp.ts',
    moment: 'the server took the recipient',
    proves: 'K8: sent once',
  },
  'body-begun': {
    stands: 'transport/smtp.ts #sendContent',
    moment: 'of a message above 64 KB all but the last 64 KB is written',
    proves: 'K9: the server discards the part, and it is sent once',
  },
  'mark-wanted': {
    stands: 'transport/smtp.ts #permit',
    moment: 'the marker is about to be asked for',
    proves: 'K24: a process that wakes after its lease sends nothing',
  },
  'mark-uncommitted': {
    stands: 'queue/queue.ts mark, engine/logged-pages.ts #append',
    moment: 'the marker is written and its transaction is open, or it is about to be written to the log',
    proves: 'K10: sent once',
  },
  'mark-committed': {
    stands: 'transport/smtp.ts #sendContent',
    moment: 'the marker is committed, the terminator is not written',
    proves: 'K11: uncertain, although nothing arrived',
  },
  'dot-written': {
    stands: 'transport/smtp.ts #sendContent',
    moment: 'the terminator is written, its answer is not read',
    proves: 'K12, K13: uncertain, and never a second copy',
  },
  'ran-ahead': {
    stands: 'transport/smtp.ts #sendContent',
    moment: 'the terminator and the envelope of the next message are written, neither is answered',
    proves: 'K12: the first is uncertain, the next is sent once',
  },
  'dot-replied': {
    stands: 'transport/smtp.ts send',
    moment: 'the answer to the terminator is read, nothing is stored of it',
    proves: 'K14, K16: uncertain, one copy',
  },
  'settle-midway': {
    stands: 'engine/settle.ts settle',
    moment: 'the next state is written, its attempt and event are not',
    proves: 'K17: a retry is stored with its attempt, or not at all',
  },
  'settle-unblocked': {
    stands: 'engine/settle.ts blockBadAddresses',
    moment: 'a recipient is refused for good, the address is not blocked yet',
    proves: 'K18: bounced and blocked together',
  },
  settled: {
    stands: 'engine/turns.ts #work',
    moment: 'the outcome is committed, nothing else has happened',
    proves: 'K15: it stands, with its event once',
  },
  'page-unflushed': {
    stands: 'storage/append-log.ts append',
    moment: 'outcomes and markers are written to the log of the worker, which is not flushed',
    proves: 'K29: nothing lost, nothing doubled, at most one uncertain',
  },
  commit: {
    stands: 'storage/grouped-writer.ts, storage/postgres.ts',
    moment: 'a transaction has done its work and is about to commit',
    proves: 'K29: no 202 without a row, no dot without a marker, whichever write fails',
  },
  'commit-unflushed': {
    stands: 'storage/grouped-writer.ts',
    moment: 'a group is committed, its log is not flushed and nobody is told',
    proves: 'K29: what was stored and not answered is neither lost nor done twice',
  },
} as const;

export type FailPoint = keyof typeof FAIL_POINTS;

/** Rules of docs/delivery-states.md that can be taken out, to see that the crash tests notice (K30). */
const RULES = ['P3', 'P4', 'P5'] as const;
type Rule = (typeof RULES)[number];

/** Waits that a self-test shortens, so that it does not last as long as they do. */
const WAITS = ['lease', 'renewal', 'resend', 'return'] as const;
type Wait = (typeof WAITS)[number];

type Action = 'kill' | 'stop' | 'throw' | 'drop' | { sleepMs: number };

export interface FailPlan {
  strikes: { point: FailPoint; nth: number; action: Action }[];
  without: Rule[];
  waits: Partial<Record<Wait, number>>;
  /** How often each point was reached, in their order: the threads of a process count together. */
  reached?: SharedArrayBuffer;
}

const POINTS = Object.keys(FAIL_POINTS) as FailPoint[];
let armed: FailPlan | undefined;
let reached = newCounts();

function newCounts(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(POINTS.length * Int32Array.BYTES_PER_ELEMENT));
}

/** What this thread shall fail at from now on; nothing when undefined. */
export function armFailPoints(plan: FailPlan | undefined): void {
  armed = plan;
  reached = plan?.reached ? new Int32Array(plan.reached) : newCounts();
}

/** A moment at which the plan may strike. `cut` ends the connection this is about, where there is one. */
export function failpoint(point: FailPoint, cut?: () => void): void {
  if (armed !== undefined) strike(armed, point, cut);
}

/** How often it has been reached since the plan was armed. */
export function timesReached(point: FailPoint): number {
  return Atomics.load(reached, POINTS.indexOf(point));
}

/** Whether a rule is taken out. */
export function isWithout(rule: Rule): boolean {
  return armed?.without.includes(rule) ?? false;
}

/** A wait in milliseconds, as the plan has it. */
export function tuned(wait: Wait, ms: number): number {
  return armed?.waits[wait] ?? ms;
}

function strike(plan: FailPlan, point: FailPoint, cut: (() => void) | undefined): void {
  const nth = Atomics.add(reached, POINTS.indexOf(point), 1) + 1;
  const found = plan.strikes.find((one) => one.point === point && one.nth === nth);
  if (!found) return;
  act(found.action, point, cut);
}

function act(action: Action, point: FailPoint, cut: (() => void) | undefined): void {
  if (action === 'throw') throw new Error(`It failed at ${point}, as it was told to.`);
  if (action === 'kill') signalItself(point, 'SIGKILL');
  else if (action === 'stop') signalItself(point, 'SIGSTOP');
  else if (action === 'drop') cut?.();
  else standStill(action.sleepMs);
}

/** Says so first: afterwards it cannot. */
function signalItself(point: FailPoint, signal: NodeJS.Signals): void {
  writeSync(2, `${struckLine(point)}\n`);
  process.kill(process.pid, signal);
}

/** What a process says on stderr when it is killed or stopped at a point. */
export function struckLine(point: FailPoint): string {
  return `fail-point ${point}`;
}

/** The whole process, as in a long pause: no timer fires and no lease is renewed. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const FORM = `FAILPOINT is a list of name:nth:action (kill, stop, throw, drop, sleep:ms), without-${RULES.join(', without-')}, and wait=ms (${WAITS.join(', ')}), separated by commas`;

/** Reads the setting FAILPOINT. @returns a sentence when it cannot be read */
export function readFailPlan(text: string): FailPlan | string {
  const plan: FailPlan = { strikes: [], without: [], waits: {}, reached: newCounts().buffer };
  for (const part of text.split(',').map((one) => one.trim())) {
    const rule = RULES.find((one) => part === `without-${one}`);
    const wait = WAITS.find((one) => part.startsWith(`${one}=`));
    const strike = strikeOf(part);
    if (rule) plan.without.push(rule);
    else if (wait && /=\d+$/.test(part)) plan.waits[wait] = Number(part.slice(wait.length + 1));
    else if (strike) plan.strikes.push(strike);
    else return `${FORM}; "${part}" is none of them.`;
  }
  return plan;
}

function strikeOf(text: string): FailPlan['strikes'][number] | undefined {
  const [, name, nth, word, ms] =
    /^([\w-]+):([1-9]\d{0,8}):(kill|stop|throw|drop|sleep:(\d+))$/.exec(text) ?? [];
  if (name === undefined || !Object.hasOwn(FAIL_POINTS, name)) return undefined;
  const action = ms === undefined ? (word as Exclude<Action, object>) : { sleepMs: Number(ms) };
  return { point: name as FailPoint, nth: Number(nth), action };
}
