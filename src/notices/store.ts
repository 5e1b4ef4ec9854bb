import { type Selectable, sql } from 'kysely';
import type { Db, Tx } from '../storage/db.ts';
import { forUpdate } from '../storage/lease.ts';
import type { Schema } from '../storage/schema.ts';
import type { Notice, NoticeGroup, NoticeKind } from './notice.ts';

export interface RaisedNotice extends NoticeGroup {
  id: string;
  name: string | null;
  reason: string | null;
  count: number;
  at: number;
  /** A notice that was seen after this time stays seen. */
  seenBefore: number;
}

/** One row for each group. An open one counts on; one seen before `seenBefore` is opened anew; else it stays. */
export async function raiseNotice(tx: Tx, raised: RaisedNotice): Promise<void> {
  const open = sql`notices.seen_at is null`;
  await tx
    .insertInto('notices')
    .values({
      id: raised.id,
      workspace_id: raised.workspaceId,
      kind: raised.kind,
      subject: raised.subject,
      count: raised.count,
      name: raised.name,
      reason: raised.reason,
      first_at: raised.at,
      last_at: raised.at,
      seen_at: null,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['workspace_id', 'kind', 'subject'])
        .doUpdateSet({
          id: sql<string>`case when ${open} then notices.id else excluded.id end`,
          count: sql<number>`case when ${open} then notices.count + excluded.count else excluded.count end`,
          first_at: sql<number>`case when ${open} then notices.first_at else excluded.first_at end`,
          last_at: sql<number>`excluded.last_at`,
          name: sql<string | null>`excluded.name`,
          reason: sql<string | null>`excluded.reason`,
          seen_at: null,
        })
        .where(sql<boolean>`(${open} or notices.seen_at <= ${raised.seenBefore})`),
    )
    .execute();
}

/** Nobody else raises or closes it until the transaction ends. */
export async function holdNotice(tx: Tx, group: NoticeGroup): Promise<void> {
  await tx
    .selectFrom('notices')
    .select('id')
    .where('workspace_id', '=', group.workspaceId)
    .where('kind', '=', group.kind)
    .where('subject', '=', group.subject)
    .modifyEnd(forUpdate(tx))
    .execute();
}

export async function closeNotice(tx: Tx, group: NoticeGroup, now: number): Promise<void> {
  await tx
    .updateTable('notices')
    .set({ seen_at: now })
    .where('workspace_id', '=', group.workspaceId)
    .where('kind', '=', group.kind)
    .where('subject', '=', group.subject)
    .where('seen_at', 'is', null)
    .execute();
}

/** @returns false when the workspace has no such notice */
export async function markSeen(tx: Tx, workspaceId: string, id: string, now: number): Promise<boolean> {
  const done = await tx
    .updateTable('notices')
    .set({ seen_at: sql<number>`coalesce(seen_at, ${now})` })
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

/** Open ones first, then the last news first. There are few: one for each group. */
export async function noticesOf(db: Db, workspaceId: string, limit: number): Promise<Notice[]> {
  const rows = await db.read
    .selectFrom('notices')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .orderBy(sql`case when seen_at is null then 0 else 1 end`)
    .orderBy('last_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(noticeOf);
}

/** Open notices with news since the last mail of their kind, where that mail is older than `mailedBefore`. */
export async function unmailedNotices(db: Db, mailedBefore: number): Promise<Notice[]> {
  const rows = await db.read
    .selectFrom('notices')
    .leftJoin('notice_mails', (join) =>
      join
        .onRef('notice_mails.workspace_id', '=', 'notices.workspace_id')
        .onRef('notice_mails.kind', '=', 'notices.kind'),
    )
    .selectAll('notices')
    .where('notices.seen_at', 'is', null)
    .where(
      sql<boolean>`(notice_mails.mailed_at is null or (notice_mails.mailed_at <= ${mailedBefore} and notice_mails.mailed_at < notices.last_at))`,
    )
    .orderBy('notices.last_at')
    .execute();
  return rows.map(noticeOf);
}

/** Takes the turn to mail a kind: of several processes one gets it. @returns false when another has it */
export async function takeMailTurn(
  tx: Tx,
  workspaceId: string,
  kind: NoticeKind,
  now: number,
  mailedBefore: number,
): Promise<boolean> {
  const done = await tx
    .insertInto('notice_mails')
    .values({ workspace_id: workspaceId, kind, mailed_at: now })
    .onConflict((conflict) =>
      conflict
        .columns(['workspace_id', 'kind'])
        .doUpdateSet({ mailed_at: now })
        .where('notice_mails.mailed_at', '<=', mailedBefore),
    )
    .executeTakeFirst();
  return (done.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** The mail did not go out: the kind is mailed as if its turn had not been taken. */
export async function giveBackMailTurn(
  tx: Tx,
  workspaceId: string,
  kind: NoticeKind,
  takenAt: number,
): Promise<void> {
  await tx
    .deleteFrom('notice_mails')
    .where('workspace_id', '=', workspaceId)
    .where('kind', '=', kind)
    .where('mailed_at', '=', takenAt)
    .execute();
}

function noticeOf(row: Selectable<Schema['notices']>): Notice {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    kind: row.kind as NoticeKind,
    subject: row.subject,
    count: row.count,
    name: row.name,
    reason: row.reason,
    firstAt: row.first_at,
    lastAt: row.last_at,
    seenAt: row.seen_at,
  };
}
