import { newId } from '../ids.ts';
import type { Tx } from '../storage/db.ts';
import { insertSuppressions, suppressionsFor } from './store.ts';
import type { Suppression } from './suppression.ts';

/** Blocks an address in the transaction that learned it is bad. */
export function suppress(tx: Tx, given: Omit<Suppression, 'id'>): Promise<void> {
  return insertSuppressions(tx, [{ ...given, id: newId('sup', given.createdAt) }]);
}

/** Which of these addresses the workspace does not write to, by address key. */
export function findSuppressions(
  tx: Tx,
  workspaceId: string,
  emailKeys: readonly string[],
): Promise<Map<string, Suppression>> {
  return suppressionsFor(tx, workspaceId, emailKeys);
}
