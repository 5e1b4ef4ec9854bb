import type { Tx } from '../storage/db.ts';
import { isLimited, limitedSpans, oldestPiece, pieceAt, roomIn, type Span } from './quota.ts';
import { afterRefusal, currentRate, nextTokenAt, take } from './rate.ts';
import type { Server } from './server.ts';
import { statedRate } from './stated.ts';
import { countUsage, type Pace, paceOf, updatePace, usageOf } from './store.ts';
import { serverType } from './types.ts';

/** Must be asked for before a message goes there: it has a limit, or was found to take only so many. */
export function isPaced(server: Server, now: number): boolean {
  return isLimited(server.limits) || currentRate(server.learned, capOf(server), now) !== null;
}

export interface Tokens {
  /** How many messages may go to the server now: at most what was wanted. */
  granted: number;
  /** When it is worth asking again, if fewer were granted than wanted. */
  nextAt: number | null;
}

/**
 * Takes tokens for messages that are about to go to a server. Its limits and the pace it was found to take hold for
 * all workers together: on PostgreSQL the row of the server is locked until the transaction ends.
 * @param unused tokens of an earlier time under the same limits: they count no more. Taken a few at a time, they are few
 */
export async function takeTokens(
  tx: Tx,
  serverId: string,
  wanted: number,
  now: number,
  unused?: { count: number; takenAt: number },
): Promise<Tokens> {
  const pace = await paceOf(tx, serverId);
  if (!pace) return { granted: 0, nextAt: null };
  const spans = limitedSpans(pace.limits);
  if (unused && unused.count > 0) await countTokens(tx, serverId, spans, -unused.count, unused.takenAt);
  const usage = spans.length > 0 ? await usageOf(tx, serverId) : [];
  const { room, freeAt } = roomIn(pace.limits, usage, now);
  if (room === 0) return { granted: 0, nextAt: freeAt };
  const paced = await takeFromBucket(tx, serverId, pace, Math.min(wanted, room), now);
  if (paced.granted > 0) await countTokens(tx, serverId, spans, paced.granted, now);
  return paced.granted < wanted ? { ...paced, nextAt: paced.nextAt ?? now } : paced;
}

async function countTokens(
  tx: Tx,
  serverId: string,
  spans: readonly Span[],
  used: number,
  at: number,
): Promise<void> {
  for (const span of spans)
    await countUsage(tx, serverId, { span, startsAt: pieceAt(span, at), used }, oldestPiece(span, at));
}

async function takeFromBucket(
  tx: Tx,
  serverId: string,
  pace: Pace,
  wanted: number,
  now: number,
): Promise<Tokens> {
  const rate = currentRate(pace.learned, capOf(pace), now);
  if (rate === null) return { granted: wanted, nextAt: null };
  const { granted, bucket } = take(pace.bucket ?? { tokens: 1, at: now }, rate, now, wanted);
  await updatePace(tx, serverId, { bucket });
  return { granted, nextAt: granted < wanted ? nextTokenAt(bucket, rate) : null };
}

/**
 * Slows a server down after it asked for it, in the transaction that settles the message.
 * @param observed messages a second that it took lately; null when nobody counted
 */
export async function slowDown(
  tx: Tx,
  serverId: string,
  { reply, observed }: { reply: string | undefined; observed: number | null },
  now: number,
): Promise<void> {
  const pace = await paceOf(tx, serverId);
  if (!pace) return;
  const refusal = { now, observed, stated: statedRate(reply), cap: capOf(pace) };
  const learned = afterRefusal(pace.learned, refusal);
  if (learned !== pace.learned) await updatePace(tx, serverId, { learned, bucket: { tokens: 0, at: now } });
}

/** Messages a second that were entered, or that the preset knows. */
function capOf({ type, limits }: Pick<Pace, 'type' | 'limits'>): number | null {
  return limits.perSecond ?? serverType(type)?.limits.perSecond ?? null;
}
