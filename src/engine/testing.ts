import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { armFailPoints } from '../failpoint.ts';
import { createLog } from '../log.ts';
import { unroutedLane } from '../queue/delivery.ts';
import { claim, type Mark, type MessageRow } from '../queue/queue.ts';
import { ROUTE, storeServer } from '../servers/testing.ts';
import { readLog } from '../storage/append-log.ts';
import type { Db } from '../storage/db.ts';
import { readSetting } from '../storage/settings.ts';
import { insertRows, insertWorkspace, NOON, storedRow, testDb, testFolder } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { classify } from '../transport/classify.ts';
import { LoggedPages } from './logged-pages.ts';
import type { Turn } from './next-state.ts';
import type { Page } from './page.ts';

export const log = createLog('silent');
export const SERVER = { id: 'srv_1', name: 'One' };
const CONTEXT = { server: 'One', host: 'mail.example.com', port: 587 };
export const LANE = unroutedLane('wsp_test');

const replied = (row: MessageRow, code: number, text: string, at = NOON): Turn => ({
  row,
  at,
  random: 0.5,
  verdict: {
    kind: 'attempted',
    server: SERVER,
    outcome: classify({ stage: 'dot', reply: { code, lines: [text] }, context: CONTEXT }),
    durationMs: 3,
    route: ROUTE,
    bodyHash: 'hash',
  },
});
export const accepted = (row: MessageRow, text = 'OK') => replied(row, 250, text);
/** For good, and not for its recipient's sake. */
export const refused = (row: MessageRow) => replied(row, 554, '5.7.1 No');
export const markOf = ({ id, fence, due_at: until }: MessageRow, owner = 'me'): Mark => ({
  id,
  fence,
  owner,
  until,
  serverId: SERVER.id,
  serverName: SERVER.name,
  bodyHash: 'hash',
});
export const pageOf = (parts: Partial<Page>): Page => ({
  owner: 'me',
  now: NOON,
  turns: [],
  marks: [],
  renewals: [],
  observed: new Map(),
  ...parts,
});

/** A database that can be made to stand still, or to refuse. */
export function unsteady(db: Db) {
  const state = { error: undefined as Error | undefined, open: Promise.resolve(), tries: 0 };
  const write: Db['write'] = async (work, options) => {
    state.tries++;
    await state.open;
    if (state.error) throw state.error;
    return db.write(work, options);
  };
  return { db: { ...db, write }, state };
}

/** So many messages that the worker `me` holds, in a database of their own. */
export async function heldByMe(count: number) {
  const folder = testFolder();
  const db = await testDb(folder);
  await insertWorkspace(db);
  await storeServer(db, SERVER);
  await insertRows(db, ...Array.from({ length: count }, () => ({})));
  const rows = await claim(db, LANE, 'me', NOON, { urgent: count, others: count });
  return { folder, db, rows: rows as [MessageRow, MessageRow, MessageRow, MessageRow] };
}

export function stored(db: Db, { id }: Pick<MessageRow, 'id'>): Promise<MessageRow> {
  return storedRow(db, id);
}

/** Messages that this worker holds, and the pages of its log. */
export async function held(count: number) {
  armFailPoints({ strikes: [], without: [], waits: { return: 1 } }); // tried again at once
  onTestFinished(() => armFailPoints(undefined));
  const { folder, db, rows } = await heldByMe(count);
  const clock = new FakeClock(NOON);
  const { db: shaky, state } = unsteady(db);
  const told: string[] = [];
  let onTold = (): void => {};
  const onStored = (ids: readonly string[]) => {
    told.push(...ids);
    onTold();
  };
  const pages = (await LoggedPages.open({ db: shaky, clock, log, folder, onStored }))!;
  let isClosed = false;
  const close = async () => {
    isClosed = true;
    await pages.close();
  };
  onTestFinished(() => (isClosed ? undefined : close()));
  const path = join(folder, readdirSync(folder).find((name) => name.endsWith('.log'))!);
  return {
    folder,
    db,
    /** The same, as the pages see it. */
    shaky,
    state,
    rows,
    clock,
    pages,
    close,
    /** Lets the database stand still. @returns what lets it go on */
    stand(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      state.open = promise;
      return resolve;
    },
    /** Resolves when the database knows the ends of so many messages. */
    async worked(ends: number): Promise<void> {
      while (told.length < ends)
        await new Promise<void>((resolve) => {
          onTold = resolve;
        });
    },
    /** What the next start would find. */
    async left(): Promise<string[]> {
      const [, last] = (await readSetting(db, 'journal_log'))!.split(' ');
      return (await readLog(path, Number(last)))!;
    },
    stored: (row: MessageRow) => stored(db, row),
  };
}

/** As SQLite says it. */
export const full = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
/** So many turns of the event loop. */
export const turns = async (count: number) => {
  for (let at = 0; at < count; at++) await new Promise((turn) => setImmediate(turn));
};
