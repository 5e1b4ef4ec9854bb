import { type Address, type AddressRules, type Mailbox, parseAddress, parseMailbox } from '../address.ts';
import { AppError } from '../errors.ts';
import { type DeliveryTimes, statusOf } from '../queue/delivery.ts';

/** What was asked to be sent, as far as the caller said it. The envelope of each message has one recipient. */
export interface MessageInput {
  rcpt?: string | undefined;
  to?: string | undefined;
  cc?: string[] | undefined;
  bcc?: string[] | undefined;
  templateSlug?: string | undefined;
  variables?: Record<string, unknown> | undefined;
  attachments?: Record<string, unknown>[] | undefined;
  from?: string | undefined;
  replyTo?: string | undefined;
  subject?: string | undefined;
  html?: string | undefined;
  text?: string | undefined;
  headers?: Record<string, string> | undefined;
  tags?: string[] | undefined;
  metadata?: Record<string, unknown> | undefined;
  server?: string | undefined;
  sendAt?: string | undefined;
  type?: 'transactional' | 'announcement' | 'automation' | 'test' | undefined;
}

/** What is kept of a message besides its template: enough to make the same bytes for every attempt. */
export interface StoredContent {
  variables: Record<string, unknown>;
  /** In place of a template. */
  inline?: { subject: string; html?: string; text?: string } | undefined;
  replyTo?: string | undefined;
  to: string[];
  cc: string[];
  headers: Record<string, string>;
  /** The Date header, ms. */
  date: number;
}

const MAX_RECIPIENTS = 50;

export interface Recipients {
  /** Every envelope, the `to` first. */
  envelopes: Address[];
  /** The addresses of the To and Cc headers. */
  to: string[];
  cc: string[];
  warnings: string[];
}

/** Checks who receives; an address named twice gets one copy. @throws AppError to_required, one_address, … */
export function checkRecipients(input: MessageInput, rules: AddressRules): Recipients {
  const field = input.rcpt === undefined && input.to !== undefined ? 'to' : 'rcpt';
  const given = input.rcpt ?? input.to;
  if (given === undefined || given.trim() === '') {
    throw new AppError('to_required', 'Name the recipient in rcpt, for example "rcpt": "ada@example.com".', {
      field,
    });
  }
  if (input.rcpt !== undefined && input.to !== undefined && input.rcpt.trim() !== input.to.trim()) {
    throw new AppError('choose_one', 'Name the recipient in rcpt or in to, not two different ones.', {
      field: 'to',
    });
  }
  const warnings: string[] = [];
  const to = parseAddress(given, field, rules);
  const cc = (input.cc ?? []).map((address, at) => parseAddress(address, `cc[${at}]`, rules));
  const bcc = (input.bcc ?? []).map((address, at) => parseAddress(address, `bcc[${at}]`, rules));
  const byKey = new Map<string, Address>();
  for (const address of [to, ...cc, ...bcc]) {
    if (byKey.has(address.key)) warnings.push(`${address.address} was named twice and receives one copy.`);
    else byKey.set(address.key, address);
  }
  if (byKey.size > MAX_RECIPIENTS) {
    throw new AppError(
      'too_many_recipients',
      `A message has at most ${MAX_RECIPIENTS} recipients; use POST /v1/messages/batch for more.`,
      { field: 'cc' },
    );
  }
  return { envelopes: [...byKey.values()], to: [to.address], cc: cc.map((one) => one.address), warnings };
}

export interface Sender {
  mailbox: Mailbox;
  text: string;
}

/**
 * The message's From, else the template's, else the workspace's. `known` keeps those of templates and the workspace,
 * which very many messages share. @throws AppError from_required
 */
export function checkFrom(
  given: string | undefined,
  template: string | null | undefined,
  workspace: string | null,
  rules: AddressRules,
  known: Map<string, Sender>,
): Sender {
  const text = given ?? template ?? workspace;
  if (!text) {
    throw new AppError(
      'from_required',
      'Say who it is from: in the call, in the template, or as the default From of the workspace.',
      { field: 'from' },
    );
  }
  const before = known.get(text);
  if (before) return before;
  const mailbox = parseMailbox(text, 'from', { ...rules, severalCode: 'one_from' });
  const sender = { mailbox, text: text.trim() };
  if (given === undefined) known.set(text, sender);
  return sender;
}

const HOUR = 3_600_000;
const LATE_OK = HOUR;
const FARTHEST = 366 * 24 * HOUR;

/** @returns the time, or null for now. @throws AppError date_invalid, zone_required, send_at_past, too_far */
export function checkSendAt(given: string | undefined, now: number, warnings: string[]): number | null {
  if (given === undefined) return null;
  const refuse = (code: string, message: string) => new AppError(code, message, { field: 'sendAt' });
  const form = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/.exec(
    given.trim(),
  );
  const at = form ? Date.parse(form[6] ? given.trim() : `${given.trim()}Z`) : Number.NaN;
  if (
    !form ||
    Number.isNaN(at) ||
    new Date(Date.UTC(+form[1]!, +form[2]! - 1, +form[3]!)).getUTCDate() !== +form[3]!
  ) {
    throw refuse('date_invalid', 'sendAt is a time such as 2027-01-31T09:00:00Z.');
  }
  if (!form[6])
    throw refuse('zone_required', 'Add the time zone to sendAt: Z for UTC, or an offset such as +02:00.');
  if (at > now + FARTHEST) throw refuse('too_far', 'sendAt is more than a year ahead.');
  if (at >= now) return at;
  if (at < now - LATE_OK) throw refuse('send_at_past', 'sendAt is in the past.');
  warnings.push('sendAt is in the past; the message is sent now.');
  return null;
}

/** Either a template or a subject with a body. @throws AppError choose_one, body_required, subject_required */
export function checkBody(
  input: MessageInput,
): { templateSlug: string } | { inline: NonNullable<StoredContent['inline']> } {
  const { templateSlug, subject, html, text } = input;
  const inline = [subject, html, text].some((part) => part !== undefined);
  if (templateSlug !== undefined && inline) {
    throw new AppError('choose_one', 'Send either templateSlug, or subject with html or text.', {
      field: 'templateSlug',
    });
  }
  if (templateSlug !== undefined) return { templateSlug };
  if (!html && !text)
    throw new AppError('body_required', 'Send templateSlug, or subject with html or text.', {
      field: 'templateSlug',
    });
  if (!subject?.trim())
    throw new AppError('subject_required', 'Give the message a subject.', { field: 'subject' });
  if (/[\x00-\x1f\x7f]/.test(subject))
    throw new AppError('control_character', 'The subject holds a line break or a control character.', {
      field: 'subject',
    });
  if (subject.length > 998)
    throw new AppError('subject_too_long', 'The subject has at most 998 characters.', { field: 'subject' });
  return { inline: { subject, ...(html ? { html } : {}), ...(text ? { text } : {}) } };
}

/** A message in the history. */
export interface Message extends DeliveryTimes {
  id: string;
  workspaceId: string;
  type: string;
  live: boolean;
  rcpt: string;
  from: string;
  subject: string;
  templateSlug: string | null;
  serverId: string | null;
  serverName: string | null;
  code: string | null;
  reason: string | null;
  route: unknown;
  serverMessageId: string | null;
  messageIdHeader: string;
  possibleDuplicate: boolean;
  tags: string[];
  metadata: Record<string, unknown>;
  createdAt: number;
  expiresAt: number;
  finalAt: number | null;
}

/** How long it may wait for its delivery, in ms. */
export function lifetimeOf({ expiresAt, sendAt, createdAt }: LifeTimes): number {
  return expiresAt - (sendAt ?? createdAt);
}

type LifeTimes = Pick<Message, 'expiresAt' | 'sendAt' | 'createdAt'>;

export function messageStatus(message: DeliveryTimes, now: number): string {
  return statusOf(message, now);
}
