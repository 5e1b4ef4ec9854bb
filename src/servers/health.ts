import type { Outcome, Stage } from '../transport/outcome.ts';
import type { Health } from './server.ts';
import { statedWait } from './stated.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Rests after a server's own deferrals: the message keeps its turn, the server gets a rest. */
const DEFERRAL_WAITS = [30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE];
/** A broken line is often back within seconds; then the deferral waits follow. */
const NETWORK_WAITS = [5 * SECOND, 30 * SECOND, ...DEFERRAL_WAITS.slice(2)];
/** "Slow down" asks for fewer messages (rate.ts), not for none: a short stop, and at most what SES advises. */
const RATE_WAITS = [5 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE];
/** What a person must mend is looked at hourly, in case it was mended elsewhere. */
const ATTENTION_WAIT = HOUR;
/** A block list is left within hours at best. After the first hour a person is needed; asking hourly stays right. */
const BLOCK_LIST_WAIT = HOUR;
/** Daily limits free up at a time that few servers tell. */
const DAILY_WAIT = HOUR;
const LONGEST_STATED_WAIT = 24 * HOUR;

const DAILY_CODES = new Set(['ses_daily', 'daily_limit']);
export const RATE_CODES: ReadonlySet<string> = new Set(['rate_limited', 'ses_rate', 'ms_limit']);

/**
 * A server that defers one transaction may have trouble with that one only: a recipient whose domain it cannot look
 * up, a message that its filter chokes on. If it rested for each, one such message would hold up all others, again
 * after every rest. So the message waits by its age, others go on, and only this many in a row make it rest.
 * What concerns every message makes it rest at once: a line that breaks, a session refused before RCPT, 421.
 */
const REFUSALS_TO_REST = 5;
const BREAKER_WAITS = DEFERRAL_WAITS.slice(1);
const OF_ONE_TRANSACTION = new Set(['server_temporary', 'protocol']);
const TRANSACTION_STAGES: readonly Stage[] = ['rcpt', 'data', 'body', 'dot'];

export const WELL: Health = { failures: 0, waitingUntil: null, code: null, reason: null };

/** Does the outcome speak of the server as a whole, so that it waits and the message keeps its turn? */
export function blamesServer(outcome: Outcome): boolean {
  return isAboutServer(outcome) && !isOfOneTransaction(outcome);
}

/** One that refuses a single From must not stop for other senders. */
function isAboutServer(outcome: Outcome): boolean {
  return (
    ['server_deferral', 'server_attention', 'network'].includes(outcome.class) && outcome.scope !== 'sender'
  );
}

function isOfOneTransaction({ class: outcomeClass, code, stage }: Outcome): boolean {
  return (
    outcomeClass === 'server_deferral' && OF_ONE_TRANSACTION.has(code) && TRANSACTION_STAGES.includes(stage)
  );
}

/**
 * The server's health after an outcome. While it rests, further failures of sessions that were under way change
 * nothing: five connections that break together are one event. After a rest one message goes as a probe.
 */
export function afterOutcome(health: Health, outcome: Outcome, now: number): Health {
  if (outcome.class === 'local' || outcome.class === 'uncertain') return health;
  if (!isAboutServer(outcome)) return health.failures === 0 && health.waitingUntil === null ? health : WELL;
  if (health.waitingUntil !== null && health.waitingUntil > now) return health;
  const failures = health.failures + 1;
  const isProbe = health.waitingUntil !== null;
  if (isOfOneTransaction(outcome) && !isProbe && failures < REFUSALS_TO_REST) return { ...WELL, failures };
  return {
    failures,
    waitingUntil: now + restFor(outcome, health, now),
    code: outcome.code,
    reason: outcome.message,
  };
}

function restFor(outcome: Outcome, { failures }: Health, now: number): number {
  const stated = statedWait(outcome.reply, now);
  if (DAILY_CODES.has(outcome.code)) return Math.min(stated ?? DAILY_WAIT, LONGEST_STATED_WAIT);
  if (outcome.code === 'blocklisted') return BLOCK_LIST_WAIT;
  if (outcome.class === 'server_attention') return ATTENTION_WAIT;
  const wait = isOfOneTransaction(outcome)
    ? nth(BREAKER_WAITS, failures - (REFUSALS_TO_REST - 1))
    : nth(waitsOf(outcome), failures);
  // A server that names a time knows better, unless it would stop us for longer than any rest.
  return stated === undefined ? wait : Math.max(wait, Math.min(stated, DEFERRAL_WAITS.at(-1)!));
}

function waitsOf(outcome: Outcome): readonly number[] {
  if (outcome.class === 'network') return NETWORK_WAITS;
  return RATE_CODES.has(outcome.code) ? RATE_WAITS : DEFERRAL_WAITS;
}

function nth(waits: readonly number[], at: number): number {
  return waits[Math.max(0, Math.min(at, waits.length - 1))]!;
}
