import type { NewAttempt } from '../queue/queue.ts';
import type { Turn } from './next-state.ts';

/** The attempt that a turn leaves in the record; undefined when nothing was tried. */
export function attemptOf({ row, verdict, at }: Turn): NewAttempt | undefined {
  const common = { messageId: row.id, fence: row.fence, workspaceId: row.workspace_id };
  if (verdict.kind === 'attempted') {
    const { outcome, server, durationMs } = verdict;
    return {
      ...common,
      at,
      serverId: server?.id ?? null,
      serverName: server?.name ?? null,
      stage: outcome.stage,
      outcome: outcome.class,
      code: outcome.code,
      reply: outcome.reply ?? null,
      reason: outcome.message,
      durationMs: Math.round(durationMs),
    };
  }
  if (verdict.kind === 'rescued') {
    return {
      ...common,
      at: row.dot_at ?? at,
      serverId: row.server_id,
      serverName: row.server_name,
      stage: 'dot',
      outcome: 'uncertain',
      code: 'uncertain',
      reply: null,
      reason: verdict.reason,
      durationMs: 0,
    };
  }
  return undefined;
}
