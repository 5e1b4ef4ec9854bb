import { z } from 'zod';
import { iso } from '../clock.ts';
import { nullableTime, time } from '../http/shapes.ts';
import { coded } from '../http/validate.ts';
import { STATUSES } from '../queue/delivery.ts';
import type { RouteChoice } from '../servers/route.ts';
import type { MessageRecord } from './history.ts';
import { type Message, messageStatus } from './message.ts';

// What messages look like in the API: read by routes.ts, and by the web app as types.

const addresses = z.array(z.string()).max(100).optional();
export const messageBody = z.object({
  rcpt: coded(z.string({ error: 'rcpt is one address, as text.' }), 'address_invalid').optional(),
  to: coded(z.string({ error: 'to is one address, as text.' }), 'address_invalid').optional(),
  templateSlug: z.string().optional(),
  /** Some clients send a list when there are no variables. */
  variables: coded(
    z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())], {
      error: 'variables is an object of names and values.',
    }),
    'variables_invalid',
  ).nullish(),
  attachments: coded(
    z.array(z.looseObject({}), { error: 'attachments is a list of {content, filename}.' }),
    'attachments_invalid',
  ).nullish(),
  from: z.string().optional(),
  replyTo: z.string().optional(),
  cc: addresses,
  bcc: addresses,
  subject: z.string().optional(),
  html: z.string().optional(),
  text: z.string().optional(),
  headers: coded(
    z.record(z.string(), z.string(), { error: 'headers is an object of names and text values.' }),
    'header_invalid',
  ).optional(),
  tags: coded(
    z.array(z.string().min(1).max(100), { error: 'tags is a list of at most 20 short texts.' }).max(20),
    'tags_invalid',
  ).optional(),
  metadata: coded(
    z.record(z.string(), z.unknown(), { error: 'metadata is an object.' }),
    'metadata_invalid',
  ).optional(),
  server: z.string().optional(),
  sendAt: coded(
    z.string({ error: 'sendAt is a time such as 2027-01-31T09:00:00Z.' }),
    'date_invalid',
  ).optional(),
  type: z.enum(['transactional', 'announcement', 'automation', 'test']).optional(),
});

export const acceptedView = z.object({
  id: z.string(),
  status: z.enum(STATUSES),
  siblings: z.array(z.string()).optional(),
  warnings: z.array(z.string()),
});
export const refusedView = z.object({
  error: z.object({ code: z.string(), message: z.string(), field: z.string().optional() }),
});

export const messageView = z.object({
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

export const recordView = messageView.extend({
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
      candidates: z.array(
        z.object({
          server: z.string(),
          name: z.string(),
          eligible: z.boolean(),
          reasons: z.array(z.string()),
          weight: z.number(),
        }),
      ),
      excluded: z.array(z.object({ server: z.string(), name: z.string(), reason: z.string() })),
    })
    .nullable(),
  events: z.array(
    z.object({ id: z.string(), type: z.string(), at: time, detail: z.record(z.string(), z.unknown()) }),
  ),
  variables: z.record(z.string(), z.unknown()).nullable(),
  attachments: z.array(z.object({ filename: z.string(), contentType: z.string(), size: z.number() })),
});
export type MessageRecordView = z.output<typeof recordView>;

/** A message as the list shows it. */
export function presentMessage(message: Message, now: number): MessageView {
  return {
    id: message.id,
    status: messageStatus(message, now) as MessageView['status'],
    type: message.type,
    sandbox: !message.live,
    rcpt: message.rcpt,
    from: message.from,
    subject: message.subject,
    template: message.templateSlug,
    server:
      message.serverId === null
        ? null
        : { id: message.serverId, name: message.serverName ?? message.serverId },
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

/** A message with all that is known of it. */
export function presentRecord(
  { message, attempts, events, variables, attachments }: MessageRecord,
  now: number,
): MessageRecordView {
  const choice = message.route as RouteChoice | null;
  return {
    ...presentMessage(message, now),
    attempts: attempts.map(
      ({ at, serverId, serverName, stage, outcome, code, reply, reason, durationMs }) => ({
        at: iso(at),
        server: serverId,
        serverName,
        stage,
        outcome,
        code,
        reply,
        reason,
        durationMs,
      }),
    ),
    route: choice && {
      chosen: choice.chosen,
      mode: choice.mode,
      candidates: choice.candidates,
      excluded: choice.candidates
        .filter((one) => one.server !== choice.chosen)
        .map((one) => ({
          server: one.server,
          name: one.name,
          reason: one.reasons.join(' ') || notChosen(choice),
        })),
    },
    events: events.map((event) => ({ ...event, at: iso(event.at) })),
    variables,
    attachments,
  };
}

/** Why a server that could have taken the message did not get it. */
function notChosen(choice: RouteChoice): string {
  return choice.mode === 'preferred'
    ? 'The template prefers another server.'
    : 'Another server was drawn for this message.';
}
