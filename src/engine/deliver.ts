import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { isWithout, tuned } from '../failpoint.ts';
import type { Log } from '../log.ts';
import { ContentGone, composeLetter, type Letter, senderOf } from '../messages/letter.ts';
import { claimKey, HIGH, nobodyLane } from '../queue/delivery.ts';
import { listAttempts, type MessageRow } from '../queue/queue.ts';
import type { AddressPolicy } from '../servers/address-policy.ts';
import { endpointOf } from '../servers/endpoint.ts';
import { isPaced } from '../servers/pace.ts';
import { chooseServer, isWell, type RouteChoice } from '../servers/route.ts';
import type { Server } from '../servers/server.ts';
import type { Db } from '../storage/db.ts';
import { blockedReason } from '../suppressions/suppression.ts';
import type { VersionCache } from '../templates/render.ts';
import type { Pool } from '../transport/pool.ts';
import { captureOutcome } from '../transport/sandbox.ts';
import type { Vault } from '../vault.ts';
import type { Briefing } from './briefing.ts';
import type { Journal } from './journal.ts';
import type { Permits } from './permits.ts';
import type { Throttle } from './throttle.ts';
import type { Verdict } from './verdict.ts';

export interface DeliverParts {
  db: Db;
  clock: Clock;
  log: Log;
  vault: Vault;
  versions: VersionCache;
  pool: Pool;
  policy: AddressPolicy;
  publicUrl: string;
  throttle: Throttle;
  permits: Permits;
  /** Told when a server has room again that is worth a claim. */
  onRoom: () => void;
  journal: Journal;
}

/** Trouble of our own is looked at again after this long. */
const RETURN_AFTER_MS = 30_000;

/**
 * The paper path of one claimed message; without a briefing it is given back. Each step may end the line; all of them
 * come before the envelope, since after it the only way back is to close the socket.
 */
export async function deliver(
  parts: DeliverParts,
  row: MessageRow,
  briefing: Briefing | undefined,
): Promise<Verdict> {
  const now = parts.clock.now();
  const verdict =
    rescued(row) ??
    (briefing
      ? (expired(row, now) ?? suppressed(row, briefing) ?? (await route(parts, row, briefing)))
      : returned(now));
  return doubtful(row, verdict);
}

/** Trouble of our own: as if it had not been claimed, but not at once. */
function returned(now: number): Verdict {
  return { kind: 'returned', at: now + tuned('return', RETURN_AFTER_MS) };
}

/** What may have gone out before never ends as if it had not: its first try stays as uncertain as it was. */
function doubtful(row: MessageRow, verdict: Verdict): Verdict {
  if (row.possible_duplicate === 0 || verdict.kind !== 'ended' || verdict.state === 'uncertain')
    return verdict;
  const reason = `It may have gone out before. It was not sent again. ${verdict.reason}`;
  return { kind: 'ended', state: 'uncertain', code: 'uncertain', reason };
}

/** Claimed with a marker standing: its former holder wrote the final dot, or was about to. */
function rescued(row: MessageRow): Verdict | undefined {
  if (row.dot_at === null) return undefined;
  if (isWithout('P4')) return { kind: 'returned', at: row.created_at };
  const server = row.server_name ?? 'the server';
  return {
    kind: 'rescued',
    reason: `Mailwright stopped after sending the message and before reading the answer of ${server}. It may have gone out. It is not sent again on our own, to avoid a second copy.`,
  };
}

function expired(row: MessageRow, now: number): Verdict | undefined {
  if (now < row.expires_at) return undefined;
  if (row.possible_duplicate === 1) {
    const reason = 'It may have gone out before. The second try its template asks for came too late.';
    return { kind: 'ended', state: 'uncertain', code: 'uncertain', reason };
  }
  return { kind: 'ended', state: 'expired', code: 'expired', reason: expiredReason(row) };
}

export function expiredReason(
  row: Pick<MessageRow, 'reason' | 'created_at' | 'send_at' | 'expires_at'>,
): string {
  const minutes = Math.round((row.expires_at - (row.send_at ?? row.created_at)) / 60_000);
  const span = minutes >= 120 ? `${Math.round(minutes / 60)} hours` : `${minutes} minutes`;
  return `Not sent within ${span}.${row.reason ? ` The last problem was: ${row.reason}` : ''}`;
}

function suppressed(row: MessageRow, briefing: Briefing): Verdict | undefined {
  const found = briefing.suppressionOf(row);
  return found && { kind: 'ended', state: 'blocked', code: 'suppressed', reason: blockedReason(found) };
}

/** Chooses the server and takes a place and, where it is paced, a permit; or says what the message waits for. */
async function route(parts: DeliverParts, row: MessageRow, briefing: Briefing): Promise<Verdict> {
  const now = parts.clock.now();
  const servers = briefing.serversOf(row);
  const choice = chooseServer(
    servers,
    {
      seed: row.id,
      from: senderOf(row).address.address,
      pinned: row.pinned_server_id,
      preferred: briefing.templateOf(row)?.serverId ?? null,
      failover: row.failover,
      tried: row.attempts > 0 ? await refusedBy(parts.db, row.id) : [],
      live: row.live === 1,
    },
    now,
  );
  if (choice.mode === 'sandbox') return go(parts, row, briefing, choice, undefined);
  const server = servers.find((one) => one.id === choice.chosen);
  if (!server) return noServer(row, servers, choice);
  const waits = (code: string, reason: string): Verdict => ({
    kind: 'waits',
    lane: server.id,
    code,
    reason,
    route: choice,
  });
  const { health } = server;
  if (!isWell(server, now))
    return waits(health.code ?? 'server_waits', health.reason ?? `${server.name} is resting.`);
  if (!parts.throttle.take(server, now, row.priority === HIGH))
    return waits('waiting_turn', `It waits for its turn at ${server.name}.`);
  try {
    if (isPaced(server, now) && !parts.permits.spend(server.id, claimKey(row)))
      return waits('waiting_turn', parts.permits.reason(server, now));
    return await go(parts, row, briefing, choice, server);
  } finally {
    if (parts.throttle.give(server.id)) parts.onRoom();
  }
}

/** Makes the letter and lets it go where it was routed; without a server it is captured. */
async function go(
  parts: DeliverParts,
  row: MessageRow,
  briefing: Briefing,
  choice: RouteChoice,
  server: Server | undefined,
): Promise<Verdict> {
  const letter = await composed(parts, row, briefing);
  if ('kind' in letter) return letter;
  if (wouldDiffer(row, letter)) return HELD_BACK;
  return server ? transmit(parts, row, choice, server, letter) : capture(row, choice, letter);
}

/** Servers that turned this very message, or its sender, away. */
async function refusedBy(db: Db, id: string): Promise<string[]> {
  const attempts = await listAttempts(db, id);
  return attempts
    .filter((one) => one.serverId && ['message_permanent', 'server_attention'].includes(one.outcome))
    .map((one) => one.serverId!);
}

function noServer(row: MessageRow, servers: readonly Server[], choice: RouteChoice): Verdict {
  const lane = nobodyLane(row.workspace_id);
  if (choice.reason === 'server_deleted') {
    return {
      kind: 'waits',
      lane,
      code: 'server_deleted',
      reason: 'The server this message names was deleted. Send it again to route it to another.',
      route: choice,
    };
  }
  const why = choice.candidates.map((one) => `${one.name}: ${one.reasons.join(' ')}`).join(' ');
  const reason =
    servers.length === 0
      ? 'No server is connected. It waits until one is.'
      : `No connected server can send this. ${why}`;
  return { kind: 'waits', lane, code: 'no_server', reason, route: choice };
}

function capture(row: MessageRow, choice: RouteChoice, letter: Letter): Verdict {
  return {
    kind: 'attempted',
    server: null,
    outcome: captureOutcome(row.rcpt, row.attempts + 1),
    durationMs: 0,
    route: choice,
    bodyHash: letter.bodyHash,
  };
}

/** Renders and composes. What cannot be rendered fails now; it would fail again. */
async function composed(
  { db, versions }: DeliverParts,
  row: MessageRow,
  briefing: Briefing,
): Promise<Letter | Verdict> {
  try {
    return await composeLetter(db, versions, row, briefing.hasAttachments(row));
  } catch (error) {
    if (error instanceof AppError || error instanceof ContentGone) {
      return {
        kind: 'ended',
        state: 'failed',
        code: 'template_error',
        reason: `The message cannot be made: ${error.message}`,
      };
    }
    throw error;
  }
}

/** A second copy is only harmless while it is the same: receivers, and people, may then tell that it is one. */
function wouldDiffer(row: MessageRow, letter: Letter): boolean {
  return row.possible_duplicate === 1 && row.body_hash !== null && row.body_hash !== letter.bodyHash;
}

const HELD_BACK: Verdict = {
  kind: 'ended',
  state: 'uncertain',
  code: 'uncertain',
  reason:
    'It may have gone out before. It was not sent again, since this version of Mailwright would make it differently.',
};

async function transmit(
  parts: DeliverParts,
  row: MessageRow,
  choice: RouteChoice,
  server: Server,
  letter: Letter,
): Promise<Verdict> {
  const { from, rcpt } = letter;
  const { outcome, durationMs } = await parts.pool.send(
    server.id,
    endpointOf(server, parts),
    server.maxConnections,
    {
      envelope: {
        from: from.address,
        to: rcpt.address,
        size: letter.content.length,
        needsSmtpUtf8: letter.needsSmtpUtf8 || from.needsSmtpUtf8 || rcpt.needsSmtpUtf8,
        isWireForm: letter.isWireForm,
      },
      content: letter.content,
      beforeDot: () => parts.journal.mark(row, server, letter.bodyHash),
      isUrgent: row.priority === HIGH,
      serverName: server.name,
      preset: server.type,
    },
  );
  if (outcome.code === 'lease_lost') return { kind: 'lost' };
  if (outcome.code === 'stopping') return { kind: 'returned', at: parts.clock.now() };
  if (outcome.class === 'local') return returned(parts.clock.now());
  return {
    kind: 'attempted',
    server: { id: server.id, name: server.name },
    outcome,
    durationMs,
    route: choice,
    bodyHash: letter.bodyHash,
  };
}
