import { notFound } from '../errors.ts';
import { newId } from '../ids.ts';
import { listServers } from '../servers/servers.ts';
import type { Db, Tx } from '../storage/db.ts';
import { isAboutServer, type Notice, type NoticeGroup, QUIET_AFTER_SEEN_MS } from './notice.ts';
import { closeNotice, holdNotice, markSeen, noticesOf, raiseNotice } from './store.ts';

/** What happened. `count` is 1 unless several happened in this transaction. */
export interface News extends NoticeGroup {
  name?: string | null;
  reason?: string | null;
  count?: number;
  at: number;
}

/**
 * Tells the owner, in the transaction in which it became true; the last statement there, since many transactions may
 * meet at the row of one group. An open notice counts on; one that was seen is opened anew.
 */
export function notify(tx: Tx, { name = null, reason = null, count = 1, ...news }: News): Promise<void> {
  const quiet = QUIET_AFTER_SEEN_MS[news.kind];
  return raiseNotice(tx, {
    ...news,
    id: newId('ntc', news.at),
    name,
    reason,
    count,
    seenBefore: quiet === undefined ? Number.MAX_SAFE_INTEGER : news.at - quiet,
  });
}

/**
 * Closes the notice when what it told is no longer so: nobody has to look at it. `isOver` is asked when nobody else can
 * raise or close it any more, so that what they wrote before is seen, and what they write later opens it anew.
 */
export async function closeIfOver(
  tx: Tx,
  group: NoticeGroup,
  now: number,
  isOver: () => Promise<boolean>,
): Promise<void> {
  await holdNotice(tx, group);
  if (await isOver()) await closeNotice(tx, group, now);
}

export interface ListedNotice extends Notice {
  /** What it tells is no longer so: the server is well again, or gone. */
  over: boolean;
}

/** More than the servers that anybody connects. */
const MOST = 200;

/** Open ones first, then the last news first. */
export async function listNotices(db: Db, workspaceId: string): Promise<ListedNotice[]> {
  const notices = await noticesOf(db, workspaceId, MOST);
  const aboutServers = notices.some(isAboutServer);
  const servers = aboutServers ? await listServers(db, workspaceId) : [];
  const unwell = new Set(servers.filter((one) => one.health.waitingUntil !== null).map((one) => one.id));
  return notices.map((one) => ({ ...one, over: isAboutServer(one) && !unwell.has(one.subject) }));
}

/** How many wait for somebody to read them. */
export async function countOpenNotices(db: Db, workspaceId: string): Promise<number> {
  return (await listNotices(db, workspaceId)).filter((one) => one.seenAt === null && !one.over).length;
}

/** A person has read it. Reading twice is no error. @throws AppError notice_not_found (404) */
export async function noticeSeen(db: Db, workspaceId: string, id: string, now: number): Promise<void> {
  if (!(await db.write((tx) => markSeen(tx, workspaceId, id, now))))
    throw notFound('notice', `There is no notice ${id.slice(0, 40)} in this workspace.`);
}
