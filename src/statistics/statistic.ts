/** Milliseconds of a day. Days are those of UTC: one rule for every workspace, wherever its people are. */
const DAY_MS = 86_400_000;

/**
 * One more message of a workspace that came to this word on this day. `deferred` counts attempts, the others messages.
 * The server is the one it went to, or empty where it went to none.
 */
export interface Tally {
  workspaceId: string;
  /** Days since 1970-01-01, UTC. */
  day: number;
  serverId: string;
  word: string;
}

export interface DailyCount extends Tally {
  count: number;
}

/** A call asks for at most so many days: two years fit into one answer. */
export const MAX_DAYS = 731;

/** YYYY-MM-DD. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** Undefined for what is no day of the calendar. */
export function parseDay(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(at) || dayText(at / DAY_MS) !== text ? undefined : at / DAY_MS;
}

export function dayOf(now: number): number {
  return Math.floor(now / DAY_MS);
}

/** Equal tallies become one row, in an order that is the same for everybody: two transactions never wait crosswise. */
export function sumUp(tallies: readonly Tally[]): DailyCount[] {
  const counts = new Map<string, DailyCount>();
  for (const tally of tallies) {
    const key = keyOf(tally);
    const known = counts.get(key);
    if (known) known.count++;
    else counts.set(key, { ...tally, count: 1 });
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
}

function keyOf({ workspaceId, day, serverId, word }: Tally): string {
  return `${workspaceId} ${day} ${serverId} ${word}`;
}
