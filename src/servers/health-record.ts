import type { Tx } from '../storage/db.ts';
import type { Outcome } from '../transport/outcome.ts';
import { afterOutcome } from './health.ts';
import type { Health } from './server.ts';
import { healthOf, updateHealth } from './store.ts';

/**
 * Writes down what outcomes, in their order, say about their server, in the transaction that settles the messages.
 * The row is locked only when something changes: a well server's row is read by every worker at every moment.
 * @returns the health before and after; undefined when the server was deleted
 */
export async function recordHealth(
  tx: Tx,
  serverId: string,
  outcomes: readonly Outcome[],
  now: number,
): Promise<{ before: Health; after: Health } | undefined> {
  const seen = await healthOf(tx, serverId);
  if (!seen) return undefined;
  if (afterAll(seen, outcomes, now) === seen) return { before: seen, after: seen };
  const before = await healthOf(tx, serverId, 'locked');
  if (!before) return undefined;
  const after = afterAll(before, outcomes, now);
  if (after !== before) await updateHealth(tx, serverId, after);
  return { before, after };
}

function afterAll(health: Health, outcomes: readonly Outcome[], now: number): Health {
  return outcomes.reduce((known, outcome) => afterOutcome(known, outcome, now), health);
}

/** The server is asked again now instead of when its rest would end; one message goes first, as a probe. */
export async function endRest(tx: Tx, serverId: string, now: number): Promise<void> {
  const before = await healthOf(tx, serverId);
  if (before && (before.waitingUntil ?? 0) > now)
    await updateHealth(tx, serverId, { ...before, waitingUntil: now });
}
