import { type RawBuilder, sql } from 'kysely';
import type { Db, Tx } from '../storage/db.ts';

/** Messages looked at by one statement: bounds how long it runs, and how long it keeps its view of the database. */
const CHUNK = 20_000;

/** One rule about a message row `m`. The condition is true where it is broken. */
interface Rule {
  name: string;
  broken: RawBuilder<unknown>;
}

/** Evidence other than a server's answer: the template's rule, a person, or a server's log. */
const DECIDED = sql`('unconfirmed', 'resolved_sent', 'found_in_log')`;

const attempt = (condition: RawBuilder<unknown>) =>
  sql`exists (select 1 from attempts a where a.message_id = m.id and ${condition})`;
const event = (condition: RawBuilder<unknown>) =>
  sql`exists (select 1 from events e where e.message_id = m.id and ${condition})`;

/** The rules of docs/operations.md, in its order. */
function rules(now: number, abandonedBefore: number, unsweptBefore: number): Rule[] {
  return [
    {
      name: 'unknown_state',
      broken: sql`m.state not in ('queued', 'sent', 'bounced', 'failed', 'uncertain', 'blocked', 'captured', 'cancelled', 'expired')`,
    },
    {
      name: 'never_accepted',
      broken: sql`not ${event(sql`e.type in ('message.accepted', 'message.blocked')`)}`,
    },
    {
      name: 'accepted_twice',
      broken: sql`(select count(*) from events e where e.message_id = m.id and e.type = 'message.accepted') > 1`,
    },
    {
      name: 'end_not_recorded',
      broken: sql`m.state <> 'queued' and not ${event(sql`e.type = 'message.' || m.state`)}`,
    },
    {
      name: 'end_without_time',
      broken: sql`(m.state in ('queued', 'uncertain')) <> (m.final_at is null)`,
    },
    {
      name: 'sent_without_answer',
      broken: sql`m.state = 'sent' and m.code not in ${DECIDED} and not ${attempt(sql`a.outcome = 'accepted' and a.server_id is not null`)}`,
    },
    {
      name: 'captured_without_attempt',
      broken: sql`m.state = 'captured' and not ${attempt(sql`a.outcome = 'accepted'`)}`,
    },
    {
      name: 'two_accepted_attempts',
      broken: sql`(select count(*) from attempts a where a.message_id = m.id and a.outcome = 'accepted') > 1`,
    },
    {
      name: 'bounced_without_refusal',
      broken: sql`m.state = 'bounced' and not ${attempt(sql`a.outcome = 'recipient_permanent'`)}`,
    },
    {
      name: 'failed_without_cause',
      broken: sql`m.state = 'failed' and m.code <> 'template_error' and not ${attempt(sql`a.outcome = 'message_permanent'`)}`,
    },
    {
      name: 'uncertain_without_dot',
      broken: sql`m.state = 'uncertain' and m.code <> 'restored' and not ${attempt(sql`a.outcome = 'uncertain' and a.stage = 'dot'`)}`,
    },
    {
      name: 'attempts_miscounted',
      broken: sql`m.attempts <> (select count(*) from attempts a where a.message_id = m.id)`,
    },
    { name: 'held_after_end', broken: sql`m.state <> 'queued' and m.lease_owner is not null` },
    {
      name: 'marker_without_server',
      broken: sql`m.state = 'queued' and m.dot_at is not null and (m.server_id is null or m.lease_owner is null)`,
    },
    {
      name: 'lease_long_over',
      broken: sql`m.state = 'queued' and m.lease_owner is not null and m.due_at < ${abandonedBefore}`,
    },
    {
      name: 'past_its_time',
      broken: sql`m.state = 'queued' and m.expires_at < ${unsweptBefore} and m.dot_at is null and m.possible_duplicate = 0
        and (m.lease_owner is null or m.due_at <= ${now})`,
    },
    {
      name: 'shared_content_missing',
      broken: sql`m.content_of <> m.id and not exists (select 1 from messages s where s.id = m.content_of)`,
    },
    {
      name: 'content_missing',
      broken: sql`m.state in ('queued', 'uncertain') and m.content is null
        and not exists (select 1 from messages s where s.id = m.content_of and s.content is not null)`,
    },
    {
      name: 'workspace_missing',
      broken: sql`not exists (select 1 from workspaces w where w.id = m.workspace_id)`,
    },
  ];
}

export interface Broken {
  rule: string;
  id: string;
}

export interface AuditScope {
  workspaceId: string | undefined;
  now: number;
  /** A lease that ended before this was abandoned. */
  abandonedBefore: number;
  /** A message that expired before this should have been ended. */
  unsweptBefore: number;
}

/** Judges every message, a chunk at a time. Each chunk is one statement, so it sees one moment. */
export async function* brokenMessages(db: Db, scope: AuditScope): AsyncGenerator<Broken> {
  const all = rules(scope.now, scope.abandonedBefore, scope.unsweptBefore);
  const verdicts = sql.join(
    all.map(({ broken }, at) => sql`case when ${broken} then 1 else 0 end as ${sql.ref(`r${at}`)}`),
  );
  const any = sql.join(
    all.map(({ broken }) => sql`(${broken})`),
    sql` or `,
  );
  const own = scope.workspaceId === undefined ? sql`` : sql`and m.workspace_id = ${scope.workspaceId}`;
  for await (const { after, upTo } of chunks(db, 'messages')) {
    const { rows } = await sql<Record<string, number> & { id: string }>`
      select m.id, ${verdicts} from messages m
      where m.id > ${after} and m.id <= ${upTo} ${own} and (${any}) order by m.id`.execute(db.read);
    for (const row of rows)
      for (const [at, { name }] of all.entries())
        if (Number(row[`r${at}`]) === 1) yield { rule: name, id: row.id };
  }
}

/** Events and attempts of messages that are not there. */
export async function* orphans(db: Db, workspaceId: string | undefined): AsyncGenerator<Broken> {
  const own = workspaceId === undefined ? sql`` : sql`and o.workspace_id = ${workspaceId}`;
  for await (const { after, upTo } of chunks(db, 'events')) {
    const { rows } = await sql<{ id: string }>`
      select o.id from events o where o.id > ${after} and o.id <= ${upTo} ${own} and o.message_id is not null
        and not exists (select 1 from messages m where m.id = o.message_id)`.execute(db.read);
    for (const { id } of rows) yield { rule: 'event_without_message', id };
  }
  const { rows } = await sql<{ id: string }>`
    select distinct o.message_id as id from attempts o where 1 = 1 ${own}
      and not exists (select 1 from messages m where m.id = o.message_id)`.execute(db.read);
  for (const { id } of rows) yield { rule: 'attempt_without_message', id };
}

async function* chunks(
  db: Db,
  table: 'messages' | 'events',
): AsyncGenerator<{ after: string; upTo: string }> {
  let after = '';
  for (;;) {
    const { rows } = await sql<{ last: string | null }>`
      select max(id) as last from (select id from ${sql.table(table)} where id > ${after} order by id limit ${CHUNK}) c`.execute(
      db.read,
    );
    const upTo = rows[0]?.last;
    if (upTo == null) return;
    yield { after, upTo };
    after = upTo;
  }
}

/** Messages of a workspace that are alike in everything their status is read from; `state` null counts acceptances. */
export interface CountRow {
  workspaceId: string;
  state: string | null;
  held: boolean;
  tried: boolean;
  ahead: boolean;
  messages: number;
}

/** Acceptances, as events recorded them, and messages, as rows have them: one statement, so that both are of one moment. */
export async function counts(db: Db, workspaceId: string | undefined, now: number): Promise<CountRow[]> {
  const own = workspaceId === undefined ? sql`` : sql`and t.workspace_id = ${workspaceId}`;
  const { rows } = await sql<{
    workspace_id: string;
    state: string | null;
    held: number;
    tried: number;
    ahead: number;
    messages: number;
  }>`
    select t.workspace_id, null as state, 0 as held, 0 as tried, 0 as ahead, count(*) as messages
    from events t
    where (t.type = 'message.accepted' or (t.type = 'message.blocked' and not exists (
      select 1 from events a where a.message_id = t.message_id and a.type = 'message.accepted'))) ${own}
    group by t.workspace_id
    union all
    select t.workspace_id, t.state,
      case when t.lease_owner is not null and t.due_at > ${now} then 1 else 0 end as held,
      case when t.attempts > 0 then 1 else 0 end as tried,
      case when t.send_at > ${now} then 1 else 0 end as ahead,
      count(*) as messages
    from messages t where 1 = 1 ${own}
    group by 1, 2, 3, 4, 5`.execute(db.read);
  return rows.map((row) => ({
    workspaceId: row.workspace_id,
    state: row.state,
    held: Number(row.held) === 1,
    tried: Number(row.tried) === 1,
    ahead: Number(row.ahead) === 1,
    messages: Number(row.messages),
  }));
}

/** Stored answers of accepted calls, in the order of their keys. */
export async function answersAfter(
  db: Db,
  workspaceId: string | undefined,
  after: { workspaceId: string; key: string },
  limit: number,
): Promise<{ workspaceId: string; key: string; response: string }[]> {
  return db.read
    .selectFrom('idempotency_keys')
    .select(['workspace_id as workspaceId', 'key', 'response'])
    .where((row) =>
      row.or([
        row('workspace_id', '>', after.workspaceId),
        row.and([row('workspace_id', '=', after.workspaceId), row('key', '>', after.key)]),
      ]),
    )
    .$if(workspaceId !== undefined, (query) => query.where('workspace_id', '=', workspaceId!))
    .orderBy('workspace_id')
    .orderBy('key')
    .limit(limit)
    .execute();
}

export async function existing(db: Db, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db.read.selectFrom('messages').select('id').where('id', 'in', ids).execute();
  return new Set(rows.map((row) => row.id));
}

export interface OurRow {
  id: string;
  state: string;
  code: string | null;
  lease_owner: string | null;
  due_at: number;
  rcpt: string;
  server_id: string | null;
  server_message_id: string | null;
  message_id_header: string;
  created_at: number;
  final_at: number | null;
}

/** Messages meant for real servers, in the order of their ids. */
export function ourRows(
  db: Db,
  workspaceId: string | undefined,
  after: string,
  limit: number,
): Promise<OurRow[]> {
  return db.read
    .selectFrom('messages')
    .select([
      'id',
      'state',
      'code',
      'lease_owner',
      'due_at',
      'rcpt',
      'server_id',
      'server_message_id',
      'message_id_header',
      'created_at',
      'final_at',
    ])
    .where('id', '>', after)
    .where('live', '=', 1)
    .$if(workspaceId !== undefined, (query) => query.where('workspace_id', '=', workspaceId!))
    .orderBy('id')
    .limit(limit)
    .execute();
}

export function rowForEvidence(
  tx: Tx,
  id: string,
): Promise<
  | { workspace_id: string; state: string; server_id: string | null; server_message_id: string | null }
  | undefined
> {
  return tx
    .selectFrom('messages')
    .select(['workspace_id', 'state', 'server_id', 'server_message_id'])
    .where('id', '=', id)
    .executeTakeFirst();
}
