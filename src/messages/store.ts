import { type Selectable, sql } from 'kysely';
import { failpoint } from '../failpoint.ts';
import type { Db, Tx } from '../storage/db.ts';
import { insertOf } from '../storage/insert.ts';
import type { MessagesTable, Schema } from '../storage/schema.ts';
import { ANY_OF, changing, spelled, statement } from '../storage/statement.ts';
import type { Message } from './message.ts';

export type NewMessage = Omit<
  Selectable<MessagesTable>,
  | 'dot_at'
  | 'attempts'
  | 'deferred_since'
  | 'server_id'
  | 'server_name'
  | 'route'
  | 'server_message_id'
  | 'body_hash'
  | 'possible_duplicate'
>;

const insertMessageRows = insertOf<keyof NewMessage>('messages', {
  id: 'text',
  workspace_id: 'text',
  type: 'text',
  live: 'bigint',
  state: 'text',
  lane: 'text',
  priority: 'bigint',
  due_at: 'bigint',
  lease_owner: 'text',
  fence: 'bigint',
  expires_at: 'bigint',
  created_at: 'bigint',
  send_at: 'bigint',
  final_at: 'bigint',
  rcpt: 'text',
  rcpt_key: 'text',
  from_mailbox: 'text',
  subject: 'text',
  template_id: 'text',
  template_slug: 'text',
  template_version_id: 'text',
  pinned_server_id: 'text',
  on_uncertain: 'text',
  failover: 'text',
  sensitive: 'bigint',
  code: 'text',
  reason: 'text',
  message_id_header: 'text',
  content_of: 'text',
  content: 'text',
  tags: 'text',
  metadata: 'text',
});

/** A new message as it stands in the database. */
export function rowOf(message: NewMessage): Selectable<MessagesTable> {
  return {
    ...message,
    dot_at: null,
    attempts: 0,
    deferred_since: null,
    server_id: null,
    server_name: null,
    route: null,
    server_message_id: null,
    body_hash: null,
    possible_duplicate: 0,
  };
}

/** Rows per statement: bounds the text that the engine reads at once. */
const INSERTED_AT_ONCE = 100;

export async function insertMessages(tx: Tx, messages: readonly NewMessage[]): Promise<void> {
  for (let at = 0; at < messages.length; at += INSERTED_AT_ONCE) {
    await insertMessageRows(tx, messages.slice(at, at + INSERTED_AT_ONCE));
    failpoint('accept-rows');
  }
}

export interface StoredAttachment {
  filename: string;
  contentType: string;
  content: Uint8Array;
}

export async function insertAttachments(
  tx: Tx,
  messageId: string,
  attachments: readonly StoredAttachment[],
): Promise<void> {
  for (const [position, attachment] of attachments.entries()) {
    await tx
      .insertInto('attachments')
      .values({
        message_id: messageId,
        position,
        filename: attachment.filename,
        content_type: attachment.contentType,
        size: attachment.content.length,
        content: attachment.content,
      })
      .execute();
  }
}

export async function attachmentsOf(db: Db, messageId: string): Promise<StoredAttachment[]> {
  const rows = await db.read
    .selectFrom('attachments')
    .selectAll()
    .where('message_id', '=', messageId)
    .orderBy('position')
    .execute();
  return rows.map((row) => ({ filename: row.filename, contentType: row.content_type, content: row.content }));
}

const attachedTo = statement<{ message_id: string }>(
  spelled(ANY_OF, (ids) => `select distinct message_id from attachments where message_id in ${ids}`),
);

export async function withAttachments(db: Db, messageIds: readonly string[]): Promise<Set<string>> {
  if (messageIds.length === 0) return new Set();
  const rows = await attachedTo(db.read, [JSON.stringify(messageIds)]);
  return new Set(rows.map((row) => row.message_id));
}

export async function attachmentNames(
  db: Db,
  messageId: string,
): Promise<{ filename: string; contentType: string; size: number }[]> {
  const rows = await db.read
    .selectFrom('attachments')
    .select(['filename', 'content_type', 'size'])
    .where('message_id', '=', messageId)
    .orderBy('position')
    .execute();
  return rows.map((row) => ({ filename: row.filename, contentType: row.content_type, size: row.size }));
}

export async function contentOf(db: Db, messageId: string): Promise<string | null | undefined> {
  return (
    await db.read.selectFrom('messages').select('content').where('id', '=', messageId).executeTakeFirst()
  )?.content;
}

export async function rowById(
  db: Pick<Db, 'read'>,
  workspaceId: string,
  id: string,
): Promise<Selectable<MessagesTable> | undefined> {
  return db.read
    .selectFrom('messages')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** Without what they hold: up to some hundred at once. */
export async function messagesByIds(
  tx: Tx,
  workspaceId: string,
  ids: readonly string[],
): Promise<Map<string, Message>> {
  const rows = await tx
    .selectFrom('messages')
    .select(LISTED)
    .where('workspace_id', '=', workspaceId)
    .where('id', 'in', ids)
    .execute();
  return new Map(rows.map((row) => [row.id, messageOf(row)]));
}

export interface IdempotencyRow {
  workspaceId: string;
  key: string;
  bodyHash: string;
  response: string;
  createdAt: number;
}

const KEY_COLUMNS = {
  workspace_id: 'text',
  key: 'text',
  body_hash: 'text',
  response: 'text',
  created_at: 'bigint',
} as const;
const insertNewKeys = changing(
  KEY_COLUMNS,
  { workspace_id: 'workspace_id', key: 'key' },
  ({ values }) => `insert into idempotency_keys (${Object.keys(KEY_COLUMNS).join(', ')}) ${values}
    on conflict do nothing`,
);

/** @returns those that were not used before, as `workspace key` */
export async function insertIdempotencyKeys(tx: Tx, keys: readonly IdempotencyRow[]): Promise<Set<string>> {
  // In one order everywhere: two transactions that store the same keys wait for each other, and never crosswise.
  const sorted = keys.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
  const values = sorted.map((row) => ({
    workspace_id: row.workspaceId,
    key: row.key,
    body_hash: row.bodyHash,
    response: row.response,
    created_at: row.createdAt,
  }));
  const rows = await insertNewKeys(tx, values);
  return new Set(rows.map((row) => `${row.workspace_id} ${row.key}`));
}

function placeOf({ workspaceId, key }: IdempotencyRow): string {
  return `${workspaceId} ${key}`;
}

export async function idempotencyKey(
  tx: Tx,
  workspaceId: string,
  key: string,
): Promise<IdempotencyRow | undefined> {
  const row = await tx
    .selectFrom('idempotency_keys')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('key', '=', key)
    .executeTakeFirst();
  return (
    row && { workspaceId, key, bodyHash: row.body_hash, response: row.response, createdAt: row.created_at }
  );
}

export async function deleteIdempotencyKeys(tx: Tx, before: number): Promise<void> {
  await tx.deleteFrom('idempotency_keys').where('created_at', '<', before).execute();
}

export interface MessageFilter {
  status?: string | undefined;
  rcptKey?: string | undefined;
  template?: string | undefined;
  server?: string | undefined;
  type?: string | undefined;
  tag?: string | undefined;
  q?: string | undefined;
  live?: boolean | undefined;
  /** Only messages older than this id. */
  before?: string | undefined;
  /** Only messages newer than this id. */
  after?: string | undefined;
}

const LISTED = [
  'id',
  'workspace_id',
  'type',
  'live',
  'state',
  'due_at',
  'lease_owner',
  'attempts',
  'send_at',
  'created_at',
  'expires_at',
  'final_at',
  'rcpt',
  'from_mailbox',
  'subject',
  'template_slug',
  'server_id',
  'server_name',
  'route',
  'code',
  'reason',
  'server_message_id',
  'message_id_header',
  'possible_duplicate',
  'tags',
  'metadata',
] as const;

/** Newest first. */
export async function listRows(
  db: Db,
  workspaceId: string,
  filter: MessageFilter,
  now: number,
  limit: number,
): Promise<Message[]> {
  let query = db.read
    .selectFrom('messages')
    .select(LISTED)
    .where('workspace_id', '=', workspaceId)
    .orderBy('id', 'desc')
    .limit(limit);
  if (filter.before !== undefined) query = query.where('id', '<', filter.before);
  if (filter.after !== undefined) query = query.where('id', '>', filter.after);
  if (filter.rcptKey !== undefined) query = query.where('rcpt_key', '=', filter.rcptKey);
  if (filter.template !== undefined) query = query.where('template_slug', '=', filter.template);
  if (filter.server !== undefined) query = query.where('server_id', '=', filter.server);
  if (filter.type !== undefined) query = query.where('type', '=', filter.type as Message['type'] as never);
  if (filter.live !== undefined) query = query.where('live', '=', filter.live ? 1 : 0);
  // Exactly this tag: `like` would take `VIP` for `vip` on one engine and not on the other.
  if (filter.tag !== undefined)
    query = query.where(sql<boolean>`replace(tags, ${JSON.stringify(filter.tag)}, '') <> tags`);
  if (filter.q !== undefined) {
    const text = sql`lower(${contains(filter.q)})`;
    query = query.where(
      sql<boolean>`(lower(rcpt) like ${text} escape '\\' or lower(subject) like ${text} escape '\\' or id = ${filter.q})`,
    );
  }
  if (filter.status !== undefined) query = query.where(statusCondition(filter.status, now));
  return (await query.execute()).map(messageOf);
}

/** The words that are read from times, as conditions; the same rules as queue/delivery.ts `statusOf`. */
function statusCondition(status: string, now: number) {
  const held = sql`(lease_owner is not null and due_at > ${now})`;
  switch (status) {
    case 'sending':
      return sql<boolean>`(state = 'queued' and ${held})`;
    case 'deferred':
      return sql<boolean>`(state = 'queued' and not ${held} and attempts > 0)`;
    case 'scheduled':
      return sql<boolean>`(state = 'queued' and not ${held} and attempts = 0 and send_at is not null and send_at > ${now})`;
    case 'queued':
      return sql<boolean>`(state = 'queued' and not ${held} and attempts = 0 and (send_at is null or send_at <= ${now}))`;
    default:
      return sql<boolean>`state = ${status}`;
  }
}

function contains(text: string): string {
  return `%${text.replace(/[\\%_]/g, (char) => `\\${char}`)}%`;
}

export async function countByState(tx: Tx, workspaceId: string, state: string): Promise<number> {
  const row = await tx
    .selectFrom('messages')
    .select((count) => count.fn.countAll<number>().as('messages'))
    .where('workspace_id', '=', workspaceId)
    .where('state', '=', state)
    .where('state', 'not in', ['queued', 'sent', 'captured'])
    .executeTakeFirstOrThrow();
  return Number(row.messages);
}

export function messageOf(row: Pick<Selectable<Schema['messages']>, (typeof LISTED)[number]>): Message {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    type: row.type,
    live: row.live === 1,
    state: row.state,
    dueAt: row.due_at,
    leaseOwner: row.lease_owner,
    attempts: row.attempts,
    sendAt: row.send_at,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    finalAt: row.final_at,
    rcpt: row.rcpt,
    from: row.from_mailbox,
    subject: row.subject,
    templateSlug: row.template_slug,
    serverId: row.server_id,
    serverName: row.server_name,
    route: row.route === null ? null : JSON.parse(row.route),
    code: row.code,
    reason: row.reason,
    serverMessageId: row.server_message_id,
    messageIdHeader: row.message_id_header,
    possibleDuplicate: row.possible_duplicate === 1,
    tags: JSON.parse(row.tags),
    metadata: JSON.parse(row.metadata),
  };
}
