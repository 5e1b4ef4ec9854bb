import { z } from 'zod';
import { parseAddress } from '../address.ts';
import { AppError } from '../errors.ts';
import { type Call, MESSAGE_BODY_LIMIT, type Route, route } from '../http/route.ts';
import { checkCursor, DEFAULT_PAGE, page, pageQuery } from '../http/shapes.ts';
import { coded, validate } from '../http/validate.ts';
import { STATUSES } from '../queue/delivery.ts';
import { refuseLargeBatch } from './accept.ts';
import { cancelMessage, resendMessage } from './change.ts';
import { findRow, listMessages, messageRecord } from './history.ts';
import { checkIdempotencyKey } from './idempotency.ts';
import { ContentGone, renderMessage } from './letter.ts';
import type { MessageInput } from './message.ts';
import { previewPage } from './preview.ts';
import { MAX_RESOLVED, resolveMessage, resolveMessages } from './resolve.ts';
import { type BatchEntry, type SendParts, send, sendBatch } from './send.ts';
import {
  acceptedView,
  messageBody,
  messageView,
  presentMessage,
  presentRecord,
  presentResolved,
  recordView,
  refusedView,
  resolvedView,
} from './shapes.ts';
import { messageOf } from './store.ts';

export type { MessageRecordView, MessageView, ResolvedResult } from './shapes.ts';

const listQuery = z.strictObject({
  status: coded(
    z.enum(STATUSES, { error: `status is one of ${STATUSES.join(', ')}.` }),
    'status_unknown',
  ).optional(),
  rcpt: z.string().optional().describe('The whole address.'),
  template: z.string().optional().describe('A slug.'),
  server: z.string().optional().describe('An id.'),
  type: z.string().optional(),
  tag: z.string().optional(),
  q: z.string().max(200).optional().describe('Part of the recipient or the subject, or an id.'),
  ...pageQuery,
});

const decision = coded(
  z.enum(['sent', 'resend'], { error: 'as is `sent` or `resend`.' }),
  'as_invalid',
).describe('It counts as sent, or goes out once more.');

const IDEMPOTENCY = {
  'Idempotency-Key':
    'Repeat the call with the same key and body, and it answers as the first time, for 7 days; nothing is sent again.',
};

export interface MessageRouteParts extends SendParts {
  nudge: () => void;
}

export function messageRoutes(parts: MessageRouteParts): Route[] {
  return [...sendRoutes(parts), ...historyRoutes(parts), ...changeRoutes(parts)];
}

function sendRoutes(parts: MessageRouteParts): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/messages',
      direct: true,
      access: 'editor',
      tag: 'Messages',
      summary: 'Send a message; answered after it is stored',
      body: messageBody,
      example: { rcpt: 'ada@example.com', subject: 'Hello', text: 'The first of many.' },
      headers: IDEMPOTENCY,
      unknownFields: 'warn',
      maxBodyBytes: MESSAGE_BODY_LIMIT,
      answers: { 202: { description: 'Accepted: it is on disk', schema: acceptedView } },
      handle: async ({ actor, body, headers, warnings }) => {
        const { replayed, response } = await send(
          parts,
          actor.workspaceId,
          inputOf(body),
          checkIdempotencyKey(headers),
          warnings,
        );
        return {
          status: 202,
          body: response,
          ...(replayed ? { headers: { 'idempotent-replayed': 'true' } } : {}),
        };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/messages/batch',
      access: 'editor',
      tag: 'Messages',
      summary: 'Send up to 500 messages; each has its own result',
      body: z.strictObject({
        messages: coded(
          z
            .array(z.unknown().describe('The fields of POST /v1/messages.'), {
              error: 'messages is a list of messages.',
            })
            .min(1, 'messages is empty.'),
          'messages_invalid',
        ),
      }),
      example: { messages: [{ rcpt: 'ada@example.com', subject: 'Hello', text: 'The first of many.' }] },
      headers: IDEMPOTENCY,
      maxBodyBytes: MESSAGE_BODY_LIMIT,
      answers: {
        202: {
          description: 'A result for each, in order',
          schema: z.object({ results: z.array(z.union([acceptedView, refusedView])) }),
        },
      },
      handle: (call) => batch(parts, call),
    }),
  ];
}

/** Each message of a batch is checked on its own; what is wrong with one is said in its place. */
async function batch(
  parts: MessageRouteParts,
  { actor, body, headers }: Call<z.ZodType<{ messages: unknown[] }>>,
) {
  refuseLargeBatch(body.messages);
  const entries = body.messages.map((one): BatchEntry => {
    try {
      const { value, warnings } = validate(messageBody, one, 'warn');
      return { input: inputOf(value as z.output<typeof messageBody>), warnings };
    } catch (error) {
      if (error instanceof AppError) return error;
      throw error;
    }
  });
  const { replayed, response } = await sendBatch(
    parts,
    actor.workspaceId,
    entries,
    checkIdempotencyKey(headers),
  );
  return {
    status: 202,
    body: response,
    ...(replayed ? { headers: { 'idempotent-replayed': 'true' } } : {}),
  };
}

function historyRoutes(parts: MessageRouteParts): Route[] {
  const { db, clock, versions } = parts;
  return [
    route({
      method: 'GET',
      path: '/v1/messages',
      access: 'viewer',
      tag: 'Messages',
      summary: 'The history, newest first',
      query: listQuery,
      answers: { 200: { description: 'A page of messages', schema: page(messageView) } },
      handle: async ({ actor, query }) => {
        const { limit, cursor, rcpt, ...filter } = query;
        const now = clock.now();
        const rcptKey =
          rcpt === undefined ? undefined : parseAddress(rcpt, 'rcpt', { allowLocalDomains: true }).key;
        const before = checkCursor(cursor, /^msg_[0-9a-z]{26}$/);
        const found = await listMessages(
          db,
          actor.workspaceId,
          { ...filter, rcptKey, before },
          now,
          limit ?? DEFAULT_PAGE,
        );
        return {
          body: { data: found.data.map((one) => presentMessage(one, now)), nextCursor: found.nextCursor },
        };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/messages/:id',
      access: 'viewer',
      tag: 'Messages',
      summary: 'One message with every attempt, its routing and what came later',
      answers: { 200: { description: 'The record', schema: recordView } },
      handle: async ({ actor, params }) => ({
        body: presentRecord(await messageRecord(db, actor.workspaceId, params.id!), clock.now()),
      }),
    }),
    route({
      method: 'GET',
      path: '/v1/messages/:id/preview',
      access: 'viewer',
      tag: 'Messages',
      summary: 'The message as its reader sees it',
      answers: { 200: { description: 'HTML, closed in by a content security policy', type: 'text/html' } },
      handle: async ({ actor, params }) => {
        const row = await findRow(db, actor.workspaceId, params.id!);
        try {
          return previewPage(await renderMessage(db, versions, row));
        } catch (error) {
          if (error instanceof ContentGone)
            throw new AppError('content_forgotten', error.message, { status: 404 });
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
      method: 'POST',
      path: '/v1/messages/:id/cancel',
      access: 'editor',
      tag: 'Messages',
      summary: 'Take back a message that has not gone out',
      answers: changed,
      handle: async ({ actor, params }) => ({
        body: presentMessage(messageOf(await cancelMessage(db, clock, actor, params.id!)), clock.now()),
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/messages/:id/resend',
      access: 'editor',
      tag: 'Messages',
      summary: 'Send the same content again as a new message',
      answers: { 202: { description: 'The new message', schema: messageView } },
      handle: async ({ actor, params }) => {
        const row = await resendMessage(db, clock, vault, actor, params.id!);
        parts.nudge();
        return { status: 202, body: presentMessage(messageOf(row), clock.now()) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/messages/resolve',
      access: 'editor',
      tag: 'Messages',
      summary: `Decide up to ${MAX_RESOLVED} uncertain messages; each has its own result`,
      body: z.strictObject({
        ids: coded(
          z
            .array(z.string(), { error: 'ids is a list of message ids.' })
            .min(1, 'ids is empty.')
            .max(MAX_RESOLVED, `ids has at most ${MAX_RESOLVED} messages. Send the others in another call.`),
          'ids_invalid',
        ),
        as: decision,
      }),
      example: { ids: ['<message id>'], as: 'sent' },
      answers: {
        200: {
          description: 'A result for each, in order',
          schema: z.object({
            results: z.array(z.union([resolvedView, refusedView.extend({ id: z.string() })])),
          }),
        },
      },
      handle: async ({ actor, body }) => {
        const results = await resolveMessages(db, clock, actor, body.ids, body.as);
        parts.nudge();
        return { body: { results: results.map((one) => presentResolved(one, clock.now())) } };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/messages/:id/resolve',
      access: 'editor',
      tag: 'Messages',
      summary: 'Decide an uncertain message',
      body: z.strictObject({ as: decision }),
      example: { as: 'sent' },
      answers: changed,
      handle: async ({ actor, params, body }) => {
        const row = await resolveMessage(db, clock, actor, params.id!, body.as);
        parts.nudge();
        return { body: presentMessage(messageOf(row), clock.now()) };
      },
    }),
  ];
}

function inputOf(body: z.output<typeof messageBody>): MessageInput {
  const { variables, attachments } = body;
  const named = Array.isArray(variables) ? { ...variables } : (variables ?? {});
  return { ...body, variables: named, attachments: attachments ?? [] };
}
