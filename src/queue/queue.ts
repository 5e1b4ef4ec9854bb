import { failpoint, tuned } from '../failpoint.ts';
import type { Db, Tx } from '../storage/db.ts';
import {
  attemptsAt,
  attemptsOf,
  insertAttempts,
  type NewAttempt,
  type Recipient,
  type RecipientAttempt,
} from './attempts-store.ts';
import { HIGH, LEASE_MS, PRIORITIES } from './delivery.ts';
import {
  type Change,
  changeUnheld,
  claimRows,
  countLane,
  countWaiting,
  type DueLane,
  dueLanes,
  expireRows,
  freeLeases,
  type Mark,
  type MessageRow,
  markRows,
  type Release,
  releaseRows,
  renewRows,
  unrouteLane,
} from './store.ts';

export type { NewAttempt, RecipientAttempt } from './attempts-store.ts';
export type { Change, DueLane, Mark, MessageRow, Release } from './store.ts';

/**
 * A claim that is lost with the power leaves the message where it was, and the marker of the message takes it to the
 * disk: on PostgreSQL, where both are in one log. On SQLite the marker may be in another (engine/logged-pages.ts).
 */
const isLossHarmless = ({ engine }: Db) => engine === 'postgres';

/** How many messages of a lane may be taken: urgent ones may have room where others have none. */
export interface Room {
  urgent: number;
  others: number;
}

/** Takes due messages of a lane for `owner`, urgent ones first. Committed: nobody else has them until the lease ends. */
export async function claim(
  db: Db,
  lane: string,
  owner: string,
  now: number,
  { urgent, others }: Room,
): Promise<MessageRow[]> {
  return db.write(
    async (tx) => {
      const claimed: MessageRow[] = [];
      for (const priority of PRIORITIES) {
        const limit = (priority === HIGH ? urgent : others) - claimed.length;
        if (limit > 0)
          claimed.push(...(await claimRows(tx, { lane, priority, owner, now, until: leaseEnd(now), limit })));
      }
      return claimed;
    },
    { lazy: isLossHarmless(db) },
  );
}

/** Prolongs the leases of a worker's messages. @returns the claims that hold */
export function renew(tx: Tx, owner: string, ids: readonly string[], now: number): Promise<Set<string>> {
  return renewRows(tx, owner, ids, now, leaseEnd(now));
}

/** When a lease ends that begins now. */
export function leaseEnd(now: number): number {
  return now + tuned('lease', LEASE_MS);
}

/**
 * Writes markers before final dots, in the caller's transaction. @returns the claims whose dot may leave, each with the
 * end of its lease: the dot must leave before it
 */
export async function mark(tx: Tx, marks: readonly Mark[], now: number): Promise<Map<string, number>> {
  if (marks.length === 0) return new Map();
  const marked = await markRows(tx, marks, now);
  failpoint('mark-uncommitted');
  return marked;
}

/** Lets go of held messages with their next states, guarded by the leases. @returns the claims that still held */
export function release(tx: Tx, releases: readonly Release[]): Promise<Set<string>> {
  return releases.length === 0 ? Promise.resolve(new Set()) : releaseRows(tx, releases);
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

export function recordAttempts(tx: Tx, attempts: readonly NewAttempt[]): Promise<void> {
  return insertAttempts(tx, attempts);
}

export function listAttempts(db: Db, messageId: string): Promise<NewAttempt[]> {
  return attemptsOf(db, messageId);
}

/** Of so many latest messages of a recipient the attempts are read: more change no decision that is worth the time. */
const MESSAGES_OF_RECIPIENT = 300;

/** How attempts at recipients ended since a time, oldest first; those of this transaction included. */
export async function attemptsAtRecipients(
  tx: Tx,
  recipients: readonly Recipient[],
  since: number,
): Promise<RecipientAttempt[]> {
  const distinct = new Map(recipients.map((one) => [`${one.workspaceId} ${one.rcptKey}`, one]));
  return distinct.size === 0 ? [] : attemptsAt(tx, [...distinct.values()], since, MESSAGES_OF_RECIPIENT);
}

/** Lanes in which something is due. */
export function lanes(db: Db, now: number): Promise<DueLane[]> {
  return dueLanes(db, now);
}

/** How many messages stand in a lane. */
export function inLane(db: Db, lane: string): Promise<number> {
  return countLane(db, lane);
}

/** Lets messages of a lane be routed anew. Bounded, so that a long lane does not hold the writer. */
const MOVED_AT_ONCE = 5_000;

export function reroute(db: Db, lane: string): Promise<number> {
  return db.write((tx) => unrouteLane(tx, lane, MOVED_AT_ONCE));
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
