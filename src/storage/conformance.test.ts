import { describe, expect, test } from 'vitest';
import { LEASE_MS } from '../queue/delivery.ts';
import {
  changeIdle,
  claim,
  expire,
  freeAllLeases,
  type Hold,
  lanes,
  type MessageRow,
  markDot,
  release,
  renew,
  reroute,
} from '../queue/queue.ts';
import type { Db } from './db.ts';
import { ENGINES, insertRows, NOON, testDb, testFolder } from './testing.ts';

const SERVER = { id: 'srv_1', name: 'One' };

describe.each(ENGINES)('$engine', ({ open }) => {
  const fresh = () => testDb(testFolder(), open);

  describe('a transaction', () => {
    const put = (db: Db, name: string, value = '') =>
      db.write(async (tx) => {
        await tx.insertInto('settings').values({ name, value }).execute();
        return name;
      });
    const names = async (db: Db) =>
      (await db.read.selectFrom('settings').select('name').orderBy('name').execute()).map((row) => row.name);

    test('resolves with its value, only when others can see what it wrote', async () => {
      const place = testFolder();
      const db = await testDb(place, open);
      const other = await testDb(place, open);
      const seen = await Promise.all(
        ['a', 'b', 'c'].map(async (name) => ({ name: await put(db, name), seen: await names(other) })),
      );
      for (const one of seen) expect(one.seen).toContain(one.name);
    });

    test('is not seen by reads before its commit', async () => {
      const db = await fresh();
      const during = await db.write(async (tx) => {
        await tx.insertInto('settings').values({ name: 'a', value: '' }).execute();
        const inside = await tx.selectFrom('settings').select('name').execute();
        return { inside: inside.length, outside: (await names(db)).length };
      });
      expect(during).toEqual({ inside: 1, outside: 0 });
      expect(await names(db)).toEqual(['a']);
    });

    test('that throws is undone alone; those asked for in the same turn commit', async () => {
      const db = await fresh();
      const wrong = new Error('wrong');
      const results = await Promise.allSettled([
        put(db, 'first'),
        db.write(async (tx) => {
          await tx.insertInto('settings').values({ name: 'undone', value: '' }).execute();
          throw wrong;
        }),
        put(db, 'first'), // breaks the primary key, if the first one is kept
        put(db, 'last'),
      ]);
      expect(results.map((result) => result.status)).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
        'fulfilled',
      ]);
      expect(results[1]).toMatchObject({ reason: wrong });
      expect(await names(db)).toEqual(['first', 'last']);
    });

    test('leaves nothing behind when all of its turn fail, and the next one works', async () => {
      const db = await fresh();
      const fail = () =>
        db.write(async (tx) => {
          await tx.insertInto('settings').values({ name: 'undone', value: '' }).execute();
          throw new Error('wrong');
        });
      await Promise.allSettled([fail(), fail()]);
      expect(await put(db, 'next')).toBe('next');
      expect(await names(db)).toEqual(['next']);
    });

    test('two that read and then write the same row do not lose an update', async () => {
      const place = testFolder();
      const [one, two] = [await testDb(place, open), await testDb(place, open)];
      await put(one, 'counter', '0');
      const increment = (db: Db) =>
        db.write(async (tx) => {
          const row = await tx.selectFrom('settings').select('value').executeTakeFirstOrThrow();
          await tx
            .updateTable('settings')
            .set({ value: String(Number(row.value) + 1) })
            .execute();
        });
      await Promise.all(Array.from({ length: 20 }, (_, at) => increment(at % 2 ? one : two)));
      expect((await one.read.selectFrom('settings').select('value').executeTakeFirstOrThrow()).value).toBe(
        '20',
      );
    });

    test('asked for before the database closes is committed', async () => {
      const place = testFolder();
      const db = open(place);
      const reader = await testDb(place, open);
      const written = put(db, 'late');
      await db.close();
      await written;
      expect(await names(reader)).toEqual(['late']);
    });
  });

  describe('the schema', () => {
    test('a deleted server is cleared from its templates', async () => {
      const db = await fresh();
      await db.write(async (tx) => {
        await tx.insertInto('workspaces').values(WORKSPACE).execute();
        await tx
          .insertInto('servers')
          .values([server('srv_1'), server('srv_2')])
          .execute();
        await tx
          .insertInto('templates')
          .values([template('first', 'srv_1'), template('second', 'srv_2')])
          .execute();
      });
      await db.write((tx) => tx.deleteFrom('servers').where('id', '=', 'srv_1').execute());
      const left = await db.read
        .selectFrom('templates')
        .select(['slug', 'server_id'])
        .orderBy('slug')
        .execute();
      expect(left).toEqual([
        { slug: 'first', server_id: null },
        { slug: 'second', server_id: 'srv_2' },
      ]);
    });

    test('a template cannot prefer a server that is not there', async () => {
      const db = await fresh();
      await db.write((tx) => tx.insertInto('workspaces').values(WORKSPACE).execute());
      await expect(
        db.write((tx) => tx.insertInto('templates').values(template('lost', 'srv_gone')).execute()),
      ).rejects.toThrow(/foreign key/i);
    });

    test('an idempotency key is stored once in a workspace', async () => {
      const db = await fresh();
      const key = (workspace_id: string) =>
        db.write((tx) =>
          tx
            .insertInto('idempotency_keys')
            .values({ workspace_id, key: 'k', body_hash: '', response: '', created_at: NOON })
            .execute(),
        );
      const results = await Promise.allSettled([key('wsp_1'), key('wsp_1'), key('wsp_2')]);
      expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    });
  });

  describe('claim', () => {
    test('gives each row to exactly one of several claimers', async () => {
      const place = testFolder();
      const handles = [await testDb(place, open), await testDb(place, open)];
      const ids = await insertRows(handles[0]!, ...Array.from({ length: 40 }, () => ({})));
      const claims = await Promise.all(
        Array.from({ length: 6 }, (_, at) => claim(handles[at % 2]!, '', `owner-${at}`, NOON, 9)),
      );
      const taken = claims.flatMap((rows) => rows.map((row) => row.id));
      expect(taken.sort()).toEqual([...ids].sort());
      for (const [at, rows] of claims.entries())
        for (const row of rows) expect(row.lease_owner).toBe(`owner-${at}`);
    });

    test('takes the oldest first, high priority before them, and no more than asked', async () => {
      const db = await fresh();
      const [young, old, urgent] = await insertRows(
        db,
        { due_at: NOON - 1_000 },
        { due_at: NOON - 2_000 },
        { due_at: NOON, priority: 0 },
      );
      const taken = async () => (await claim(db, '', 'me', NOON, 1)).map((row) => row.id);
      expect([await taken(), await taken(), await taken(), await taken()]).toEqual([
        [urgent],
        [old],
        [young],
        [],
      ]);
    });

    test('leaves what is not due, stands in another lane or is over', async () => {
      const db = await fresh();
      const [due] = await insertRows(
        db,
        {},
        { due_at: NOON + 1 },
        { lane: 'srv_1' },
        { state: 'sent', final_at: NOON },
      );
      expect((await claim(db, '', 'me', NOON, 10)).map((row) => row.id)).toEqual([due]);
    });

    test('gives a row again when its lease ran out, with a higher fence', async () => {
      const db = await fresh();
      const [id] = await insertRows(db, {});
      const [first] = await claim(db, '', 'one', NOON, 1);
      expect(first).toMatchObject({ id, fence: 1, lease_owner: 'one', due_at: NOON + LEASE_MS });
      expect(await claim(db, '', 'two', NOON + LEASE_MS - 1, 1)).toEqual([]);
      const [second] = await claim(db, '', 'two', NOON + LEASE_MS, 1);
      expect(second).toMatchObject({ id, fence: 2, lease_owner: 'two' });
    });
  });

  describe('a held row', () => {
    async function held(): Promise<{ db: Db; hold: Hold }> {
      const db = await fresh();
      await insertRows(db, {});
      const [row] = await claim(db, '', 'me', NOON, 1);
      return { db, hold: { id: row!.id, fence: row!.fence, owner: 'me' } };
    }

    test('gets its marker once', async () => {
      const { db, hold } = await held();
      expect(await markDot(db, hold, SERVER, NOON + 5)).toBe(true);
      expect(await rowOf(db, hold.id)).toMatchObject({
        dot_at: NOON + 5,
        server_id: 'srv_1',
        server_name: 'One',
      });
      expect(await markDot(db, hold, SERVER, NOON + 6)).toBe(false);
      expect(await rowOf(db, hold.id)).toMatchObject({ dot_at: NOON + 5 });
    });

    test.each<[string, (hold: Hold) => Hold, number]>([
      ['a stale fence', (hold) => ({ ...hold, fence: hold.fence - 1 }), NOON],
      ['another owner', (hold) => ({ ...hold, owner: 'you' }), NOON],
      ['a lease that ran out', (hold) => hold, NOON + LEASE_MS],
      ['an unknown row', (hold) => ({ ...hold, id: 'msg_unknown' }), NOON],
    ])('gets no marker with %s', async (_, changed, now) => {
      const { db, hold } = await held();
      expect(await markDot(db, changed(hold), SERVER, now)).toBe(false);
      expect(await rowOf(db, hold.id)).toMatchObject({ dot_at: null, server_id: null });
    });

    test('gets no marker when it is over', async () => {
      const { db, hold } = await held();
      await db.write((tx) => tx.updateTable('messages').set({ state: 'cancelled' }).execute());
      expect(await markDot(db, hold, SERVER, NOON)).toBe(false);
    });

    test('is let go of with its next state', async () => {
      const { db, hold } = await held();
      expect(await db.write((tx) => release(tx, hold, { state: 'sent', final_at: NOON }))).toBe(true);
      expect(await rowOf(db, hold.id)).toMatchObject({ state: 'sent', lease_owner: null, final_at: NOON });
      expect(await db.write((tx) => release(tx, hold, { state: 'failed' }))).toBe(false);
    });

    test('a stale holder releases nothing', async () => {
      const { db, hold } = await held();
      const [taken] = await claim(db, '', 'you', NOON + LEASE_MS, 1);
      expect(await db.write((tx) => release(tx, hold, { state: 'failed', reason: 'stale' }))).toBe(false);
      expect(await rowOf(db, hold.id)).toEqual(taken);
    });

    test('is not changed by others while it is held, nor while a marker stands', async () => {
      const { db, hold } = await held();
      const cancel = (now: number) =>
        db.write((tx) => changeIdle(tx, 'wsp_test', hold.id, 'queued', now, { state: 'cancelled' }));
      expect(await cancel(NOON)).toBe(false);
      await markDot(db, hold, SERVER, NOON);
      expect(await cancel(NOON + LEASE_MS)).toBe(false);
      expect(await rowOf(db, hold.id)).toMatchObject({ state: 'queued', lease_owner: 'me' });
    });

    test('may be changed once its lease ran out without a marker, and only from the state that is expected', async () => {
      const { db, hold } = await held();
      const change = (from: string, workspaceId = 'wsp_test') =>
        db.write((tx) =>
          changeIdle(tx, workspaceId, hold.id, from, NOON + LEASE_MS, { state: 'cancelled' }),
        );
      expect(await change('uncertain')).toBe(false);
      expect(await change('queued', 'wsp_other')).toBe(false);
      expect(await change('queued')).toBe(true);
    });
  });

  test('renew prolongs what is held and reports what is lost', async () => {
    const db = await fresh();
    await insertRows(db, {}, {}, {}, {});
    const rows = await claim(db, '', 'me', NOON, 4);
    const [kept, taken, over, late] = rows.map((row) => row.id);
    await db.write(async (tx) => {
      await tx.updateTable('messages').set({ lease_owner: 'you' }).where('id', '=', taken!).execute();
      await tx.updateTable('messages').set({ state: 'sent' }).where('id', '=', over!).execute();
      await tx.updateTable('messages').set({ due_at: NOON }).where('id', '=', late!).execute();
    });
    const now = NOON + 15_000;
    expect(
      await renew(
        db,
        'me',
        rows.map((row) => row.id),
        now,
      ),
    ).toEqual(new Set([kept]));
    expect(await rowOf(db, kept!)).toMatchObject({ due_at: now + LEASE_MS, lease_owner: 'me' });
    expect(await rowOf(db, taken!)).toMatchObject({ due_at: NOON + LEASE_MS });
    expect(await renew(db, 'me', [], now)).toEqual(new Set());
  });

  test('lanes are those of queued rows, each once', async () => {
    const db = await fresh();
    expect(await lanes(db)).toEqual([]);
    await insertRows(
      db,
      { lane: 'srv_2' },
      { lane: '' },
      { lane: 'srv_1', priority: 0 },
      { lane: 'srv_1' },
      { lane: 'srv_3', state: 'sent' },
    );
    expect(await lanes(db)).toEqual(['', 'srv_1', 'srv_2']);
  });

  test('reroute empties one lane into the unrouted one', async () => {
    const db = await fresh();
    const [a, b, c, d] = await insertRows(
      db,
      { lane: 'srv_1' },
      { lane: 'srv_1' },
      { lane: 'srv_2' },
      { lane: 'srv_1', state: 'sent' },
    );
    expect(await reroute(db, 'srv_1')).toBe(2);
    expect(await reroute(db, 'srv_1')).toBe(0);
    const found = await Promise.all([a, b, c, d].map((id) => rowOf(db, id!)));
    expect(found.map((row) => row.lane)).toEqual(['', '', 'srv_2', 'srv_1']);
  });

  test('expire ends what nobody holds and no marker stands on', async () => {
    const db = await fresh();
    const past = { expires_at: NOON };
    const [over, fallen] = await insertRows(
      db,
      past,
      { ...past, lease_owner: 'gone', due_at: NOON },
      { ...past, lease_owner: 'me', due_at: NOON + 1 },
      { ...past, dot_at: NOON - 1, lease_owner: 'gone', due_at: NOON },
      { ...past, state: 'uncertain' },
      { expires_at: NOON + 1 },
    );
    const rows = await db.write((tx) => expire(tx, NOON));
    expect(rows.map((row) => row.id).sort()).toEqual([over, fallen].sort());
    expect(await rowOf(db, fallen!)).toMatchObject({ state: 'expired', final_at: NOON, lease_owner: null });
    expect(await db.write((tx) => expire(tx, NOON))).toEqual([]);
  });

  test('freeAllLeases makes what was held due now and keeps its markers', async () => {
    const db = await fresh();
    const [plain, marked, waiting] = await insertRows(
      db,
      { lease_owner: 'gone', due_at: NOON + 9_000 },
      { lease_owner: 'gone', due_at: NOON + 9_000, dot_at: NOON - 1 },
      { due_at: NOON + 9_000 },
    );
    expect(await freeAllLeases(db, NOON)).toBe(2);
    const claimed = await claim(db, '', 'me', NOON, 10);
    expect(claimed.map((row) => [row.id, row.dot_at])).toEqual([
      [plain, null],
      [marked, NOON - 1],
    ]);
    expect(await rowOf(db, waiting!)).toMatchObject({ due_at: NOON + 9_000, lease_owner: null });
  });
});

function rowOf(db: Db, id: string): Promise<MessageRow> {
  return db.read.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

const WORKSPACE = {
  id: 'wsp_test',
  name: 'Test',
  routing: 'random',
  default_from: null,
  created_at: NOON,
} as const;

function server(id: string) {
  return {
    id,
    workspace_id: 'wsp_test',
    type: 'generic',
    name: id,
    region: null,
    host: 'smtp.example.com',
    port: 587,
    security: 'starttls' as const,
    username: null,
    password_sealed: null,
    helo_name: null,
    allowed_from: '[]',
    limits: '{}',
    max_connections: 5,
    weight: 1,
    cost_per_thousand: null,
    reserve: null,
    tls_ca: null,
    tls_fingerprint: null,
    tls_server_name: null,
    allow_private: 0,
    capabilities: '{}',
    validated_at: NOON,
    created_at: NOON,
    updated_at: NOON,
    failures: 0,
    waiting_until: null,
    waiting_code: null,
    waiting_reason: null,
  };
}

function template(slug: string, server_id: string) {
  return {
    id: `tpl_${slug}`,
    workspace_id: 'wsp_test',
    slug,
    name: slug,
    version: 1,
    version_id: 'tpv_1',
    server_id,
    failover: 'strict' as const,
    on_uncertain: 'hold' as const,
    priority: 'normal' as const,
    ttl: null,
    sensitive: 0,
    track_opens: 0,
    track_clicks: 0,
    created_at: NOON,
    updated_at: NOON,
  };
}
