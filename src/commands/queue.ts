import { parseArgs } from 'node:util';
import { iso } from '../clock.ts';
import { AppError } from '../errors.ts';
import { cancelMessage } from '../messages/change.ts';
import { STATUSES } from '../queue/delivery.ts';
import {
  doubtGone,
  endRests,
  goneFilter,
  type Queued,
  type QueueFilter,
  queued,
  retryMessages,
} from '../queue/operate.ts';
import { holdSending, type Operator, pausesOf, releaseSending } from '../queue/pause.ts';
import { findWorkspace } from '../workspaces/workspaces.ts';
import { UsageError } from './usage.ts';
import { type CommandParts, operatorId, print, withDatabase } from './with-database.ts';

const LISTED = 100;
const OPEN = ['scheduled', 'queued', 'sending', 'deferred', 'uncertain'];
const ACTIONS = ['list', 'hold', 'release', 'retry', 'cancel'] as const;

interface Asked {
  json: boolean | undefined;
  ids: string[];
  filter: QueueFilter;
  statuses: string[];
  limit: number;
  /** `--gone`: only what may have gone out since the backup that was restored. */
  gone: boolean;
  uncertain: boolean;
  operator: Operator;
}

/** Looks at the queue and steers it, beside a running program. */
export async function queueCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      workspace: { type: 'string' },
      server: { type: 'string' },
      template: { type: 'string' },
      status: { type: 'string', multiple: true },
      gone: { type: 'boolean' },
      uncertain: { type: 'boolean' },
      limit: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const [name, ...ids] = positionals;
  const action = ACTIONS.find((one) => one === name);
  if (!action) throw new UsageError(`queue takes one of: ${ACTIONS.join(', ')}.`);
  const asked: Asked = {
    json: values.json,
    ids,
    statuses: checkStatuses(values.status ?? []),
    limit: checkLimit(values.limit),
    gone: values.gone === true,
    uncertain: values.uncertain === true,
    operator: { id: operatorId(), workspaceId: values.workspace ?? null },
    filter: {
      workspaceId: values.workspace,
      server: values.server,
      template: values.template,
      ...(ids.length > 0 ? { ids } : {}),
    },
  };
  return withDatabase(async (parts) => {
    if (values.workspace !== undefined) await findWorkspace(parts.db, values.workspace);
    if (asked.gone) asked.filter.gone = await goneSince(parts);
    return { list, hold, release, retry, cancel }[action](parts, asked);
  });
}

function checkStatuses(given: readonly string[]): string[] {
  const wrong = given.find((one) => !OPEN.includes(one));
  if (wrong === undefined) return [...given];
  const final = (STATUSES as readonly string[]).includes(wrong)
    ? 'is final; the queue holds'
    : 'is not one of';
  throw new UsageError(`--status ${wrong.slice(0, 40)} ${final} ${OPEN.join(', ')}.`);
}

function checkLimit(given: string | undefined): number {
  const limit = Number(given ?? LISTED);
  if (!Number.isSafeInteger(limit) || limit < 1) throw new UsageError('--limit is a whole number above 0.');
  return limit;
}

async function goneSince({ db }: CommandParts): Promise<QueueFilter['gone']> {
  const gone = goneFilter((await pausesOf(db)).get(''));
  if (gone) return gone;
  throw new AppError(
    'nothing_restored',
    '--gone tells what a restored database may have sent; nothing was restored.',
  );
}

async function list({ db, clock }: CommandParts, asked: Asked): Promise<number> {
  const pauses = [...(await pausesOf(db))].map(([workspace, pause]) => ({
    workspace: workspace || null,
    code: pause.code,
    reason: pause.reason,
    since: iso(pause.since),
  }));
  const counts: Record<string, number> = {};
  const messages: ReturnType<typeof view>[] = [];
  for await (const one of queued(db, asked.filter, asked.statuses, clock.now())) {
    counts[one.status] = (counts[one.status] ?? 0) + 1;
    if (messages.length < asked.limit) messages.push(view(one));
  }
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const said = OPEN.filter((status) => counts[status]).map((status) => `${counts[status]} ${status}`);
  print(asked.json, { pauses, counts, messages, more: total > messages.length }, [
    ...pauses.map(
      (one) => `Paused${one.workspace ? ` for ${one.workspace}` : ''} since ${one.since}: ${one.reason}`,
    ),
    ...messages.map((one) =>
      [one.id, one.status.padEnd(9), one.due, one.rcpt, one.server ?? '-', one.reason ?? '']
        .join('  ')
        .trimEnd(),
    ),
    total === 0 ? 'Nothing is queued.' : `${said.join(', ')}.`,
    ...(total > messages.length ? [`${total - messages.length} more: --limit ${total} lists all.`] : []),
  ]);
  return 0;
}

function view({ row, status }: Queued) {
  return {
    id: row.id,
    workspace: row.workspace_id,
    status,
    due: iso(row.due_at),
    expires: iso(row.expires_at),
    rcpt: row.rcpt,
    template: row.template_slug,
    server: row.server_id ?? row.pinned_server_id,
    attempts: row.attempts,
    code: row.code,
    reason: row.reason,
  };
}

async function hold({ db, clock }: CommandParts, asked: Asked): Promise<number> {
  const { code, reason, since } = await holdSending(db, asked.operator, clock.now());
  print(asked.json, { paused: { code, reason, since: iso(since) } }, [
    `Sending is paused ${scopeOf(asked)}. Messages are still accepted. mailwright queue release ends the pause.`,
  ]);
  return 0;
}

async function release({ db, clock }: CommandParts, asked: Asked): Promise<number> {
  const standing = (await pausesOf(db)).get(asked.operator.workspaceId ?? '');
  const doubted =
    asked.uncertain && standing ? await doubtGone(db, asked.operator, standing, clock.now()) : 0;
  const ended = await releaseSending(db, asked.operator, clock.now());
  print(asked.json, { released: ended !== undefined, uncertain: doubted }, [
    ended ? `Sending goes on ${scopeOf(asked)}.` : `Sending was not paused ${scopeOf(asked)}.`,
    ...(doubted > 0 ? [`${doubted} messages that may have gone out are uncertain now.`] : []),
  ]);
  return 0;
}

function scopeOf({ operator }: Asked): string {
  return operator.workspaceId === null ? 'for the whole installation' : `for ${operator.workspaceId}`;
}

async function retry({ db, clock }: CommandParts, asked: Asked): Promise<number> {
  const { ids, filter, operator } = asked;
  // Named messages do not wake a server for all the others.
  const wholeServers = ids.length === 0 && filter.template === undefined;
  const servers = wholeServers ? await endRests(db, operator, filter, clock.now()) : [];
  const messages = await retryMessages(db, operator, filter, clock.now());
  print(asked.json, { messages, servers }, [
    `${messages} deferred messages are due now.`,
    ...servers.map((name) => `${name} is asked again now.`),
  ]);
  return 0;
}

async function cancel({ db, clock }: CommandParts, asked: Asked): Promise<number> {
  const { ids, filter, statuses, gone } = asked;
  const narrowed = ids.length > 0 || statuses.length > 0 || gone || filter.server || filter.template;
  if (!narrowed)
    throw new UsageError(
      'queue cancel takes message ids, or a filter: --server, --template, --status, --gone.',
    );
  let cancelled = 0;
  const refused: { id: string; code: string; reason: string }[] = [];
  const seen = new Set<string>();
  for await (const { row } of queued(db, filter, statuses, clock.now())) {
    seen.add(row.id);
    const actor = { id: asked.operator.id, workspaceId: row.workspace_id };
    try {
      await cancelMessage(db, clock, actor, row.id);
      cancelled++;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      refused.push({ id: row.id, code: error.code, reason: error.message });
    }
  }
  for (const id of ids)
    if (!seen.has(id))
      refused.push({ id, code: 'not_queued', reason: 'There is no such message in the queue.' });
  print(asked.json, { cancelled, refused }, [
    `${cancelled} messages are cancelled.`,
    ...refused.map((one) => `${one.id}: ${one.reason}`),
  ]);
  return refused.length === 0 ? 0 : EX_DATAERR;
}

const EX_DATAERR = 65;
