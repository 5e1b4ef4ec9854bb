import { describe, expect, test } from 'vitest';
import type { Db } from './db.ts';
import { forUpdate } from './lease.ts';
import { ENGINES, NOON, testDb, testFolder } from './testing.ts';

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
        put(db, 'first'), // one of the two breaks the primary key; which one, PostgreSQL does not promise
        put(db, 'last'),
      ]);
      const [first, undone, second, last] = results.map((result) => result.status);
      expect([first, second].sort()).toEqual(['fulfilled', 'rejected']);
      expect([undone, last]).toEqual(['rejected', 'fulfilled']);
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

    test('two that read a row in order to change it do not lose an update', async () => {
      const place = testFolder();
      const [one, two] = [await testDb(place, open), await testDb(place, open)];
      await put(one, 'counter', '0');
      const increment = (db: Db) =>
        db.write(async (tx) => {
          const row = await tx
            .selectFrom('settings')
            .select('value')
            .modifyEnd(forUpdate(tx))
            .executeTakeFirstOrThrow();
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
      const reader = await testDb(place, open);
      const db = await open(place);
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
});

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
