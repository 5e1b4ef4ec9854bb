import { audit, recordEvents } from '../events/record.ts';
import { endRest } from '../servers/health-record.ts';
import { listAllServers } from '../servers/servers.ts';
import { count } from '../statistics/count.ts';
import { dayOf, type Tally } from '../statistics/statistic.ts';
import type { Db } from '../storage/db.ts';
import { type Status, statusOf } from './delivery.ts';
import { makeDue, type QueueFilter, queuePage } from './operate-store.ts';
import type { Operator, Pause } from './pause.ts';
import { changeIdle, type MessageRow } from './queue.ts';

export type { QueueFilter } from './operate-store.ts';

/** Rows of one short transaction: an operator's command never holds the writer for long. */
const AT_ONCE = 200;

export interface Queued {
  row: MessageRow;
  status: Status;
}

/** What is not final, oldest first; read in pages, so any number of messages fits. */
export async function* queued(
  db: Db,
  filter: QueueFilter,
  statuses: readonly string[],
  now: number,
): AsyncGenerator<Queued> {
  let after = '';
  for (;;) {
    const rows = await queuePage(db, filter, after, AT_ONCE);
    for (const row of rows) {
      const status = statusOf(
        {
          state: row.state,
          dueAt: row.due_at,
          leaseOwner: row.lease_owner,
          attempts: row.attempts,
          sendAt: row.send_at,
        },
        now,
      );
      if (statuses.length === 0 || statuses.includes(status)) yield { row, status };
    }
    if (rows.length < AT_ONCE) return;
    after = rows.at(-1)!.id;
  }
}

/** What a restored database may hold as queued although it went out; none where nothing was restored. */
export function goneFilter(pause: Pause | undefined): QueueFilter['gone'] {
  return pause?.code === 'restored' && pause.until !== undefined
    ? { since: pause.since, until: pause.until }
    : undefined;
}

/** Deferred messages are due now. @returns how many */
export async function retryMessages(
  db: Db,
  operator: Operator,
  filter: QueueFilter,
  now: number,
): Promise<number> {
  let retried = 0;
  await inGroups(queued(db, filter, ['deferred'], now), async (group) => {
    retried += await db.write(async (tx) => {
      const done = await makeDue(
        tx,
        group.map(({ row }) => row.id),
        now,
      );
      if (done > 0)
        await audit(
          tx,
          { id: operator.id, workspaceId: operator.workspaceId ?? '' },
          'queue.retried',
          'messages',
          { messages: done },
          now,
        );
      return done;
    });
  });
  return retried;
}

/** Servers that wait are asked again now, each with one message first. @returns their names */
export async function endRests(
  db: Db,
  operator: Operator,
  wanted: { workspaceId?: string | undefined; server?: string | undefined },
  now: number,
): Promise<string[]> {
  const resting = (await listAllServers(db)).filter(
    (server) =>
      (wanted.workspaceId === undefined || server.workspaceId === wanted.workspaceId) &&
      (wanted.server === undefined || server.id === wanted.server) &&
      (server.health.waitingUntil ?? 0) > now,
  );
  for (const server of resting)
    await db.write(async (tx) => {
      await endRest(tx, server.id, now);
      const actor = { id: operator.id, workspaceId: server.workspaceId };
      await audit(tx, actor, 'server.rest_ended', server.id, { name: server.name }, now);
    });
  return resting.map((server) => server.name);
}

const MAY_HAVE_GONE =
  'The database was restored from a backup, and this message may have gone out after it was made. It is not sent again on our own.';

/** After a restore: what may have gone out waits for evidence or a person, instead of going out again. @returns how many */
export async function doubtGone(db: Db, operator: Operator, pause: Pause, now: number): Promise<number> {
  const gone = goneFilter(pause);
  if (gone === undefined) return 0;
  let doubted = 0;
  await inGroups(queued(db, { gone }, [], now), async (group) => {
    await db.write(async (tx) => {
      const tallies: Tally[] = [];
      for (const { row } of group) {
        const change = { state: 'uncertain', code: 'restored', reason: MAY_HAVE_GONE };
        if (!(await changeIdle(tx, row.workspace_id, row.id, 'queued', now, change))) continue;
        const about = { workspaceId: row.workspace_id, messageId: row.id, at: now };
        await recordEvents(tx, [{ ...about, type: 'message.uncertain', detail: { code: 'restored' } }]);
        await audit(
          tx,
          { id: operator.id, workspaceId: row.workspace_id },
          'message.doubted',
          row.id,
          {},
          now,
        );
        tallies.push({
          workspaceId: row.workspace_id,
          day: dayOf(now),
          serverId: row.server_id ?? '',
          word: 'uncertain',
        });
      }
      await count(tx, tallies);
      doubted += tallies.length;
    });
  });
  return doubted;
}

async function inGroups<T>(source: AsyncGenerator<T>, work: (group: T[]) => Promise<void>): Promise<void> {
  let group: T[] = [];
  for await (const one of source) {
    group.push(one);
    if (group.length < AT_ONCE) continue;
    await work(group);
    group = [];
  }
  if (group.length > 0) await work(group);
}
