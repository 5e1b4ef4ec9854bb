import { contactBounced } from '../audience/upsert.ts';
import type { EventType } from '../events/event.ts';
import { recordEvents } from '../events/record.ts';
import { failpoint } from '../failpoint.ts';
import { tellOfMessages, tellOfServers } from '../notices/news.ts';
import { claimKey } from '../queue/delivery.ts';
import { attemptsAtRecipients, type RecipientAttempt, recordAttempts, release } from '../queue/queue.ts';
import { RATE_CODES } from '../servers/health.ts';
import { recordHealth } from '../servers/health-record.ts';
import { slowDown } from '../servers/pace.ts';
import { count } from '../statistics/count.ts';
import { dayOf } from '../statistics/statistic.ts';
import type { Tx } from '../storage/db.ts';
import { blockAfter, WINDOW } from '../suppressions/policy.ts';
import { suppress } from '../suppressions/suppress.ts';
import type { Outcome, OutcomeClass } from '../transport/outcome.ts';
import { attemptOf } from './attempt.ts';
import { nextState, type Turn, type TurnRow } from './next-state.ts';
import type { Verdict } from './verdict.ts';

/** A turn whose end was written: its row is let go of, and this is its next state. */
export interface Settled extends Turn {
  state: string;
}

/** Messages a second that a server accepted lately, by its id; nothing where nobody counted. */
export type Observed = ReadonlyMap<string, number | null>;

type Attempted = Settled & { verdict: Extract<Verdict, { kind: 'attempted' }> };

/**
 * Writes down how turns ended, all in the caller's transaction and each guarded by its lease: the next state, the
 * attempt, the event, the server's health and pace, a block of the address. `tell` is to follow, last.
 * @returns the turns that were settled. One whose lease was lost writes nothing: whoever holds it now decides
 */
export async function settle(
  tx: Tx,
  turns: readonly Turn[],
  owner: string,
  observed: Observed,
): Promise<Settled[]> {
  const changes = turns
    .filter((turn) => turn.verdict.kind !== 'lost')
    .map((turn) => ({ turn, row: turn.row, owner, change: nextState(turn) }));
  const released = await release(tx, changes);
  if (released.size > 0) failpoint('settle-midway');
  const settled: Settled[] = changes
    .filter(({ row }) => released.has(claimKey(row)))
    .map(({ turn, change }) => ({ ...turn, state: change.state ?? 'queued' }));
  await recordAttempts(
    tx,
    settled.flatMap((turn) => attemptOf(turn) ?? []),
  );
  await recordEvents(
    tx,
    settled.flatMap((turn) => eventOf(turn) ?? []),
  );
  const attempted = settled.filter(wasAttempted);
  await blockBadAddresses(tx, attempted);
  await recordHealths(tx, attempted, observed);
  return settled;
}

/**
 * What settled turns mean for a day's counts and for the owner. The rows of these are shared by all workers, so they are
 * written as the last thing of a transaction, and held for no longer than its commit.
 */
export async function tell(tx: Tx, settled: readonly Settled[]): Promise<void> {
  const now = latest(settled);
  await count(
    tx,
    settled.flatMap((turn) => tallyOf(turn) ?? []),
  );
  await tellOfServers(
    tx,
    settled
      .filter(wasAttempted)
      .flatMap(({ row, verdict }) =>
        verdict.server
          ? [{ ...verdict.server, workspaceId: row.workspace_id, outcome: verdict.outcome }]
          : [],
      ),
    now,
  );
  await tellOfMessages(tx, settled.map(endedAs), now);
}

/** When the last of them ended, ms. */
function latest(turns: readonly Turn[]): number {
  return Math.max(0, ...turns.map(({ at }) => at));
}

function wasAttempted(turn: Settled): turn is Attempted {
  return turn.verdict.kind === 'attempted';
}

/** As the notices see it. */
function endedAs({ row, verdict, state }: Settled) {
  const attempt = verdict.kind === 'attempted' ? verdict : undefined;
  const reason = attempt?.outcome.message ?? ('reason' in verdict ? verdict.reason : row.reason);
  const { workspace_id: workspaceId, priority } = row;
  return { workspaceId, state, priority, serverName: attempt?.server?.name ?? row.server_name, reason };
}

const EVENTS: Partial<Record<string, EventType>> = {
  sent: 'message.sent',
  captured: 'message.captured',
  bounced: 'message.bounced',
  failed: 'message.failed',
  uncertain: 'message.uncertain',
  blocked: 'message.blocked',
  expired: 'message.expired',
};

function eventOf({ row, verdict, state, at }: Settled) {
  const type = state === 'queued' ? deferral(verdict) && 'message.deferred' : EVENTS[state];
  if (!type) return undefined;
  return {
    workspaceId: row.workspace_id,
    type: type as EventType,
    messageId: row.id,
    at,
    detail: detailOf(verdict),
  };
}

/** A turn that ends in the queue is news only after an attempt: waiting for a place is not. */
function deferral(verdict: Verdict): boolean {
  return verdict.kind === 'attempted';
}

function detailOf(verdict: Verdict): Record<string, unknown> {
  if (verdict.kind === 'attempted')
    return { server: verdict.server?.name ?? null, code: verdict.outcome.code };
  return 'code' in verdict ? { code: verdict.code } : {};
}

function tallyOf({ row, verdict, state, at }: Settled) {
  if (state === 'queued' && !deferral(verdict)) return undefined;
  return {
    workspaceId: row.workspace_id,
    day: dayOf(at),
    serverId: (verdict.kind === 'attempted' ? verdict.server?.id : row.server_id) ?? '',
    word: state === 'queued' ? 'deferred' : state,
  };
}

/**
 * Only a real server's verdict on the recipient itself ever blocks an address: a refusal for good at once, what may
 * pass after it came again and again, and then for a while.
 */
async function blockBadAddresses(tx: Tx, turns: readonly Attempted[]): Promise<void> {
  const historyOf = await recipientHistories(tx, turns);
  for (const { row, verdict, at } of turns) {
    const { outcome, server } = verdict;
    if (!server) continue;
    const { block, until } = decideBlock(outcome, historyOf(row));
    if (!block) continue;
    failpoint('settle-unblocked');
    await suppress(tx, {
      workspaceId: row.workspace_id,
      email: row.rcpt,
      emailKey: row.rcpt_key,
      reason: 'bounce',
      code: outcome.code,
      reply: outcome.reply ?? null,
      messageId: row.id,
      serverId: server.id,
      serverName: server.name,
      createdAt: at,
      expiresAt: until,
    });
    if (until === null) await contactBounced(tx, row.workspace_id, row.rcpt_key, at);
  }
}

function decideBlock(
  outcome: Outcome,
  history: readonly RecipientAttempt[],
): { block: boolean; until: number | null } {
  if (outcome.class === 'recipient_permanent') return { block: outcome.suppress, until: null };
  if (outcome.class !== 'recipient_temporary') return { block: false, until: null };
  return blockAfter(history.map((one) => ({ ...one, class: one.outcome as OutcomeClass })));
}

/** What became of the mail to those who were refused for now; one question for all of them. */
async function recipientHistories(
  tx: Tx,
  turns: readonly Attempted[],
): Promise<(row: TurnRow) => readonly RecipientAttempt[]> {
  const refused = turns.filter(
    ({ verdict }) => verdict.server && verdict.outcome.class === 'recipient_temporary',
  );
  const recipients = refused.map(({ row }) => ({ workspaceId: row.workspace_id, rcptKey: row.rcpt_key }));
  const attempts = await attemptsAtRecipients(tx, recipients, latest(turns) - WINDOW);
  const histories = Map.groupBy(attempts, (one) => `${one.workspaceId} ${one.rcptKey}`);
  return (row) => histories.get(`${row.workspace_id} ${row.rcpt_key}`) ?? [];
}

/** Servers in the order of their ids, which is the same for every worker: none waits for another crosswise. */
async function recordHealths(tx: Tx, turns: readonly Attempted[], observed: Observed): Promise<void> {
  const byServer = Map.groupBy(turns, ({ verdict }) => verdict.server?.id ?? '');
  byServer.delete(''); // the sandbox has no health
  for (const id of [...byServer.keys()].sort()) {
    const now = latest(byServer.get(id)!);
    const own = byServer.get(id)!.map(({ verdict }) => verdict.outcome);
    await recordHealth(tx, id, own, now);
    const slower = own.find((outcome) => RATE_CODES.has(outcome.code));
    if (slower) await slowDown(tx, id, { reply: slower.reply, observed: observed.get(id) ?? null }, now);
  }
}
