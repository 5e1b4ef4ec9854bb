import { type Address, type AddressRules, parseMailbox, suggestDomain } from '../address.ts';
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
import { type Prepared, prepare, renderSubject, type VersionCache } from '../templates/render.ts';
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
  type Sender,
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

/** What the calls to a workspace are judged by, until something of it is changed. */
export interface Scene {
  workspaceId: string;
  defaultFrom: string | null;
  servers: readonly Server[];
  rules: AddressRules;
  senders: Map<string, Sender>;
  template(slug: string): Promise<Saved>;
}

/** @throws AppError disk_full (503) where there would be no room for what is asked */
export function sceneOf({ db, disk, memo }: AcceptParts, workspaceId: string): Promise<Scene> {
  disk.refuseWhenLow();
  return memo.get('scene', workspaceId, async () => {
    const { defaultFrom } = await findWorkspace(db, workspaceId);
    const servers = await listServers(db, workspaceId);
    const templates = `template of ${workspaceId}`;
    return {
      workspaceId,
      defaultFrom,
      servers,
      rules: { allowLocalDomains: servers.some((server) => server.allowPrivate) },
      senders: new Map(),
      template: (slug) =>
        memo.get(templates, slug, () => findTemplate(db, workspaceId, slug, 'templateSlug')),
    };
  });
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
  const { workspaceId, servers, rules } = scene;
  const body = checkBody(input);
  const recipients = checkRecipients(input, rules);
  const template = 'templateSlug' in body ? await scene.template(body.templateSlug) : undefined;
  const from = checkFrom(input.from, template?.version.from, scene.defaultFrom, rules, scene.senders);
  if (input.replyTo !== undefined) parseMailbox(input.replyTo, 'replyTo', rules);
  if (input.server !== undefined && !servers.some((server) => server.id === input.server))
    throw unknownServer(input.server, 'server');
  const sendAt = checkSendAt(input.sendAt, now, warnings);
  const attachments = checkAttachments(input.attachments ?? []);
  const headers = input.headers ? checkHeaders(input.headers) : {};
  warnings.push(...recipients.warnings, ...typoWarnings(recipients.envelopes));

  const prepared = template ? parts.versions.prepared(template.version.id, template.version) : NO_TEMPLATE;
  const given = input.variables ?? {};
  const wanted = prepared.names.filter((name) => !Object.hasOwn(given, name));
  const variables =
    wanted.length === 0
      ? given
      : { ...(await attributesOf(parts.db, workspaceId, recipients.envelopes[0]!, wanted)), ...given };
  for (const name of template ? prepared.missing(variables) : [])
    warnings.push(`The template uses {{ ${name} }}, and no value was sent for it.`);
  const content: StoredContent = {
    variables,
    inline: 'inline' in body ? body.inline : undefined,
    replyTo: (input.replyTo ?? template?.version.replyTo) || undefined,
    to: recipients.to,
    cc: recipients.cc,
    headers,
    date: sendAt ?? now,
  };
  const subject = 'inline' in body ? body.inline.subject : listedSubject(template!, prepared, variables);
  const rows = envelopeRows(parts.vault, recipients.envelopes, content, {
    input,
    template,
    workspaceId,
    now,
    sendAt,
    subject,
    from,
    live: servers.length > 0,
  });
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

/** Those attributes of the contact that the template asks for and the call does not give, frozen now. */
async function attributesOf(
  db: Db,
  workspaceId: string,
  rcpt: Address,
  wanted: readonly string[],
): Promise<Record<string, unknown>> {
  const contact = (await contactsAmong(db.read, workspaceId, [rcpt.key])).get(rcpt.key);
  const known = contact ? contactVariables(contact) : { email: rcpt.address };
  return Object.fromEntries(Object.entries(known).filter(([name]) => wanted.includes(name)));
}

function typoWarnings(addresses: readonly Address[]): string[] {
  return addresses.flatMap((address) => {
    const meant = suggestDomain(address.domain);
    return meant ? [`domain_typo: ${address.address} may be meant for ${meant}.`] : [];
  });
}

/** What the rows of one call have in common. */
interface Shared {
  input: MessageInput;
  template: Saved | undefined;
  workspaceId: string;
  now: number;
  sendAt: number | null;
  subject: string;
  from: Sender;
  live: boolean;
}

/**
 * Siblings share the content of the first row, its Message-ID and its headers; each has its own envelope. Of sensitive
 * content each has a copy of its own: it is forgotten when its message ends, and the others must go on.
 */
function envelopeRows(
  vault: Vault,
  envelopes: readonly Address[],
  content: StoredContent,
  { input, template, workspaceId, now, sendAt, subject, from, live }: Shared,
): NewMessage[] {
  const settings = template?.template;
  const dueAt = sendAt ?? now;
  const type = input.type ?? 'transactional';
  const firstId = newId('msg', now);
  const messageIdHeader = `${firstId}.${vault.sign(firstId, 8)}@${from.mailbox.address.domain}`;
  const text = JSON.stringify(content);
  return envelopes.map((envelope, at) => ({
    id: at === 0 ? firstId : newId('msg', now),
    workspace_id: workspaceId,
    type,
    live: live ? 1 : 0,
    state: 'queued',
    lane: startLane({ live, workspaceId }),
    priority: priorityOf(type, template),
    due_at: dueAt,
    lease_owner: null,
    fence: 0,
    expires_at: dueAt + ttlSeconds(settings) * 1000,
    created_at: now,
    send_at: sendAt,
    final_at: null,
    rcpt: envelope.address,
    rcpt_key: envelope.key,
    from_mailbox: from.text,
    subject,
    template_id: settings?.id ?? null,
    template_slug: settings?.slug ?? null,
    template_version_id: template?.version.id ?? null,
    pinned_server_id: input.server ?? null,
    on_uncertain: settings?.onUncertain ?? 'hold',
    failover: settings?.failover ?? 'strict',
    sensitive: settings?.sensitive ? 1 : 0,
    code: null,
    reason: null,
    message_id_header: messageIdHeader,
    content_of: firstId,
    content: at === 0 || settings?.sensitive ? text : null,
    tags: JSON.stringify(input.tags ?? []),
    metadata: JSON.stringify(input.metadata ?? {}),
  }));
}

/** What one person waits for goes before what was written to many. */
function priorityOf(type: string, template: Saved | undefined): number {
  if (template?.template.priority === 'high') return HIGH;
  return type === 'announcement' ? BULK : NORMAL;
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
