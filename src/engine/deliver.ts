import { parseAddress, parseMailbox } from '../address.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { ContentGone, composeLetter, type Letter } from '../messages/letter.ts';
import { nobodyLane } from '../queue/delivery.ts';
import { listAttempts, type MessageRow, markDot } from '../queue/queue.ts';
import type { AddressPolicy } from '../servers/address-policy.ts';
import { endpointOf } from '../servers/endpoint.ts';
import { chooseServer, isWell, type RouteChoice } from '../servers/route.ts';
import type { Server } from '../servers/server.ts';
import { listServers } from '../servers/servers.ts';
import type { Db } from '../storage/db.ts';
import { findSuppressions } from '../suppressions/suppress.ts';
import { blockedReason } from '../suppressions/suppression.ts';
import type { VersionCache } from '../templates/render.ts';
import { findTemplateById } from '../templates/templates.ts';
import type { Pool } from '../transport/pool.ts';
import { captureOutcome } from '../transport/sandbox.ts';
import type { Vault } from '../vault.ts';
import type { Settling } from './settling.ts';
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
  settling: Settling;
}

/** Trouble of our own is looked at again after this long. */
const RETURN_AFTER_MS = 30_000;

/**
 * The paper path of one claimed message. Each step may end the line; all of them come before the envelope, since
 * after it the only way back is to close the socket.
 */
export async function deliver(parts: DeliverParts, row: MessageRow, owner: string): Promise<Verdict> {
  return (
    rescued(row) ??
    expired(row, parts.clock.now()) ??
    (await suppressed(parts, row)) ??
    (await route(parts, row, async (choice, server) => {
      if (!server) return capture(parts, row, choice);
      const letter = await composed(parts, row);
      return 'kind' in letter ? letter : transmit(parts, row, owner, choice, server, letter);
    }))
  );
}

/** Claimed with a marker standing: its former holder wrote the final dot, or was about to. */
function rescued(row: MessageRow): Verdict | undefined {
  if (row.dot_at === null) return undefined;
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

async function suppressed(parts: DeliverParts, row: MessageRow): Promise<Verdict | undefined> {
  const found = (await findSuppressions(parts.db.read, row.workspace_id, [row.rcpt_key])).get(row.rcpt_key);
  return found && { kind: 'ended', state: 'blocked', code: 'suppressed', reason: blockedReason(found) };
}

/** Chooses the server and takes a permit for it, or says what the message waits for. */
async function route(
  parts: DeliverParts,
  row: MessageRow,
  go: (choice: RouteChoice, server: Server | undefined) => Promise<Verdict>,
): Promise<Verdict> {
  const now = parts.clock.now();
  const servers = await listServers(parts.db, row.workspace_id);
  const template = row.template_id === null ? undefined : await findTemplateById(parts.db, row.template_id);
  const choice = chooseServer(
    servers,
    {
      seed: row.id,
      from: parseMailbox(row.from_mailbox, 'from', { allowLocalDomains: true }).address.address,
      pinned: row.pinned_server_id,
      preferred: template?.serverId ?? null,
      failover: row.failover,
      tried: row.attempts > 0 ? await refusedBy(parts.db, row.id) : [],
      live: row.live === 1,
    },
    now,
  );
  if (choice.mode === 'sandbox') return go(choice, undefined);
  const server = servers.find((one) => one.id === choice.chosen);
  if (!server) return noServer(row, servers, choice);
  if (!isWell(server, now))
    return {
      kind: 'waits',
      lane: server.id,
      code: server.health.code ?? 'server_waits',
      reason: server.health.reason ?? `${server.name} is resting.`,
      route: choice,
    };
  if (!parts.throttle.take(server, now))
    return {
      kind: 'waits',
      lane: server.id,
      code: 'waiting_turn',
      reason: `It waits for its turn at ${server.name}.`,
      route: choice,
    };
  try {
    return await go(choice, server);
  } finally {
    parts.throttle.give(server.id);
  }
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

async function capture(parts: DeliverParts, row: MessageRow, choice: RouteChoice): Promise<Verdict> {
  const letter = await composed(parts, row);
  if ('kind' in letter) return letter;
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
async function composed(parts: DeliverParts, row: MessageRow): Promise<Letter | Verdict> {
  try {
    return await composeLetter(parts.db, parts.versions, row);
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

async function transmit(
  parts: DeliverParts,
  row: MessageRow,
  owner: string,
  choice: RouteChoice,
  server: Server,
  letter: Letter,
): Promise<Verdict> {
  const rules = { allowLocalDomains: true };
  const from = parseMailbox(row.from_mailbox, 'from', rules).address;
  const rcpt = parseAddress(row.rcpt, 'rcpt', rules);
  const { outcome, durationMs, connection } = await parts.pool.send(
    server.id,
    endpointOf(server, parts),
    server.maxConnections,
    {
      envelope: {
        from: from.address,
        to: rcpt.address,
        size: letter.content.length,
        needsSmtpUtf8: letter.needsSmtpUtf8 || from.needsSmtpUtf8 || rcpt.needsSmtpUtf8,
      },
      content: letter.content,
      async beforeDot(connection) {
        await parts.settling.finished(connection);
        return markDot(parts.db, { id: row.id, fence: row.fence, owner }, server, parts.clock.now());
      },
      serverName: server.name,
      preset: server.type,
    },
  );
  if (outcome.code === 'lease_lost') return { kind: 'lost' };
  if (outcome.code === 'stopping') return { kind: 'returned', at: parts.clock.now() };
  if (outcome.class === 'local') return { kind: 'returned', at: parts.clock.now() + RETURN_AFTER_MS };
  return {
    kind: 'attempted',
    server: { id: server.id, name: server.name },
    outcome,
    durationMs,
    connection,
    route: choice,
    bodyHash: letter.bodyHash,
  };
}
