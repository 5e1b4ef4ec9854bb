const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Waits for a recipient's "not now", after the first, second, … refusal; the last one repeats until the message expires. */
const WAITS = [MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR];
/** A greylisting server wants to see patience: five minutes is what most ask for, so this wait only grows. */
const GREYLIST_WAIT = 5 * MINUTE;
/** Spreads retries so that a thousand deferred together do not come back together. */
const JITTER = 0.2;

/** A server that only refuses this sender or this line of work is asked again with the same patience. */
export interface Deferral {
  now: number;
  /** When the first such answer came; null for the first one. */
  since: number | null;
  expiresAt: number;
  code: string;
  /** From 0 to 1. */
  random: number;
}

/** When to try again, by the age of the deferral. At the latest when the message expires, to say so in time. */
export function nextTry({ now, since, expiresAt, code, random }: Deferral): number {
  const age = since === null ? 0 : now - since;
  let elapsed = 0;
  let wait = WAITS[0]!;
  for (const step of WAITS) {
    wait = step;
    elapsed += step;
    // A retry made early by its jitter has the age of its own step, not of the one before.
    if (elapsed * (1 - JITTER) > age) break;
  }
  const spread = JITTER * (2 * random - 1);
  if (since === null && code === 'greylisted')
    return atLatest(now + GREYLIST_WAIT * (1 + Math.max(0, spread)), now, expiresAt);
  return atLatest(now + wait * (1 + spread), now, expiresAt);
}

function atLatest(then: number, now: number, expiresAt: number): number {
  return Math.min(Math.round(then), Math.max(expiresAt, now));
}
