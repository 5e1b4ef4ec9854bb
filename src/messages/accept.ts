import { type Address, parseMailbox, suggestDomain } from '../address.ts';
import { contactVariables } from '../audience/contact.ts';
import { contactsAmong } from '../audience/upsert.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { BULK, HIGH, NORMAL, startLane } from '../queue/delivery.ts';
import { unknownServer } from '../servers/save.ts';
import type { Server } from '../servers/server.ts';
import { listServers } from '../servers/servers.ts';
import type { Db } from '../storage/db.ts';
import type { Disk } from '../storage/disk.ts';
import type { Memo } from '../storage/memo.ts';
import {
  missingNames,
  type Prepared,
  prepare,
  renderSubject,
  type VersionCache,
} from '../templates/render.ts';
import { findTemplate, type Saved } from '../templates/save.ts';
import { ttlSeconds } from '../templates/template.ts';
import type { Vault } from '../vault.ts';
import { findWorkspace } from '../workspaces/workspaces.ts';
import { checkAttachments } from './attachments.ts';
import { checkHeaders } from './custom-headers.ts';
import {
  checkBody,
  checkFrom,
  checkRecipients,
  checkSendAt,
  type MessageInput,
  type StoredContent,
} from './message.ts';
import type { NewMessage, StoredAttachment } from './store.ts';

/** A body sent in the call is taken as it is: it has no variables. */
const NO_TEMPLATE = prepare({ subject: '' });

export interface AcceptParts {
  db: Db;
  clock: Clock;
  vault: Vault;
  versions: VersionCache;
  memo: Memo;
  disk: Disk;
}

/** One accepted call: its rows, not yet stored. */
export interface Draft {
  rows: NewMessage[];
  attachments: StoredAttachment[];
  warnings: string[];
}

export interface Accepted {
  id: string;
  status: string;
  siblings?: string[];
  warnings: string[];
}

/** What a call is judged by; looked up once, however many messages the call has. */
export interface Scene {
  workspaceId: string;
  defaultFrom: string | null;
  servers: readonly Server[];
  template(slug: string): Promise<Saved>;
}

/** @throws AppError disk_full (503) where there would be no room for what is asked */
export async function sceneOf({ db, disk, memo }: AcceptParts, workspaceId: string): Promise<Scene> {
  disk.refuseWhenLow();
  const { defaultFrom, servers } = await memo.get(`scene ${workspaceId}`, async () => ({
    defaultFrom: (await findWorkspace(db, workspaceId)).defaultFrom,
    servers: await listServers(db, workspaceId),
  }));
  return {
    workspaceId,
    defaultFrom,
    servers,
    template: (slug) =>
      memo.get(`template ${workspaceId} ${slug}`, () => findTemplate(db, workspaceId, slug, 'templateSlug')),
  };
}

/**
 * Checks one call and makes its rows: one for each envelope. Reads, but writes nothing.
 * @throws AppError with the code and the field of what is wrong
 */
export async function draft(
  parts: AcceptParts,
  scene: Scene,
  input: MessageInput,
  warnings: string[],
): Promise<Draft> {
  const now = parts.clock.now();
  const { workspaceId, servers } = scene;
  const body = checkBody(input);
  const rules = { allowLocalDomains: servers.some((server) => server.allowPrivate) };
  const recipients = checkRecipients(input, rules);
  const template = 'templateSlug' in body ? await scene.template(body.templateSlug) : undefined;
  const from = checkFrom(input.from, template?.version.from, scene.defaultFrom, rules);
  if (input.replyTo !== undefined) parseMailbox(input.replyTo, 'replyTo', rules);
  if (input.server !== undefined && !servers.some((server) => server.id === input.server))
    throw unknownServer(input.server, 'server');
  const sendAt = checkSendAt(input.sendAt, now, warnings);
  const attachments = checkAttachments(input.attachments ?? []);
  const headers = checkHeaders(input.headers ?? {});
  warnings.push(...recipients.warnings, ...typoWarnings(recipients.envelopes));

  const prepared = template ? parts.versions.prepared(template.version.id, template.version) : NO_TEMPLATE;
  const variables = await variablesFor(parts.db, workspaceId, input, recipients.envelopes[0]!, prepared);
  if (template)
    warnings.push(
      ...missingNames(prepared, variables).map(
        (name) => `The template uses {{ ${name} }}, and no value was sent for it.`,
      ),
    );
  const content: StoredContent = {
    variables,
    ...('inline' in body ? { inline: body.inline } : {}),
    ...replyToOf(input, template),
    to: recipients.to,
    cc: recipients.cc,
    headers,
    date: sendAt ?? now,
  };
  const subject = 'inline' in body ? body.inline.subject : listedSubject(template!, prepared, variables);
  const shared = sharedColumns({
    input,
    template,
    workspaceId,
    now,
    sendAt,
    subject,
    from: from.text,
    live: servers.length > 0,
  });
  const rows = envelopeRows(parts.vault, shared, recipients.envelopes, content, from.mailbox.address.domain);
  return { rows, attachments, warnings };
}

/** The subject as the history keeps it: with its values, unless they are to be forgotten. */
function listedSubject(
  { template, version }: Saved,
  prepared: Prepared,
  variables: Record<string, unknown>,
): string {
  return template.sensitive ? version.subject : renderSubject(prepared, variables);
}

/**
 * The values a message is rendered with, frozen now: those of the call, and below them the attributes of the contact
 * that the template asks for.
 */
async function variablesFor(
  db: Db,
  workspaceId: string,
  input: MessageInput,
  rcpt: Address,
  prepared: Prepared,
): Promise<Record<string, unknown>> {
  const given = input.variables ?? {};
  const wanted = new Set(prepared.names.filter((name) => !Object.hasOwn(given, name)));
  if (wanted.size === 0) return given;
  const contact = (await contactsAmong(db.read, workspaceId, [rcpt.key])).get(rcpt.key);
  const known = contact ? contactVariables(contact) : { email: rcpt.address };
  return { ...Object.fromEntries(Object.entries(known).filter(([name]) => wanted.has(name))), ...given };
}

function replyToOf(input: MessageInput, template: Saved | undefined): { replyTo?: string } {
  const text = input.replyTo ?? template?.version.replyTo;
  return text ? { replyTo: text } : {};
}

function typoWarnings(addresses: readonly Address[]): string[] {
  return addresses.flatMap((address) => {
    const meant = suggestDomain(address.domain);
    return meant ? [`domain_typo: ${address.address} may be meant for ${meant}.`] : [];
  });
}

interface Shared {
  input: MessageInput;
  template: Saved | undefined;
  workspaceId: string;
  now: number;
  sendAt: number | null;
  subject: string;
  from: string;
  live: boolean;
}

type SharedColumns = Omit<
  NewMessage,
  'id' | 'rcpt' | 'rcpt_key' | 'message_id_header' | 'content_of' | 'content'
>;

function sharedColumns({
  input,
  template,
  workspaceId,
  now,
  sendAt,
  subject,
  from,
  live,
}: Shared): SharedColumns {
  const dueAt = sendAt ?? now;
  const type = input.type ?? 'transactional';
  return {
    workspace_id: workspaceId,
    type,
    live: live ? 1 : 0,
    state: 'queued',
    lane: startLane({ live, workspaceId }),
    priority: priorityOf(type, template),
    due_at: dueAt,
    expires_at: dueAt + ttlSeconds(template?.template) * 1000,
    created_at: now,
    send_at: sendAt,
    final_at: null,
    from_mailbox: from,
    subject,
    template_id: template?.template.id ?? null,
    template_slug: template?.template.slug ?? null,
    template_version_id: template?.version.id ?? null,
    pinned_server_id: input.server ?? null,
    on_uncertain: template?.template.onUncertain ?? 'hold',
    failover: template?.template.failover ?? 'strict',
    sensitive: template?.template.sensitive ? 1 : 0,
    code: null,
    reason: null,
    tags: JSON.stringify(input.tags ?? []),
    metadata: JSON.stringify(input.metadata ?? {}),
  };
}

/** What one person waits for goes before what was written to many. */
function priorityOf(type: string, template: Saved | undefined): number {
  if (template?.template.priority === 'high') return HIGH;
  return type === 'announcement' ? BULK : NORMAL;
}

/**
 * Siblings share the content of the first row, its Message-ID and its headers; each has its own envelope. Of sensitive
 * content each has a copy of its own: it is forgotten when its message ends, and the others must go on.
 */
function envelopeRows(
  vault: Vault,
  shared: SharedColumns,
  envelopes: readonly Address[],
  content: StoredContent,
  fromDomain: string,
): NewMessage[] {
  const firstId = newId('msg', shared.created_at);
  const messageIdHeader = `${firstId}.${vault.sign(firstId, 8)}@${fromDomain}`;
  return envelopes.map((envelope, at) => ({
    ...shared,
    id: at === 0 ? firstId : newId('msg', shared.created_at),
    rcpt: envelope.address,
    rcpt_key: envelope.key,
    message_id_header: messageIdHeader,
    content_of: firstId,
    content: at === 0 || shared.sensitive === 1 ? JSON.stringify(content) : null,
  }));
}

/** More than this in one call is refused. */
export const MAX_BATCH = 500;

export function refuseLargeBatch(messages: readonly unknown[]): void {
  if (messages.length > MAX_BATCH) {
    throw new AppError(
      'batch_too_large',
      `A batch has at most ${MAX_BATCH} messages; this one has ${messages.length}.`,
      { field: 'messages' },
    );
  }
}
