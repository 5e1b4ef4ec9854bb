/** The only source of the current time. Verbs receive a Clock; nouns receive times as parameters. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Milliseconds that never go back, for durations. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** ISO 8601 UTC with milliseconds, the form of every time in the API. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
