import type { Tx } from '../storage/db.ts';
import type { Outcome } from '../transport/outcome.ts';
import { afterOutcome } from './health.ts';
import type { Health } from './server.ts';
import { healthOf, updateHealth } from './store.ts';

/** Writes down what an outcome says about its server, in the transaction that settles the message. */
export async function recordHealth(
  tx: Tx,
  serverId: string,
  outcome: Outcome,
  now: number,
): Promise<Health | undefined> {
  const before = await healthOf(tx, serverId);
  if (!before) return undefined;
  const after = afterOutcome(before, outcome, now);
  if (after !== before) await updateHealth(tx, serverId, after);
  return after;
}
