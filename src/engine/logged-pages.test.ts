import { sql } from 'kysely';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { claimKey, LEASE_MS } from '../queue/delivery.ts';
import { claim } from '../queue/queue.ts';
import { insertRows, NOON } from '../storage/testing.ts';
import { Journal } from './journal.ts';
import { accepted, full, held, heldByMe, LANE, markOf, pageOf, refused, SERVER, turns } from './testing.ts';

// A disk that refuses a flush, or is slow. It cannot be ordered for a test, so the call of the system answers as it would.
const disk = vi.hoisted(() => ({ refusals: 0, isSlow: false, waiting: [] as ((error?: Error) => void)[] }));
vi.mock(import('node:fs'), async (original) => {
  const fs = await original();
  const fdatasync = (file: number, done: (error: Error | null) => void) => {
    if (disk.refusals-- > 0) done(new Error('EIO'));
    else if (disk.isSlow) disk.waiting.push((error) => done(error ?? null));
    else fs.fdatasync(file, done);
  };
  return { ...fs, fdatasync: fdatasync as typeof fs.fdatasync };
});
beforeEach(() => {
  Object.assign(disk, { refusals: 0, isSlow: false, waiting: [] });
});

describe('what a server accepted, and a marker', () => {
  test('are on the disk before the database knows, which learns all of it a moment later', async () => {
    const { db, rows, pages, stand, stored, worked, left } = await held(2);
    const [sent, marked] = rows;
    const goOn = stand();
    const written = await pages.write(pageOf({ turns: [accepted(sent)], marks: [markOf(marked)] }));
    expect(written.settled).toEqual(new Set([claimKey(sent)]));
    expect(written.marked).toEqual(new Map([[claimKey(marked), NOON + LEASE_MS]]));
    expect((await left()).join()).toContain(sent.id);
    expect([await stored(sent), await stored(marked)]).toEqual([sent, marked]);
    goOn();
    await worked(1);
    expect(await stored(sent)).toMatchObject({
      state: 'sent',
      final_at: NOON,
      attempts: 1,
      lease_owner: null,
    });
    expect(await stored(marked)).toMatchObject({ state: 'queued', dot_at: NOON, lane: 'marked' });
    const attempts = await db.read.selectFrom('attempts').select(['message_id', 'reply', 'at']).execute();
    expect(attempts).toEqual([{ message_id: sent.id, reply: '250 OK', at: NOON }]);
    const events = await db.read.selectFrom('events').select(['type', 'message_id']).execute();
    expect(events).toEqual([{ type: 'message.sent', message_id: sent.id }]);
    const counts = await db.read.selectFrom('daily_counts').select(['word', 'count']).execute();
    expect(counts).toEqual([{ word: 'sent', count: 1 }]);
    expect(await left()).toEqual([]);
  });

  test('of one message, the marker never reaches its row', async () => {
    const { db, rows, pages, stored, worked } = await held(2);
    const [ended, open] = rows;
    await db.write(async (tx) => {
      await sql`create table seen (id text)`.execute(tx);
      await sql`create trigger watch after update of dot_at on messages when new.dot_at is not null
        begin insert into seen values (new.id); end`.execute(tx);
    });
    await pages.write(pageOf({ marks: [markOf(ended), markOf(open)] }));
    await pages.write(pageOf({ turns: [accepted(ended)] }));
    await worked(1);
    const { rows: seen } = await sql`select id from seen`.execute(db.read);
    expect(seen).toEqual([{ id: open.id }]);
    expect((await stored(ended)).state).toBe('sent');
  });

  test('a claim is not marked twice', async () => {
    const { rows, pages } = await held(2);
    const [first, second] = rows;
    await pages.write(pageOf({ marks: [markOf(first)] }));
    const { marked } = await pages.write(pageOf({ marks: [markOf(first), markOf(second)] }));
    expect([...marked.keys()]).toEqual([claimKey(second)]);
  });
});

describe('what others act on is stored in the database', () => {
  test('a refusal: after all that the log holds', async () => {
    const { rows, pages, stored, left } = await held(2);
    const [sent, bounced] = rows;
    await pages.write(pageOf({ turns: [accepted(sent)] }));
    await pages.write(pageOf({ turns: [refused(bounced)] }));
    expect((await stored(bounced)).state).toBe('failed');
    expect((await stored(sent)).state).toBe('sent');
    expect(await left()).toEqual([]);
  });

  test('and what comes meanwhile waits for it', async () => {
    const { rows, pages, stand, left } = await held(2);
    const goOn = stand();
    const ends: string[] = [];
    const both = [
      pages.write(pageOf({ turns: [refused(rows[0])] })).then(() => ends.push('refusal')),
      pages.write(pageOf({ turns: [accepted(rows[1])] })).then(() => ends.push('outcome')),
    ];
    await turns(3);
    expect(await left()).toEqual([]);
    goOn();
    await Promise.all(both);
    expect(ends).toEqual(['refusal', 'outcome']);
  });

  test('a marker and an outcome whose lease ends soon', async () => {
    const { rows, pages, clock, stored, left } = await held(2);
    clock.advance(LEASE_MS / 2 + 1);
    const now = clock.now();
    await pages.write(pageOf({ now, marks: [markOf(rows[0])] }));
    expect((await stored(rows[0])).dot_at).toBe(now);
    await pages.write(pageOf({ now, turns: [accepted(rows[1])] }));
    expect((await stored(rows[1])).state).toBe('sent');
    expect(await left()).toEqual([]);
  });

  test('so who lost a lease is told', async () => {
    const { db, rows, pages, clock, stored } = await held(2);
    clock.advance(LEASE_MS);
    const now = clock.now();
    await claim(db, LANE, 'other', now, { urgent: 2, others: 2 });
    const written = await pages.write(pageOf({ now, turns: [accepted(rows[0])], marks: [markOf(rows[1])] }));
    expect([written.settled.size, written.marked.size]).toEqual([0, 0]);
    expect(await stored(rows[0])).toMatchObject({ lease_owner: 'other', state: 'queued' });
  });

  test.each([
    ['by another', 'other'],
    ['and taken again by the same worker', 'me'],
  ])('a lease that was lost, %s, is not renewed, and its marker is refused', async (_, owner) => {
    const { db, rows, pages, clock, left } = await held(1);
    const [row] = rows;
    const journal = new Journal(pages, clock, 'me');
    clock.advance(LEASE_MS);
    await claim(db, LANE, owner, clock.now(), { urgent: 1, others: 1 });
    await journal.renew([row]);
    expect(await journal.mark(row, SERVER, 'hash')).toBe(false);
    expect(await left()).toEqual([]);
  });

  test('a lease that was renewed lasts: its marker goes to the log again', async () => {
    const { rows, pages, clock, stored, left } = await held(1);
    const [row] = rows;
    const journal = new Journal(pages, clock, 'me');
    clock.advance(LEASE_MS - 1);
    await journal.renew([row]);
    expect((await stored(row)).due_at).toBe(clock.now() + LEASE_MS);
    expect(await journal.mark(row, SERVER, 'hash')).toBe(true);
    expect(await left()).toHaveLength(1);
  });
});

describe('a page that was under way behind one that failed', () => {
  test('is not answered with yes when the flush of that one failed', async () => {
    const { rows, pages, stored, worked } = await held(2);
    const [outcome, next] = rows;
    disk.isSlow = true;
    const first = pages.write(pageOf({ turns: [accepted(outcome)] }));
    const second = pages.write(pageOf({ marks: [markOf(next)] }));
    disk.isSlow = false;
    const ends = Promise.allSettled([first, second]);
    disk.waiting[0]!(new Error('EIO'));
    disk.waiting[1]!();
    expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    // It may be on the disk, so the database learns it; and from now on all goes there.
    await worked(1);
    expect((await stored(outcome)).state).toBe('sent');
  });

  test('is not written when that one could not be stored: it may be the outcome before its marker', async () => {
    const { rows, pages, state, left } = await held(2);
    const [outcome, next] = rows;
    state.error = full;
    const ends = await Promise.allSettled([
      pages.write(pageOf({ turns: [refused(outcome)] })),
      pages.write(pageOf({ marks: [markOf(next)] })),
    ]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await left()).toEqual([]);
    state.error = undefined;
    expect((await pages.write(pageOf({ marks: [markOf(next)] }))).marked.size).toBe(1);
  });

  test('and no marker that was with an outcome on a page whose flush failed lets its dot leave', async () => {
    const { rows, pages, clock, stored } = await held(3);
    const [sent, next, later] = rows;
    const journal = new Journal(pages, clock, 'me');
    disk.refusals = 1;
    const both = [journal.settle(accepted(sent)), journal.mark(next, SERVER, 'hash')];
    const [, marker] = await Promise.allSettled(both);
    expect(marker!.status).toBe('rejected');
    expect((await stored(sent)).state).toBe('sent');
    // All goes to the database from now on.
    expect(await journal.mark(later, SERVER, 'hash')).toBe(true);
    expect((await stored(later)).dot_at).toBe(NOON);
  });
});

test('a claim is on the disk before anybody has it: in the log its marker may be, before all else', async () => {
  const { db } = await heldByMe(0);
  await insertRows(db, {});
  disk.isSlow = true;
  let isTold = false;
  const claimed = claim(db, LANE, 'me', NOON, { urgent: 1, others: 1 }).finally(() => {
    isTold = true;
  });
  while (disk.waiting.length === 0 && !isTold) await turns(1);
  expect(isTold).toBe(false);
  disk.isSlow = false;
  disk.waiting.shift()!();
  expect(await claimed).toHaveLength(1);
});
