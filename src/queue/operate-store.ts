import type { Db, Tx } from '../storage/db.ts';
import type { MessageRow } from './store.ts';

/** Which of the messages that are not final. */
export interface QueueFilter {
  workspaceId?: string | undefined;
  ids?: readonly string[] | undefined;
  /** It waits for this server, names it, or was tried there. */
  server?: string | undefined;
  /** A slug. */
  template?: string | undefined;
  /** Only what may have gone out after the backup that this database is, ms. */
  gone?: { since: number; until: number } | undefined;
}

/** Oldest first, after an id. */
export async function queuePage(
  db: Db,
  filter: QueueFilter,
  after: string,
  limit: number,
): Promise<MessageRow[]> {
  const { workspaceId, ids, server, template, gone } = filter;
  return db.read
    .selectFrom('messages')
    .selectAll()
    .where('state', 'in', ['queued', 'uncertain'])
    .where('id', '>', after)
    .$if(workspaceId !== undefined, (query) => query.where('workspace_id', '=', workspaceId!))
    .$if(ids !== undefined, (query) => query.where('id', 'in', ids!))
    .$if(template !== undefined, (query) => query.where('template_slug', '=', template!))
    .$if(server !== undefined, (query) =>
      query.where((row) =>
        row.or([
          row('lane', '=', server!),
          row('pinned_server_id', '=', server!),
          row('server_id', '=', server!),
        ]),
      ),
    )
    .$if(gone !== undefined, (query) =>
      query
        .where('state', '=', 'queued')
        .where('live', '=', 1)
        .where('created_at', '<=', gone!.since)
        .where((row) => row.or([row('send_at', 'is', null), row('send_at', '<=', gone!.until)])),
    )
    .orderBy('id')
    .limit(limit)
    .execute();
}

/** Deferred messages that nobody holds become due. @returns how many */
export async function makeDue(tx: Tx, ids: readonly string[], now: number): Promise<number> {
  if (ids.length === 0) return 0;
  const done = await tx
    .updateTable('messages')
    .set({ due_at: now })
    .where('id', 'in', ids)
    .where('state', '=', 'queued')
    .where('attempts', '>', 0)
    .where('dot_at', 'is', null)
    .where('lease_owner', 'is', null)
    .where('due_at', '>', now)
    .executeTakeFirst();
  return Number(done.numUpdatedRows);
}
