import { useSyncExternalStore } from 'react';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const exact = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'medium' });
const thisYear = new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric' });
const otherYear = new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', year: 'numeric' });
const clockTime = new Intl.DateTimeFormat('en-US', { timeStyle: 'medium' });

/** A time as people say it, exact on hover. It follows the clock. */
export function Time({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={exact.format(new Date(at))} className="whitespace-nowrap tabular-nums">
      {timeWords(new Date(at).getTime(), now)}
    </time>
  );
}

/** The time of day with seconds, for things that follow each other closely. */
export function ClockTime({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exact.format(new Date(at))} className="whitespace-nowrap tabular-nums">
      {clockTime.format(new Date(at))}
    </time>
  );
}

export function timeWords(at: number, now: number): string {
  const away = Math.abs(now - at);
  if (away < MINUTE) return now < at ? 'in a moment' : 'just now';
  if (away >= 7 * DAY)
    return (new Date(at).getFullYear() === new Date(now).getFullYear() ? thisYear : otherYear).format(at);
  const words =
    away < HOUR
      ? `${Math.floor(away / MINUTE)} min`
      : away < DAY
        ? `${Math.floor(away / HOUR)} h`
        : days(away);
  return now < at ? `in ${words}` : `${words} ago`;
}

/** Milliseconds as a person would say them. */
export function durationWords(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function days(away: number): string {
  const count = Math.floor(away / DAY);
  return count === 1 ? '1 day' : `${count} days`;
}

/** One clock for all times of the page. */
function useNow(): number {
  return useSyncExternalStore(subscribe, () => Math.floor(Date.now() / TICK) * TICK + TICK);
}

const TICK = 10_000;

function subscribe(changed: () => void): () => void {
  const timer = setInterval(changed, TICK);
  return () => clearInterval(timer);
}
