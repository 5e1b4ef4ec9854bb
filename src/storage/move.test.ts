import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { startPostgres } from '../testing/postgres.ts';
import type { Db } from './db.ts';
import { migrate } from './migrate.ts';
import { type MoveOptions, moveInstallation } from './move.ts';
import { openSource } from './move-source.ts';
import { openPostgres } from './postgres.ts';
import { keepSetting } from './settings.ts';
import { insertRows, NOON, postgresUrlFor, testDb, testFolder } from './testing.ts';

describe.skipIf(!inject('postgresUrl'))('a move to PostgreSQL', () => {
  let folder: string;
  let here: Db;
  let there: Db;
  beforeEach(async () => {
    folder = testFolder();
    here = await testDb(folder);
    there = await openPostgres(await postgresUrlFor(folder));
    await here.write((tx) => keepSetting(tx, 'master_key_proof', 'sealed by this installation'));
  });
  afterEach(() => there.close());

  const move = async (onProgress: MoveOptions['onProgress'] = () => {}) => {
    const source = openSource(join(folder, 'test.db'));
    try {
      return await moveInstallation(source, there, { now: NOON, onProgress });
    } finally {
      source.close();
    }
  };
  const on = (db: Db, text: string) => db.write((tx) => sql.raw(text).execute(tx));
  const count = async (table: string) =>
    (await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(there.read)).rows[0]!.n;

  test('takes every table and column that PostgreSQL has', async () => {
    await migrate(there, NOON);
    const source = openSource(join(folder, 'test.db'));
    source.close();
    const { rows } = await sql<{ name: string }>`
      select table_name || '.' || column_name as name from information_schema.columns
      where table_schema = current_schema() and table_name not in ('schema_versions', 'revision')`.execute(
      there.read,
    );
    const taken = source.tables.flatMap(({ name, columns }) => columns.map((column) => `${name}.${column}`));
    expect(taken.toSorted()).toEqual(rows.map((row) => row.name).toSorted());
    expect(taken.length).toBeGreaterThan(100);
  });

  test('takes a table that a later step adds, after the one it refers to', async () => {
    await migrate(there, NOON);
    for (const db of [here, there])
      await on(
        db,
        `create table a_later_one (setting text not null references settings (name), at bigint not null,
         note text, share double precision, primary key (setting, at))`,
      );
    await on(here, `insert into a_later_one values ('master_key_proof', ${NOON}, null, 0.1)`);
    await on(here, `insert into a_later_one values ('master_key_proof', ${NOON + 1}, 'ärger 📬', -1e300)`);
    expect((await move()).tables).toMatchObject({ a_later_one: 2 });
    const { rows } = await sql`select * from a_later_one order by at`.execute(there.read);
    expect(rows).toEqual((await sql`select * from a_later_one order by at`.execute(here.read)).rows);
  });

  test('a table that the target does not know ends it, and leaves nothing there', async () => {
    await insertRows(here, {}, {});
    await on(here, 'create table z_unknown (id text primary key)');
    await on(here, `insert into z_unknown values ('one')`);
    await expect(move()).rejects.toThrow(/^The move was broken off: relation "z_unknown" does not exist\. /);
    expect([await count('messages'), await count('settings')]).toEqual([0, 0]);
  });

  test('large contents arrive in order of their keys, in batches', async () => {
    const content = Buffer.alloc(1_500_000, 'attachment ');
    await here.write(async (tx) => {
      for (let position = 0; position < 7; position++)
        await tx
          .insertInto('attachments')
          .values({ message_id: 'msg_1', position, filename: 'f', content_type: 'x/y', size: 1, content })
          .execute();
    });
    const seen: number[] = [];
    await move(({ step, table, rows }) => {
      if (step === 'copied' && table === 'attachments') seen.push(rows);
    });
    expect(seen.map((rows) => rows - seen[0]!)).toEqual([0, 3, 4]);
    expect(await count('attachments')).toBe(7);
  });

  test('a row that arrives changed ends it, and leaves nothing there', async () => {
    await migrate(there, NOON);
    await insertRows(here, { subject: 'Hello' }, { subject: 'Change me' });
    await on(
      there,
      `create function changes() returns trigger language plpgsql as
         $$ begin new.subject := replace(new.subject, 'Change', 'Changed'); return new; end $$;
       create trigger changes before insert on messages for each row execute function changes()`,
    );
    await expect(move()).rejects.toThrow(
      'The copy is not what it was made from. In the table messages, of 2 rows 0 are missing, 1 differ, and 0 are only in the target.',
    );
    expect([await count('messages'), await count('settings')]).toEqual([0, 0]);
  });

  test('a row that is lost, or comes from elsewhere, ends it', async () => {
    await migrate(there, NOON);
    const [lost] = await insertRows(here, {}, {}, {});
    await on(
      there,
      `create function swaps() returns trigger language plpgsql as
         $$ begin if new.id = '${lost}' then new.id := 'msg_from_elsewhere'; end if; return new; end $$;
       create trigger swaps before insert on messages for each row execute function swaps()`,
    );
    await expect(move()).rejects.toThrow('of 3 rows 1 are missing, 0 differ, and 1 are only in the target');
  });

  test('repeated, it compares; after the source was used it is refused', async () => {
    const [id] = await insertRows(here, {}, {});
    expect(await move()).toMatchObject({ copied: true, tables: { messages: 2, settings: 1 } });
    expect(await move()).toMatchObject({ copied: false, tables: { messages: 2, settings: 1 } });
    await on(here, `update messages set state = 'sent' where id = '${id}'`);
    await expect(move()).rejects.toThrow(
      /^This installation was moved there before, and one of the two was used since\. In the table messages, of 2 rows 0 are missing, 1 differ/,
    );
    expect(await count('messages')).toBe(2);
  });

  test('a write of another process meanwhile ends it, and leaves nothing there', async () => {
    await insertRows(here, {});
    let written: Promise<unknown> | undefined;
    const moved = move(() => {
      written ??= insertRows(here, {});
    });
    await expect(moved).rejects.toThrow(/^Another process wrote to the data folder meanwhile\. /);
    await written;
    expect([await count('messages'), await count('settings')]).toEqual([0, 0]);
  });

  test('a start on the target waits for the end, and finds everything', async () => {
    await insertRows(here, {});
    let started: Promise<string> | undefined;
    await move(() => {
      started ??= there.write((tx) => keepSetting(tx, 'master_key_proof', 'a key of its own'));
    });
    expect(await started).toBe('sealed by this installation');
  });

  test('two at the same moment are one', async () => {
    await insertRows(here, {});
    const both = await Promise.all([move(), move()]);
    expect(both.map(({ copied }) => copied).toSorted()).toEqual([false, true]);
    expect(await count('messages')).toBe(1);
  });

  test('a server that ends meanwhile leaves nothing, and the move goes when repeated', async () => {
    await insertRows(here, {});
    const server = await startPostgres();
    onTestFinished(() => server.stop());
    const theirs = await openPostgres(`${server.url}postgres`);
    onTestFinished(() => theirs.close());
    const source = openSource(join(folder, 'test.db'));
    onTestFinished(() => source.close());
    let restarted: Promise<void> | undefined;
    const options: MoveOptions = {
      now: NOON,
      onProgress: () => {
        restarted ??= server.restart();
      },
    };
    await expect(moveInstallation(source, theirs, options)).rejects.toThrow(
      /^The move was broken off: .* The data folder is unchanged; run the command again\.$/,
    );
    await restarted;
    expect(await moveInstallation(source, theirs, options)).toMatchObject({ copied: true });
  });

  describe('is refused, and leaves the target as it is', () => {
    test('where another installation is', async () => {
      await migrate(there, NOON);
      await there.write((tx) => keepSetting(tx, 'master_key_proof', 'of another'));
      await expect(move()).rejects.toThrow(/^The target database holds another installation\./);
      expect(await count('settings')).toBe(1);
    });

    test('where another program is', async () => {
      await on(there, 'create table wares (id bigint)');
      await expect(move()).rejects.toThrow(/^The target database holds tables of another program\./);
      const { rows } = await sql`select to_regclass('settings') as found`.execute(there.read);
      expect(rows).toEqual([{ found: null }]);
    });

    test('from an installation that was never started', async () => {
      await on(here, 'delete from settings');
      await expect(move()).rejects.toThrow(/^There is nothing to move/);
    });

    test('from a newer schema, and from an older one', async () => {
      await on(here, `insert into schema_versions values (999, 'later', ${NOON})`);
      await expect(move()).rejects.toThrow(
        /schema 999, this program knows up to \d+\. Move it with the newer/,
      );
      await on(here, 'update schema_versions set version = -version');
      await expect(move()).rejects.toThrow(/schema -\d+, this program \d+\. Bring it .*mailwright migrate$/);
    });
  });
});
