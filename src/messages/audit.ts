import { type Status, statusOf } from '../queue/delivery.ts';
import { pausesOf } from '../queue/pause.ts';
import type { Db } from '../storage/db.ts';
import {
  answersAfter,
  type Broken,
  brokenMessages,
  type CountRow,
  counts,
  existing,
  orphans,
} from './audit-store.ts';

export type { Broken } from './audit-store.ts';

const MINUTE = 60_000;
/** A lease ends after one minute, and its message is claimed anew within seconds: later, nobody is looking. */
const ABANDONED_MS = 5 * MINUTE;
/** What is past its time is ended within seconds. */
const UNSWEPT_MS = 10 * MINUTE;
/** Stored answers read at once; a batch's answer holds 500 ids. */
const ANSWERS_AT_ONCE = 100;

export interface Balance {
  workspace: string;
  /** Acceptances, counted from the events. */
  accepted: number;
  /** Messages by status, counted from the rows. */
  statuses: Partial<Record<Status, number>>;
  balanced: boolean;
}

/** accepted = scheduled + queued + sending + … + expired, for each workspace. */
export async function balances(db: Db, workspaceId: string | undefined, now: number): Promise<Balance[]> {
  const found = new Map<string, Balance>();
  for (const row of await counts(db, workspaceId, now)) {
    const balance = found.get(row.workspaceId) ?? empty(row.workspaceId);
    found.set(row.workspaceId, balance);
    if (row.state === null) balance.accepted += row.messages;
    else {
      const status = statusFrom(row, now);
      balance.statuses[status] = (balance.statuses[status] ?? 0) + row.messages;
    }
  }
  const all = [...found.values()].sort((a, b) => (a.workspace < b.workspace ? -1 : 1));
  for (const one of all)
    one.balanced = one.accepted === Object.values(one.statuses).reduce((sum, count) => sum + count, 0);
  return all;
}

function empty(workspace: string): Balance {
  return { workspace, accepted: 0, statuses: {}, balanced: true };
}

/** One of the messages that were counted together tells the status of all. */
function statusFrom(row: CountRow, now: number): Status {
  return statusOf(
    {
      state: row.state!,
      dueAt: row.held ? now + 1 : now,
      leaseOwner: row.held ? 'somebody' : null,
      attempts: row.tried ? 1 : 0,
      sendAt: row.ahead ? now + 1 : null,
    },
    now,
  );
}

/**
 * Every id that breaks a rule, with the rule's name. Reads beside a running program without disturbing it: each
 * statement sees one moment, and what the program changes together is seen together.
 */
export async function* brokenRules(
  db: Db,
  workspaceId: string | undefined,
  now: number,
): AsyncGenerator<Broken> {
  // While everything is paused nobody is meant to look after the queue.
  const asleep = (await pausesOf(db)).has('');
  yield* brokenMessages(db, {
    workspaceId,
    now,
    abandonedBefore: asleep ? 0 : now - ABANDONED_MS,
    unsweptBefore: asleep ? 0 : now - UNSWEPT_MS,
  });
  yield* orphans(db, workspaceId);
  yield* answeredWithoutMessage(db, workspaceId);
}

/** A call was answered 202 with an id, and no such message is there. Known of calls with an Idempotency-Key, for 7 days. */
async function* answeredWithoutMessage(db: Db, workspaceId: string | undefined): AsyncGenerator<Broken> {
  let after = { workspaceId: '', key: '' };
  for (;;) {
    const answers = await answersAfter(db, workspaceId, after, ANSWERS_AT_ONCE);
    for (const { response } of answers) {
      const ids = idsIn(response);
      const there = await existing(db, ids);
      for (const id of ids) if (!there.has(id)) yield { rule: 'answered_without_message', id };
    }
    if (answers.length < ANSWERS_AT_ONCE) return;
    after = answers.at(-1)!;
  }
}

/** The ids that an answer promised: of one message and its siblings, or of a batch. */
function idsIn(response: string): string[] {
  return [...new Set(response.match(/"msg_[0-9a-z]{26}"/g) ?? [])].map((quoted) => quoted.slice(1, -1));
}
