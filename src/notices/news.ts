import { blamesServer } from '../servers/health.ts';
import type { Tx } from '../storage/db.ts';
import type { Outcome } from '../transport/outcome.ts';
import type { NoticeGroup, NoticeKind } from './notice.ts';
import { notify } from './notify.ts';

// What settling messages tells the owner: called in its transaction, last; servers before messages, so that two
// transactions never wait for each other's row.

/** Outcomes of a server that somebody has to ask others about, though the server only defers. */
const BLOCKLISTED = new Set(['blocklisted']);

/** An attempt at a server. */
export interface Attempted {
  id: string;
  name: string;
  workspaceId: string;
  outcome: Outcome;
}

/** Servers that need a person. An outcome that refuses a single From says nothing of the server. */
export function tellOfServers(tx: Tx, attempts: readonly Attempted[], now: number): Promise<void> {
  return tell(
    tx,
    attempts.flatMap(({ id: subject, name, workspaceId, outcome }) => {
      const kind = serverKind(outcome);
      return kind ? [{ workspaceId, kind, subject, name, reason: outcome.message }] : [];
    }),
    now,
  );
}

function serverKind(outcome: Outcome): NoticeKind | undefined {
  if (BLOCKLISTED.has(outcome.code)) return 'server_blocklisted';
  return outcome.class === 'server_attention' && blamesServer(outcome) ? 'server_attention' : undefined;
}

/** How a message's turn ended. */
export interface Ended {
  workspaceId: string;
  state: string;
  /** 0 is high. */
  priority: number;
  serverName: string | null;
  reason: string | null;
}

/** Messages that are held uncertain, and those of high priority that came too late. */
export function tellOfMessages(tx: Tx, ended: readonly Ended[], now: number): Promise<void> {
  return tell(
    tx,
    ended.flatMap((one) => {
      const { workspaceId, serverName: name, reason } = one;
      const kind = messageKind(one);
      return kind ? [{ workspaceId, kind, subject: '', name, reason }] : [];
    }),
    now,
  );
}

function messageKind({ state, priority }: Ended): NoticeKind | undefined {
  if (state === 'uncertain') return 'message_uncertain';
  return state === 'expired' && priority === 0 ? 'priority_expired' : undefined;
}

type Happened = NoticeGroup & { name: string | null; reason: string | null };

/** One notice for each group, with the last of its reasons; the groups in an order that is the same everywhere. */
async function tell(tx: Tx, happened: readonly Happened[], now: number): Promise<void> {
  const groups = Map.groupBy(happened, (one) => `${one.workspaceId} ${one.kind} ${one.subject}`);
  for (const key of [...groups.keys()].sort()) {
    const group = groups.get(key)!;
    await notify(tx, { ...group.at(-1)!, count: group.length, at: now });
  }
}
