import { z } from 'zod';
import { iso } from '../clock.ts';
import { nullableTime, time, warningList } from '../http/shapes.ts';
import { coded } from '../http/validate.ts';
import { STATUSES } from '../queue/delivery.ts';
import type { RouteChoice } from '../servers/route.ts';
import { candidateView } from '../servers/shapes.ts';
import type { MessageRecord } from './history.ts';
import { type Message, messageStatus } from './message.ts';
import type { Resolved } from './resolve.ts';

// What messages look like in the API: read by routes.ts, and by the web app as types.

const addresses = z.array(z.string()).max(100).optional();
/** Documented here, judged by attachments.ts, which names the attachment in its errors. */
const attachment = z.looseObject({
  content: z.unknown().optional().meta({ type: 'string', description: 'Base64. Needed.' }),
  filename: z.unknown().optional().meta({ type: 'string', description: 'With its ending. Needed.' }),
  contentType: z.unknown().optional().meta({ type: 'string', description: 'Else read from the ending.' }),
});
const message = z.object({
  rcpt: coded(z.string({ error: 'rcpt is one address, as text.' }), 'address_invalid')
    .optional()
    .describe('The recipient, one address. Needed, here or as `to`.'),
  to: coded(z.string({ error: 'to is one address, as text.' }), 'address_invalid')
    .optional()
    .describe('Another name of `rcpt`.'),
  templateSlug: z
    .string()
    .optional()
    .describe('The template to send. Without it: `subject` with `html` or `text`.'),
  /** Some clients send a list when there are no variables. */
  variables: coded(
    z.union([z.looseObject({}), z.array(z.unknown())], {
      error: 'variables is an object of names and values.',
    }),
    'variables_invalid',
  )
    .nullish()
    .describe('Values for the template. Attributes of the contact stand below them.'),
  attachments: coded(
    z.array(attachment, { error: 'attachments is a list of {content, filename}.' }),
    'attachments_invalid',
  )
    .nullish()
    .describe('At most 10 MB together, decoded.'),
  from: z
    .string()
    .optional()
    .describe('An address, with a name or without. Else the template’s, else the workspace’s `defaultFrom`.'),
  replyTo: z.string().optional().describe('Where answers go; else the template’s.'),
  cc: addresses.describe('Seen by all; each address gets a message of its own, a sibling.'),
  bcc: addresses.describe('Seen by nobody; each address gets a sibling.'),
  subject: z.string().optional().describe('In place of a template, together with `html` or `text`.'),
  html: z.string().optional().describe('Sent as it is, without variables.'),
  text: z.string().optional().describe('Sent as it is, without variables.'),
  headers: coded(
    z.record(z.string(), z.string(), { error: 'headers is an object of names and text values.' }),
    'header_invalid',
  )
    .optional()
    .describe('Headers of your own, at most 50; those that Mailwright writes are refused.'),
  tags: coded(
    z.array(z.string().min(1).max(100), { error: 'tags is a list of at most 20 short texts.' }).max(20),
    'tags_invalid',
  )
    .optional()
    .describe('To find messages by; at most 20.'),
  metadata: coded(z.looseObject({}, { error: 'metadata is an object.' }), 'metadata_invalid')
    .optional()
    .describe('Yours: kept with the message, never sent.'),
  server: z.string().optional().describe('The id of a server: this one and no other.'),
  sendAt: coded(z.string({ error: 'sendAt is a time such as 2027-01-31T09:00:00Z.' }), 'date_invalid')
    .optional()
    .describe('When to send, as 2027-01-31T09:00:00Z; at once when absent.'),
  type: z
    .enum(['transactional', 'announcement', 'automation', 'test'])
    .optional()
    .describe('What kind of mail it is, for the history; `transactional` by default.'),
});
/** Compiled, as most calls are this one: a third of the time, with the same answers. */
export const messageBody = z.compile(message);

export const acceptedView = z.object({
  id: z.string(),
  status: z.enum(STATUSES),
  siblings: z.array(z.string()).optional().describe('Ids of the messages to cc and bcc.'),
  warnings: warningList,
});
export const refusedView = z.object({
  error: z.object({ code: z.string(), message: z.string(), field: z.string().optional() }),
});

/** One of many that were decided. */
export const resolvedView = z.object({ id: z.string(), status: z.enum(STATUSES) });
export type ResolvedResult = z.output<typeof resolvedView> | (z.output<typeof refusedView> & { id: string });

export const messageView = z.object({
  id: z.string(),
  status: z.enum(STATUSES),
  type: z.string(),
  sandbox: z.boolean().describe('Accepted while no server was connected.'),
  rcpt: z.string(),
  from: z.string(),
  subject: z.string(),
  template: z.string().nullable().describe('Its slug.'),
  server: z
    .object({ id: z.string(), name: z.string() })
    .nullable()
    .describe('The one that took it, or tried last.'),
  code: z.string().nullable().describe('Why it stands where it stands: a stable code.'),
  reason: z.string().nullable().describe('The same as a sentence.'),
  serverMessageId: z.string().nullable().describe('What the server calls it, read from its reply.'),
  messageId: z.string().describe('The Message-ID header.'),
  possibleDuplicate: z.boolean().describe('The recipient may have a copy already.'),
  tags: z.array(z.string()),
  metadata: z.record(z.string(), z.unknown()),
  createdAt: time,
  sendAt: nullableTime,
  expiresAt: time.describe('Not tried after this time.'),
  finalAt: nullableTime.describe('When its status became final.'),
});
export type MessageView = z.output<typeof messageView>;

export const recordView = messageView.extend({
  attempts: z.array(
    z.object({
      at: time,
      server: z.string().nullable(),
      serverName: z.string().nullable(),
      stage: z.string().describe('How far the session came: connect, mail, rcpt, …'),
      outcome: z.string(),
      code: z.string(),
      reply: z.string().nullable().describe('The line the server said.'),
      reason: z.string(),
      durationMs: z.number(),
    }),
  ),
  route: z
    .object({
      chosen: z.string().nullable(),
      mode: z.string().describe('How it was chosen: preferred, random, sandbox or none.'),
      candidates: z.array(candidateView),
      excluded: z.array(z.object({ server: z.string(), name: z.string(), reason: z.string() })),
    })
    .nullable(),
  events: z.array(
    z.object({ id: z.string(), type: z.string(), at: time, detail: z.record(z.string(), z.unknown()) }),
  ),
  variables: z.record(z.string(), z.unknown()).nullable().describe('Null when forgotten (sensitive).'),
  attachments: z.array(
    z.object({ filename: z.string(), contentType: z.string(), size: z.number().describe('Bytes.') }),
  ),
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

export function presentResolved(one: Resolved, now: number): ResolvedResult {
  if ('error' in one) return { id: one.id, error: { code: one.error.code, message: one.error.message } };
  return { id: one.id, status: messageStatus(one.message, now) as MessageView['status'] };
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
