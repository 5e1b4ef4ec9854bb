import type { Outcome } from '../transport/outcome.ts';
import type { Health } from './server.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Waits after a server's own deferrals: the message keeps its turn, the server gets a rest. */
const DEFERRAL_WAITS = [30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE];
/** A broken line is often back within seconds; then the deferral waits follow. */
const NETWORK_WAITS = [5 * SECOND, 30 * SECOND, ...DEFERRAL_WAITS.slice(2)];
/** What a person must mend is looked at hourly, in case it was mended elsewhere. */
const ATTENTION_WAIT = 60 * MINUTE;
/** Daily limits free up at a time the server does not tell. */
const DAILY_WAIT = 60 * MINUTE;
const DAILY_CODES = new Set(['ses_daily', 'daily_limit']);

export const WELL: Health = { failures: 0, waitingUntil: null, code: null, reason: null };

/** Does the outcome speak of the server itself? One that refuses a single From must not stop for other senders. */
export function blamesServer(outcome: Outcome): boolean {
  return (
    ['server_deferral', 'server_attention', 'network'].includes(outcome.class) && outcome.scope !== 'sender'
  );
}

/**
 * The server's health after an outcome. While it waits, further failures of sessions that were under way change
 * nothing: five connections that break together are one event.
 */
export function afterOutcome(health: Health, outcome: Outcome, now: number): Health {
  if (outcome.class === 'local' || outcome.class === 'uncertain') return health;
  if (!blamesServer(outcome)) return health.waitingUntil === null ? health : WELL;
  if (health.waitingUntil !== null && health.waitingUntil > now) return health;
  return {
    failures: health.failures + 1,
    waitingUntil: now + waitFor(outcome, health.failures),
    code: outcome.code,
    reason: outcome.message,
  };
}

function waitFor(outcome: Outcome, failures: number): number {
  if (DAILY_CODES.has(outcome.code)) return DAILY_WAIT;
  if (outcome.class === 'server_attention') return ATTENTION_WAIT;
  const waits = outcome.class === 'network' ? NETWORK_WAITS : DEFERRAL_WAITS;
  return waits[Math.min(failures, waits.length - 1)]!;
}
