import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Insertable } from 'kysely';
import { onTestFinished } from 'vitest';
import { newId } from '../ids.ts';
import type { Db, Engine } from './db.ts';
import { migrate } from './migrate.ts';
import type { MessagesTable } from './schema.ts';
import { openSqlite } from './sqlite.ts';

/** Every engine that must keep the contract of `Db`. A second one is a second line. */
export const ENGINES: readonly { engine: Engine; open: (place: string) => Db }[] = [
  { engine: 'sqlite', open: (place) => openSqlite(join(place, 'test.db')) },
];

/** Noon of a day in the past: tests pass times as parameters. */
export const NOON = Date.parse('2026-11-23T12:00:00Z');

/** An empty folder that goes with its test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-db-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A migrated database that closes with its test; two at one place are two processes on one database. */
export async function testDb(place = testFolder(), open = ENGINES[0]!.open): Promise<Db> {
  const db = open(place);
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
    lane: '',
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
