import type { ServerLimits } from './limits.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export type Span = 'perMinute' | 'perHour' | 'perDay' | 'perMonth';

/** How many messages went to a server in one piece of a span. */
export interface Usage {
  span: Span;
  startsAt: number;
  used: number;
}

/**
 * Spans roll, as most providers count: a day's limit is kept in every 24 hours, not from midnight to midnight. Each is
 * counted in pieces, and a piece leaves the span only when all of it has, so the count is never too low.
 * A month is a calendar month in UTC, as plans are billed.
 */
const SPANS: Record<Exclude<Span, 'perMonth'>, { length: number; piece: number }> = {
  perMinute: { length: MINUTE, piece: 5 * SECOND },
  perHour: { length: HOUR, piece: 5 * MINUTE },
  perDay: { length: DAY, piece: HOUR },
};

const ALL_SPANS: readonly Span[] = ['perMinute', 'perHour', 'perDay', 'perMonth'];

/** Asked several times of each message, and mostly false. */
export function isLimited({ perMinute, perHour, perDay, perMonth }: ServerLimits): boolean {
  return (perMinute ?? perHour ?? perDay ?? perMonth) != null;
}

/** The spans for which somebody set a limit. */
export function limitedSpans(limits: ServerLimits): Span[] {
  return ALL_SPANS.filter((span) => typeof limits[span] === 'number');
}

/** The piece that a message sent now is counted in. */
export function pieceAt(span: Span, now: number): number {
  if (span === 'perMonth') return monthStart(now);
  const { piece } = SPANS[span];
  return now - (now % piece);
}

/** Pieces that began before this are over, and may be forgotten. */
export function oldestPiece(span: Span, now: number): number {
  if (span === 'perMonth') return monthStart(now);
  const { length, piece } = SPANS[span];
  return pieceAt(span, now - length - piece) + piece;
}

/** How many messages may go now by the limits alone, and when there is room again if it is none. */
export function roomIn(
  limits: ServerLimits,
  usage: readonly Usage[],
  now: number,
): { room: number; freeAt: number | null } {
  const full = limitedSpans(limits).map((span) => roomInSpan(span, limits[span]!, usage, now));
  const room = Math.min(Number.POSITIVE_INFINITY, ...full.map((one) => one.room));
  const freeAt = full.filter((one) => one.room === 0).map((one) => one.freeAt);
  return { room, freeAt: freeAt.length === 0 ? null : Math.max(...freeAt) };
}

function roomInSpan(
  span: Span,
  limit: number,
  usage: readonly Usage[],
  now: number,
): { room: number; freeAt: number } {
  const pieces = usage
    .filter((one) => one.span === span && one.startsAt >= oldestPiece(span, now))
    .sort((a, b) => a.startsAt - b.startsAt);
  let used = pieces.reduce((sum, one) => sum + one.used, 0);
  const room = Math.max(0, limit - used);
  let freeAt = now;
  for (const one of pieces) {
    if (used < limit) break;
    used -= one.used;
    freeAt = endOf(span, one.startsAt);
  }
  return { room, freeAt };
}

/** When a piece has left its span. */
function endOf(span: Span, startsAt: number): number {
  if (span === 'perMonth') return nextMonth(startsAt);
  const { length, piece } = SPANS[span];
  return startsAt + piece + length;
}

function monthStart(now: number): number {
  const day = new Date(now);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth());
}

function nextMonth(now: number): number {
  const day = new Date(now);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1);
}
