import { recordEvents } from '../events/record.ts';
import { forgetOldKeys } from '../messages/idempotency.ts';
import { tellOfMessages } from '../notices/news.ts';
import { changeIdle, expire, type MessageRow } from '../queue/queue.ts';
import { count } from '../statistics/count.ts';
import { dayOf } from '../statistics/statistic.ts';
import type { Db, Tx } from '../storage/db.ts';
import { expiredReason } from './deliver.ts';

const SWEEP_EVERY_MS = 5_000;

/** Ends what has waited too long, wherever it stands, and forgets what nobody needs any more. */
export class Sweeper {
  readonly #db: Db;
  #lastSweep = Number.NEGATIVE_INFINITY;

  constructor(db: Db) {
    this.#db = db;
  }

  /** @returns the ids of what it ended */
  async sweep(now: number): Promise<string[]> {
    if (now - this.#lastSweep < SWEEP_EVERY_MS) return [];
    this.#lastSweep = now;
    return this.#db.write(async (tx) => {
      const rows = await expire(tx, now);
      await forgetOldKeys(tx, now);
      await recordExpired(tx, rows, now);
      return rows.map((row) => row.id);
    });
  }
}

async function recordExpired(tx: Tx, rows: readonly MessageRow[], now: number): Promise<void> {
  if (rows.length === 0) return;
  for (const row of rows)
    await changeIdle(tx, row.workspace_id, row.id, 'expired', now, {
      code: 'expired',
      reason: expiredReason(row),
    });
  const news = (row: MessageRow) => ({
    workspaceId: row.workspace_id,
    type: 'message.expired' as const,
    messageId: row.id,
    at: now,
  });
  await recordEvents(tx, rows.map(news));
  await count(
    tx,
    rows.map((row) => ({
      workspaceId: row.workspace_id,
      day: dayOf(now),
      serverId: row.server_id ?? '',
      word: 'expired',
    })),
  );
  await tellOfMessages(
    tx,
    rows.map((row) => ({
      workspaceId: row.workspace_id,
      state: 'expired',
      priority: row.priority,
      serverName: row.server_name,
      reason: expiredReason(row),
    })),
    now,
  );
}
