import { blamesServer } from '../servers/health.ts';
import type { Tx } from '../storage/db.ts';
import type { Outcome } from '../transport/outcome.ts';
import type { NoticeKind } from './notice.ts';
import { notify } from './notify.ts';

// What settling a message tells the owner: called in its transaction, last.

/** Outcomes of a server that somebody has to ask others about, though the server only defers. */
const BLOCKLISTED = new Set(['blocklisted']);

/** An outcome that says of its server that a person is needed. One that refuses a single From says nothing of the server. */
export async function tellOfServer(
  tx: Tx,
  server: { id: string; name: string; workspaceId: string },
  outcome: Outcome,
  now: number,
): Promise<void> {
  const kind = serverKind(outcome);
  if (!kind) return;
  const { id: subject, name, workspaceId } = server;
  await notify(tx, { workspaceId, kind, subject, name, reason: outcome.message, at: now });
}

function serverKind(outcome: Outcome): NoticeKind | undefined {
  if (BLOCKLISTED.has(outcome.code)) return 'server_blocklisted';
  return outcome.class === 'server_attention' && blamesServer(outcome) ? 'server_attention' : undefined;
}

/** How a message's turn ended, as the row says it. */
export interface Ended {
  workspaceId: string;
  state: string | undefined;
  /** 0 is high. */
  priority: number;
  serverName: string | null;
  reason: string | null;
}

/** Messages that are held uncertain, and those of high priority that came too late: one notice for each kind. */
export async function tellOfMessages(tx: Tx, ended: readonly Ended[], now: number): Promise<void> {
  const groups = new Map<string, { kind: NoticeKind; all: Ended[] }>();
  for (const one of ended) {
    const kind = messageKind(one);
    if (!kind) continue;
    const key = `${one.workspaceId} ${kind}`;
    const group = groups.get(key) ?? { kind, all: [] };
    group.all.push(one);
    groups.set(key, group);
  }
  // In one order everywhere, so that two transactions never wait for each other's row.
  for (const [, { kind, all }] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { workspaceId, serverName: name, reason } = all.at(-1)!;
    await notify(tx, { workspaceId, kind, subject: '', name, reason, count: all.length, at: now });
  }
}

function messageKind({ state, priority }: Ended): NoticeKind | undefined {
  if (state === 'uncertain') return 'message_uncertain';
  return state === 'expired' && priority === 0 ? 'priority_expired' : undefined;
}
