import { z } from 'zod';
import { parseAddress } from '../address.ts';
import { iso } from '../clock.ts';
import { AppError } from '../errors.ts';
import { type Call, MESSAGE_BODY_LIMIT, type Route, route } from '../http/route.ts';
import { checkCursor, DEFAULT_PAGE, nullableTime, page, pageQuery, time } from '../http/shapes.ts';
import { coded, validate } from '../http/validate.ts';
import { STATUSES } from '../queue/delivery.ts';
import type { RouteChoice } from '../servers/route.ts';
import type { AcceptParts } from './accept.ts';
import { cancelMessage, resendMessage, resolveMessage } from './change.ts';
import { findRow, listMessages, type MessageRecord, messageRecord } from './history.ts';
import { checkIdempotencyKey } from './idempotency.ts';
import { ContentGone, renderMessage } from './letter.ts';
import { type Message, type MessageInput, messageStatus } from './message.ts';
import { previewPage } from './preview.ts';
import { type BatchResult, send, sendBatch } from './send.ts';
import { messageOf } from './store.ts';

const addresses = z.array(z.string()).max(100).optional();
const messageBody = z.object({
  rcpt: coded(z.string({ error: 'rcpt is one address, as text.' }), 'address_invalid').optional(),
  to: coded(z.string({ error: 'to is one address, as text.' }), 'address_invalid').optional(),
  templateSlug: z.string().optional(),
  /** Some clients send a list when there are no variables. */
  variables: coded(z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())], { error: 'variables is an object of names and values.' }), 'variables_invalid').nullish(),
  attachments: coded(z.array(z.looseObject({}), { error: 'attachments is a list of {content, filename}.' }), 'attachments_invalid').nullish(),
  from: z.string().optional(),
  replyTo: z.string().optional(),
  cc: addresses,
  bcc: addresses,
  subject: z.string().optional(),
  html: z.string().optional(),
  text: z.string().optional(),
  headers: coded(z.record(z.string(), z.string(), { error: 'headers is an object of names and text values.' }), 'header_invalid').optional(),
  tags: coded(z.array(z.string().min(1).max(100), { error: 'tags is a list of at most 20 short texts.' }).max(20), 'tags_invalid').optional(),
  metadata: coded(z.record(z.string(), z.unknown(), { error: 'metadata is an object.' }), 'metadata_invalid').optional(),
  server: z.string().optional(),
  sendAt: coded(z.string({ error: 'sendAt is a time such as 2027-01-31T09:00:00Z.' }), 'date_invalid').optional(),
  type: z.enum(['transactional', 'announcement', 'automation', 'test']).optional(),
});

const acceptedView = z.object({ id: z.string(), status: z.enum(STATUSES), siblings: z.array(z.string()).optional(), warnings: z.array(z.string()) });
const refusedView = z.object({ error: z.object({ code: z.string(), message: z.string(), field: z.string().optional() }) });

const messageView = z.object({
  id: z.string(),
  status: z.enum(STATUSES),
  type: z.string(),
  sandbox: z.boolean(),
  rcpt: z.string(),
  from: z.string(),
  subject: z.string(),
  template: z.string().nullable(),
  server: z.object({ id: z.string(), name: z.string() }).nullable(),
  code: z.string().nullable(),
  reason: z.string().nullable(),
  serverMessageId: z.string().nullable(),
  messageId: z.string(),
  possibleDuplicate: z.boolean(),
  tags: z.array(z.string()),
  metadata: z.record(z.string(), z.unknown()),
  createdAt: time,
  sendAt: nullableTime,
  expiresAt: time,
  finalAt: nullableTime,
});
export type MessageView = z.output<typeof messageView>;

const recordView = messageView.extend({
  attempts: z.array(
    z.object({
      at: time,
      server: z.string().nullable(),
      serverName: z.string().nullable(),
      stage: z.string(),
      outcome: z.string(),
      code: z.string(),
      reply: z.string().nullable(),
      reason: z.string(),
      durationMs: z.number(),
    }),
  ),
  route: z
    .object({
      chosen: z.string().nullable(),
      mode: z.string(),
      candidates: z.array(z.object({ server: z.string(), name: z.string(), eligible: z.boolean(), reasons: z.array(z.string()), weight: z.number() })),
      excluded: z.array(z.object({ server: z.string(), name: z.string(), reason: z.string() })),
    })
    .nullable(),
  events: z.array(z.object({ id: z.string(), type: z.string(), at: time, detail: z.record(z.string(), z.unknown()) })),
  variables: z.record(z.string(), z.unknown()).nullable(),
  attachments: z.array(z.object({ filename: z.string(), contentType: z.string(), size: z.number() })),
});
export type MessageRecordView = z.output<typeof recordView>;

const listQuery = z.strictObject({
  status: coded(z.enum(STATUSES, { error: `status is one of ${STATUSES.join(', ')}.` }), 'status_unknown').optional(),
  rcpt: z.string().optional(),
  template: z.string().optional(),
  server: z.string().optional(),
  type: z.string().optional(),
  tag: z.string().optional(),
  q: z.string().max(200).optional(),
  ...pageQuery,
});

export interface MessageRouteParts extends AcceptParts {
  nudge: () => void;
}

export function messageRoutes(parts: MessageRouteParts): Route[] {
  return [...sendRoutes(parts), ...historyRoutes(parts), ...changeRoutes(parts)];
}

function sendRoutes(parts: MessageRouteParts): Route[] {
  return [
    route({
      method: 'POST', path: '/v1/messages', access: 'editor', tag: 'Messages', summary: 'Send a message; answered after it is stored',
      body: messageBody, unknownFields: 'warn', maxBodyBytes: MESSAGE_BODY_LIMIT,
      answers: { 202: { description: 'Accepted: it is on disk', schema: acceptedView } },
      handle: async ({ actor, body, headers, warnings }) => {
        const { replayed, response } = await send(parts, actor.workspaceId, inputOf(body), checkIdempotencyKey(headers), warnings);
        parts.nudge();
        return { status: 202, body: response, ...(replayed ? { headers: { 'idempotent-replayed': 'true' } } : {}) };
      },
    }),
    route({
      method: 'POST', path: '/v1/messages/batch', access: 'editor', tag: 'Messages', summary: 'Send up to 500 messages; each has its own result',
      body: z.strictObject({ messages: coded(z.array(z.unknown(), { error: 'messages is a list of messages.' }).min(1, 'messages is empty.'), 'messages_invalid') }),
      maxBodyBytes: MESSAGE_BODY_LIMIT,
      answers: { 202: { description: 'A result for each, in order', schema: z.object({ results: z.array(z.union([acceptedView, refusedView])) }) } },
      handle: (call) => batch(parts, call),
    }),
  ];
}

/** Each message of a batch is checked on its own; what is wrong with one is said in its place. */
async function batch(parts: MessageRouteParts, { actor, body, headers }: Call<z.ZodType<{ messages: unknown[] }>>) {
  const inputs: (MessageInput | AppError)[] = body.messages.map((one) => {
    try {
      return inputOf(validate(messageBody, one, 'warn').value as z.output<typeof messageBody>);
    } catch (error) {
      if (error instanceof AppError) return error;
      throw error;
    }
  });
  const { replayed, response } = await sendBatch(parts, actor.workspaceId, inputs, checkIdempotencyKey(headers));
  parts.nudge();
  return { status: 202, body: response as { results: BatchResult[] }, ...(replayed ? { headers: { 'idempotent-replayed': 'true' } } : {}) };
}

function historyRoutes(parts: MessageRouteParts): Route[] {
  const { db, clock, versions } = parts;
  return [
    route({
      method: 'GET', path: '/v1/messages', access: 'viewer', tag: 'Messages', summary: 'The history, newest first',
      query: listQuery,
      answers: { 200: { description: 'A page of messages', schema: page(messageView) } },
      handle: async ({ actor, query }) => {
        const { limit, cursor, rcpt, ...filter } = query;
        const now = clock.now();
        const rcptKey = rcpt === undefined ? undefined : parseAddress(rcpt, 'rcpt', { allowLocalDomains: true }).key;
        const before = checkCursor(cursor, /^msg_[0-9a-z]{26}$/);
        const found = await listMessages(db, actor.workspaceId, { ...filter, rcptKey, before }, now, limit ?? DEFAULT_PAGE);
        return { body: { data: found.data.map((one) => view(one, now)), nextCursor: found.nextCursor } };
      },
    }),
    route({
      method: 'GET', path: '/v1/messages/:id', access: 'viewer', tag: 'Messages', summary: 'One message with every attempt, its routing and what came later',
      answers: { 200: { description: 'The record', schema: recordView } },
      handle: async ({ actor, params }) => ({ body: recordOf(await messageRecord(db, actor.workspaceId, params.id!), clock.now()) }),
    }),
    route({
      method: 'GET', path: '/v1/messages/:id/preview', access: 'viewer', tag: 'Messages', summary: 'The message as its reader sees it',
      answers: { 200: { description: 'HTML, closed in by a content security policy', type: 'text/html' } },
      handle: async ({ actor, params }) => {
        const row = await findRow(db, actor.workspaceId, params.id!);
        try {
          return previewPage(await renderMessage(db, versions, row));
        } catch (error) {
          if (error instanceof ContentGone) throw new AppError('content_forgotten', error.message, { status: 404 });
          throw error;
        }
      },
    }),
  ];
}

function changeRoutes(parts: MessageRouteParts): Route[] {
  const { db, clock, vault } = parts;
  const changed = { 200: { description: 'The message', schema: messageView } };
  return [
    route({
      method: 'POST', path: '/v1/messages/:id/cancel', access: 'editor', tag: 'Messages', summary: 'Take back a message that has not gone out', answers: changed,
      handle: async ({ actor, params }) => ({ body: view(messageOf(await cancelMessage(db, clock, actor, params.id!)), clock.now()) }),
    }),
    route({
      method: 'POST', path: '/v1/messages/:id/resend', access: 'editor', tag: 'Messages', summary: 'Send the same content again as a new message',
      answers: { 202: { description: 'The new message', schema: messageView } },
      handle: async ({ actor, params }) => {
        const row = await resendMessage(db, clock, vault, actor, params.id!);
        parts.nudge();
        return { status: 202, body: view(messageOf(row), clock.now()) };
      },
    }),
    route({
      method: 'POST', path: '/v1/messages/:id/resolve', access: 'editor', tag: 'Messages', summary: 'Decide an uncertain message',
      body: z.strictObject({ as: coded(z.enum(['sent', 'resend'], { error: 'as is `sent` or `resend`.' }), 'as_invalid') }), answers: changed,
      handle: async ({ actor, params, body }) => {
        const row = await resolveMessage(db, clock, actor, params.id!, body.as);
        parts.nudge();
        return { body: view(messageOf(row), clock.now()) };
      },
    }),
  ];
}

function inputOf(body: z.output<typeof messageBody>): MessageInput {
  const { variables, attachments, ...rest } = body;
  return { ...rest, variables: { ...(variables ?? {}) }, attachments: attachments ?? [] };
}

function view(message: Message, now: number): MessageView {
  return {
    id: message.id,
    status: messageStatus(message, now) as MessageView['status'],
    type: message.type,
    sandbox: !message.live,
    rcpt: message.rcpt,
    from: message.from,
    subject: message.subject,
    template: message.templateSlug,
    server: message.serverId === null ? null : { id: message.serverId, name: message.serverName ?? message.serverId },
    code: message.code,
    reason: message.reason,
    serverMessageId: message.serverMessageId,
    messageId: message.messageIdHeader,
    possibleDuplicate: message.possibleDuplicate,
    tags: message.tags,
    metadata: message.metadata,
    createdAt: iso(message.createdAt),
    sendAt: message.sendAt === null ? null : iso(message.sendAt),
    expiresAt: iso(message.expiresAt),
    finalAt: message.finalAt === null ? null : iso(message.finalAt),
  };
}

function recordOf({ message, attempts, events, variables, attachments }: MessageRecord, now: number): MessageRecordView {
  const choice = message.route as RouteChoice | null;
  return {
    ...view(message, now),
    attempts: attempts.map(({ at, serverId, serverName, stage, outcome, code, reply, reason, durationMs }) => ({
      at: iso(at), server: serverId, serverName, stage, outcome, code, reply, reason, durationMs,
    })),
    route: choice && {
      chosen: choice.chosen,
      mode: choice.mode,
      candidates: choice.candidates,
      excluded: choice.candidates
        .filter((one) => one.server !== choice.chosen)
        .map((one) => ({ server: one.server, name: one.name, reason: one.reasons.join(' ') || 'Another server was drawn for this message.' })),
    },
    events: events.map((event) => ({ ...event, at: iso(event.at) })),
    variables,
    attachments,
  };
}
