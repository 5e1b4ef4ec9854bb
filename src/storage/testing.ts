import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Insertable, Selectable } from 'kysely';
import { inject, onTestFinished, test } from 'vitest';
import { newId } from '../ids.ts';
import { postgresDatabase } from '../testing/postgres.ts';
import type { Db, Engine } from './db.ts';
import { migrate } from './migrate.ts';
import { openPostgres } from './postgres.ts';
import type { MessagesTable } from './schema.ts';
import { openSqlite } from './sqlite.ts';

/** One of the engines that must keep the contract of `Db`. The same place is the same database. */
export interface TestEngine {
  engine: Engine;
  open: (place: string) => Promise<Db>;
}

const sqlite: TestEngine = { engine: 'sqlite', open: async (place) => openSqlite(join(place, 'test.db')) };
const postgres: TestEngine = {
  engine: 'postgres',
  open: async (place) => openPostgres(await postgresUrlFor(place)),
};

/** The engines of this machine: where PostgreSQL is not installed, its tests are named as skipped. */
export const ENGINES: readonly TestEngine[] = inject('postgresUrl') ? [sqlite, postgres] : [sqlite];

if (!inject('postgresUrl')) test.skip('on postgres (install the Debian package postgresql)', () => {});

/** The address of a PostgreSQL database that belongs to a folder. */
export function postgresUrlFor(place: string): Promise<string> {
  return postgresDatabase(inject('postgresUrl'), basename(place).toLowerCase());
}

/** Noon of a day in the past: tests pass times as parameters. */
export const NOON = Date.parse('2026-11-23T12:00:00Z');

/** An empty folder that goes with its test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-db-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A migrated database that closes with its test; two at one place are two processes on one database. */
export async function testDb(place = testFolder(), open = sqlite.open): Promise<Db> {
  const db = await open(place);
  onTestFinished(() => db.close());
  await migrate(db, NOON);
  return db;
}

/** A queued message as acceptance stores it, changed where the test says so. */
export function messageRow(changed: Partial<Insertable<MessagesTable>> = {}): Insertable<MessagesTable> {
  const id = changed.id ?? newId('msg', NOON);
  return {
    id,
    workspace_id: 'wsp_test',
    type: 'transactional',
    live: 1,
    state: 'queued',
    lane: 'new:wsp_test',
    priority: 1,
    due_at: NOON,
    expires_at: NOON + 48 * 3_600_000,
    lease_owner: null,
    dot_at: null,
    deferred_since: null,
    created_at: NOON,
    send_at: null,
    final_at: null,
    rcpt: 'ann@example.org',
    rcpt_key: 'ann@example.org',
    from_mailbox: 'shop@example.com',
    subject: 'Hello',
    template_id: null,
    template_slug: null,
    template_version_id: null,
    pinned_server_id: null,
    on_uncertain: 'hold',
    failover: 'strict',
    sensitive: 0,
    server_id: null,
    server_name: null,
    route: null,
    code: null,
    reason: null,
    server_message_id: null,
    message_id_header: `${id}@example.com`,
    body_hash: null,
    content_of: id,
    content: null,
    tags: '[]',
    metadata: '{}',
    ...changed,
  };
}

/** Stores rows, each with what differs from `messageRow`. @returns their ids, in order */
export async function insertRows(
  db: Db,
  ...rows: readonly Partial<Insertable<MessagesTable>>[]
): Promise<string[]> {
  const made = rows.map((changed) => messageRow(changed));
  await db.write(async (tx) => {
    for (const row of made) await tx.insertInto('messages').values(row).execute();
  });
  return made.map((row) => row.id);
}

/** The workspace of `messageRow`. */
export async function insertWorkspace(db: Db): Promise<void> {
  const routing = 'random' as const;
  const row = { id: 'wsp_test', name: 'Test', routing, default_from: null, created_at: NOON };
  await db.write((tx) => tx.insertInto('workspaces').values(row).execute());
}

export function storedRow(db: Db, id: string): Promise<Selectable<MessagesTable>> {
  return db.read.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}
