import { describe, expect, test } from 'vitest';
import { ENGINES, NOON, testDb, testFolder } from '../storage/testing.ts';
import { slowDown, type Tokens, takeTokens } from './pace.ts';
import type { Server } from './server.ts';
import { removeServer } from './servers.ts';
import { storeServer } from './testing.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

describe.each(ENGINES)('on $engine', ({ open }) => {
  /** A server, and workers on the same database. */
  async function setting(changed: Partial<Server> = {}, workers = 1) {
    const place = testFolder();
    const first = await testDb(place, open);
    await first.write((tx) =>
      tx
        .insertInto('workspaces')
        .values({ id: 'wsp_test', name: 'Test', routing: 'random', default_from: null, created_at: NOON })
        .execute(),
    );
    await storeServer(first, { id: 'srv_1', ...changed });
    const others = Array.from({ length: workers - 1 }, () => testDb(place, open));
    const dbs = [first, ...(await Promise.all(others))];
    return {
      take: (wanted: number, at = 0, worker = 0, unused = 0): Promise<Tokens> =>
        dbs[worker]!.write((tx) =>
          takeTokens(tx, 'srv_1', wanted, NOON + at, { count: unused, takenAt: NOON }),
        ),
      slow: (reply: string | undefined, observed: number | null, at = 0) =>
        first.write((tx) => slowDown(tx, 'srv_1', { reply, observed }, NOON + at)),
      remove: () => first.write((tx) => removeServer(tx, 'wsp_test', 'srv_1')),
      pieces: async () =>
        await first.read.selectFrom('server_usage').select(['span', 'used']).orderBy('span').execute(),
    };
  }

  test('a server without limits takes all that is wanted', async () => {
    const { take } = await setting();
    expect(await take(250)).toEqual({ granted: 250, nextAt: null });
  });

  test('a server that was removed takes nothing', async () => {
    const { take, remove, pieces } = await setting({ limits: { perDay: 100 } });
    await take(5);
    expect(await remove()).toBe(true);
    expect(await take(5)).toEqual({ granted: 0, nextAt: null });
    expect(await pieces()).toEqual([]);
  });

  test('ten workers that ask at once get the second of one', async () => {
    const { take } = await setting({ limits: { perSecond: 100 } }, 10);
    const asked = await Promise.all(Array.from({ length: 10 }, (_, worker) => take(100, 0, worker)));
    const granted = asked.reduce((sum, one) => sum + one.granted, 0);
    expect(granted).toBe(1); // the bucket of a server that was never used holds one token
    let total = granted;
    for (let at = 0; at < SECOND; at += 50) {
      const more = await Promise.all(Array.from({ length: 10 }, (_, worker) => take(100, at, worker)));
      total += more.reduce((sum, one) => sum + one.granted, 0);
    }
    expect(total).toBeGreaterThan(85);
    expect(total).toBeLessThanOrEqual(100);
  });

  test('says when it is worth asking again', async () => {
    const { take } = await setting({ limits: { perSecond: 1 } });
    expect((await take(1)).granted).toBe(1);
    const { granted, nextAt } = await take(1, 10);
    expect(granted).toBe(0);
    expect((await take(1, nextAt! - NOON)).granted).toBe(1);
  });

  test('a limit of the day holds for all workers, and for what they ask at the same moment', async () => {
    const { take, pieces } = await setting({ limits: { perMinute: 30, perDay: 40 } }, 3);
    const asked = await Promise.all([take(20, 0, 0), take(20, 0, 1), take(20, 0, 2)]);
    expect(asked.reduce((sum, one) => sum + one.granted, 0)).toBe(30);
    expect((await take(20, 2 * MINUTE)).granted).toBe(10);
    const full = await take(20, 4 * MINUTE);
    expect(full).toEqual({ granted: 0, nextAt: NOON + 25 * 60 * MINUTE });
    expect((await take(20, full.nextAt! - NOON)).granted).toBe(20);
    expect(await pieces()).toEqual([
      { span: 'perDay', used: 20 },
      { span: 'perMinute', used: 20 },
    ]);
  });

  test('tokens that were not used do not count', async () => {
    const { take, pieces } = await setting({ limits: { perDay: 10 } });
    expect((await take(8)).granted).toBe(8);
    expect((await take(8, 60 * MINUTE, 0, 5)).granted).toBe(7);
    expect((await pieces()).map((one) => one.used)).toEqual([3, 7]);
  });

  test('a server that asked to slow down is given half, and a tenth more each minute', async () => {
    const { take, slow } = await setting();
    await slow('454 Throttling failure: Maximum sending rate exceeded.', 20);
    expect((await take(100)).granted).toBe(0); // it has had enough for now
    expect(await inSecond(take, 0)).toBe(9); // of ten: the bucket was empty
    expect(await inSecond(take, MINUTE)).toBe(11);
    expect(await inSecond(take, 2 * MINUTE)).toBe(12);
  });

  test('refusals that arrive together slow it down once', async () => {
    const { take, slow } = await setting();
    for (let at = 0; at < 5; at++) await slow('450 4.7.1 slow down', 20, at);
    expect(await inSecond(take, 0)).toBe(9); // of ten: the bucket was empty
  });
});

/** How many messages go in a second to somebody who asks again when told to. */
async function inSecond(
  take: (wanted: number, at: number) => Promise<Tokens>,
  from: number,
): Promise<number> {
  let total = 0;
  for (let at = from; at <= from + SECOND; ) {
    const { granted, nextAt } = await take(100, at);
    total += granted;
    at = nextAt! - NOON;
  }
  return total;
}
