import { type Address, type Mailbox, parseAddress, parseMailbox } from '../address.ts';
import type { PlainMail } from '../notices/mailer.ts';
import type { MessageRow } from '../queue/queue.ts';
import type { Db } from '../storage/db.ts';
import { type Prepared, type Rendered, render, renderParts, type VersionCache } from '../templates/render.ts';
import { findVersion } from '../templates/templates.ts';
import { type ComposedMessage, compose } from './compose/compose.ts';
import type { StoredContent } from './message.ts';
import { attachmentsOf, contentOf, withAttachments } from './store.ts';

export interface Letter extends ComposedMessage {
  /** Who the envelope names. */
  from: Address;
  rcpt: Address;
}

/** Content that was forgotten (a sensitive template, once final) or never stored. */
export class ContentGone extends Error {}

/** Addresses were judged when they were accepted. */
const RULES = { allowLocalDomains: true };

/**
 * Everything in a message is frozen, so this gives the same bytes however often it is asked.
 * @param hasAttachments false spares the look for them
 */
export async function composeLetter(
  db: Db,
  versions: VersionCache,
  row: MessageRow,
  hasAttachments = true,
): Promise<Letter> {
  const content = parsed(row.content ?? (await sharedContent(db, row)));
  const rendered =
    content.inline ??
    renderParts(await preparedVersion(db, versions, row.template_version_id!), content.variables);
  const rcpt = parseAddress(row.rcpt, 'rcpt', RULES);
  const mailbox = (address: string): Mailbox => ({
    address: address === row.rcpt ? rcpt : parseAddress(address, 'to', RULES),
  });
  const from = senderOf(row);
  const attachments = hasAttachments ? await attachmentsOf(db, row.content_of) : [];
  const composed = compose({
    id: row.id,
    messageId: row.message_id_header,
    date: content.date,
    from,
    ...(content.replyTo === undefined ? {} : { replyTo: parseMailbox(content.replyTo, 'replyTo', RULES) }),
    to: content.to.map(mailbox),
    ...(content.cc.length > 0 ? { cc: content.cc.map(mailbox) } : {}),
    ...rendered,
    headers: content.headers,
    attachments: attachments.map((one) => ({
      ...one,
      content: Buffer.from(one.content.buffer, one.content.byteOffset, one.content.length),
    })),
    boundarySeed: row.message_id_header,
  });
  return { ...composed, from: from.address, rcpt };
}

/** Senders kept; past it all are read again. */
const KEPT_SENDERS = 1_000;
const senders = new Map<string, Mailbox>();

/** Who a message is from. Many messages have the same sender, which is read once. */
export function senderOf({ from_mailbox: text }: Pick<MessageRow, 'from_mailbox'>): Mailbox {
  const known = senders.get(text);
  if (known) return known;
  const sender = parseMailbox(text, 'from', RULES);
  if (senders.size >= KEPT_SENDERS) senders.clear();
  senders.set(text, sender);
  return sender;
}

/** A mail of Mailwright itself, in plain text. */
export function composeNotice(mail: PlainMail): ComposedMessage {
  const from = parseAddress(mail.from, 'from', RULES);
  return compose({
    id: mail.id,
    messageId: `${mail.id}@${from.domain}`,
    date: mail.date,
    from: { name: 'Mailwright', address: from },
    to: [{ address: parseAddress(mail.to, 'to', RULES) }],
    subject: mail.subject,
    text: mail.text,
    // What answers by itself stays silent (RFC 3834 §5).
    headers: { 'Auto-Submitted': 'auto-generated' },
    boundarySeed: mail.id,
  });
}

/** What a reader sees. @throws ContentGone */
export async function renderMessage(db: Db, versions: VersionCache, row: MessageRow): Promise<Rendered> {
  const content = await storedContent(db, row);
  if (content.inline) return content.inline;
  return render(await preparedVersion(db, versions, row.template_version_id!), content.variables);
}

export async function storedContent(
  db: Db,
  row: Pick<MessageRow, 'content' | 'content_of' | 'id'>,
): Promise<StoredContent> {
  return parsed(row.content ?? (await sharedContent(db, row)));
}

async function sharedContent(db: Db, row: Pick<MessageRow, 'content_of' | 'id'>) {
  return row.content_of === row.id ? null : contentOf(db, row.content_of);
}

function parsed(content: string | null | undefined): StoredContent {
  if (!content) throw new ContentGone('The content of this message was forgotten.');
  return JSON.parse(content) as StoredContent;
}

/** Mostly known, and then without a promise. */
function preparedVersion(db: Db, versions: VersionCache, id: string): Prepared | Promise<Prepared> {
  return versions.known(id) ?? readVersion(db, versions, id);
}

async function readVersion(db: Db, versions: VersionCache, id: string): Promise<Prepared> {
  const version = await findVersion(db, id);
  if (!version) throw new ContentGone('The template version of this message is gone.');
  return versions.prepared(id, version);
}

/** Which of these messages have attachments, by the id under which siblings share them. */
export function haveAttachments(db: Db, contentIds: readonly string[]): Promise<Set<string>> {
  return withAttachments(db, contentIds);
}
