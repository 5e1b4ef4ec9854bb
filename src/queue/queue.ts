import type { Db, Tx } from '../storage/db.ts';
import { LEASE_MS } from './delivery.ts';
import {
  attemptsOf,
  type Change,
  changeUnheld,
  claimRows,
  countLane,
  countWaiting,
  expireRows,
  freeLeases,
  type Hold,
  insertAttempt,
  type MessageRow,
  markDotRow,
  moveLane,
  type NewAttempt,
  queuedLanes,
  releaseRow,
  renewRows,
} from './store.ts';

export type { Change, Hold, MessageRow, NewAttempt } from './store.ts';

/** High before normal: a code must not wait behind a newsletter. */
const PRIORITIES = [0, 1];

/** Takes up to `limit` due messages of a lane for `owner`. Committed: nobody else has them until the lease ends. */
export async function claim(
  db: Db,
  lane: string,
  owner: string,
  now: number,
  limit: number,
): Promise<MessageRow[]> {
  return db.write(async (tx) => {
    const claimed: MessageRow[] = [];
    for (const priority of PRIORITIES) {
      const left = limit - claimed.length;
      if (left > 0)
        claimed.push(
          ...(await claimRows(tx, { lane, priority, owner, now, until: now + LEASE_MS, limit: left })),
        );
    }
    return claimed;
  });
}

/** Prolongs the leases of a worker's messages. @returns the ids that are still held */
export function renew(db: Db, owner: string, ids: readonly string[], now: number): Promise<Set<string>> {
  return db.write((tx) => renewRows(tx, owner, ids, now, now + LEASE_MS));
}

/** Commits the marker, and at which server, before a final dot. @returns false when the lease is lost; the dot must not leave then */
export function markDot(
  db: Db,
  hold: Hold,
  server: { id: string; name: string },
  now: number,
): Promise<boolean> {
  return db.write((tx) => markDotRow(tx, hold, server, now));
}

/** Lets go of a held message with its next state, guarded by the lease. */
export function release(tx: Tx, hold: Hold, change: Change): Promise<boolean> {
  return releaseRow(tx, hold, change);
}

/** Changes a message nobody is working on, from one stored state. */
export function changeIdle(
  tx: Tx,
  workspaceId: string,
  id: string,
  from: string,
  now: number,
  change: Change,
): Promise<boolean> {
  return changeUnheld(tx, workspaceId, id, from, now, change);
}

export function recordAttempt(tx: Tx, attempt: NewAttempt): Promise<void> {
  return insertAttempt(tx, attempt);
}

export function listAttempts(db: Db, messageId: string): Promise<NewAttempt[]> {
  return attemptsOf(db, messageId);
}

export function lanes(db: Db): Promise<string[]> {
  return queuedLanes(db);
}

/** How many messages stand in a lane. */
export function inLane(db: Db, lane: string): Promise<number> {
  return countLane(db, lane);
}

/** Lets messages of a lane be routed anew. Bounded, so that a long lane does not hold the writer. */
const MOVED_AT_ONCE = 5_000;

export function reroute(db: Db, lane: string): Promise<number> {
  return db.write((tx) => moveLane(tx, lane, '', MOVED_AT_ONCE));
}

const EXPIRED_AT_ONCE = 500;

export function expire(tx: Tx, now: number): Promise<MessageRow[]> {
  return expireRows(tx, now, EXPIRED_AT_ONCE);
}

/** After a crash, where no other worker can be alive: everything that was held is due now. */
export function freeAllLeases(db: Db, now: number): Promise<number> {
  return db.write((tx) => freeLeases(tx, now));
}

/** Messages for real delivery that wait: all of the workspace, or those that wait for one server. */
export function waitingMessages(tx: Tx, workspaceId: string, serverId?: string): Promise<number> {
  return countWaiting(tx, workspaceId, serverId);
}
