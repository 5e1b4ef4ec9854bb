import { z } from 'zod';
import { liftBlock } from '../audience/lift.ts';
import { type Clock, iso } from '../clock.ts';
import { type Route, route } from '../http/route.ts';
import {
  addressInPath,
  checkCursor,
  DEFAULT_PAGE,
  nullableTime,
  page,
  pageQuery,
  time,
} from '../http/shapes.ts';
import { coded } from '../http/validate.ts';
import type { Db } from '../storage/db.ts';
import { findSuppression, listSuppressions, suppressByHand } from './suppress.ts';
import { isActive, REASONS, type Suppression } from './suppression.ts';

const suppressionView = z.object({
  id: z.string(),
  email: z.string(),
  reason: z.enum(REASONS).describe('Its mail bounced, it complained, or a person blocked it.'),
  source: z.enum(['smtp', 'manual']).describe('How it came to be known: in an SMTP session, or by hand.'),
  code: z.string().nullable().describe('The stable code of the refusal.'),
  reply: z.string().nullable().describe('The line the server said.'),
  message: z.string().nullable().describe('The id of the message that was refused.'),
  server: z
    .object({ id: z.string(), name: z.string() })
    .nullable()
    .describe('The one that said it; its name stays when it is deleted.'),
  active: z.boolean().describe('False when `until` has passed: mail goes there again.'),
  since: time,
  until: nullableTime.describe('Null: until somebody lifts it.'),
});
export type SuppressionView = z.output<typeof suppressionView>;

const listQuery = z.strictObject({
  q: coded(z.string().max(254, 'q has at most 254 characters: an address has no more.'), 'q_too_long')
    .optional()
    .describe('Part of the address.'),
  reason: coded(
    z.enum(REASONS, { error: `reason is one of ${REASONS.join(', ')}.` }),
    'reason_unknown',
  ).optional(),
  ...pageQuery,
});

export function suppressionRoutes({ db, clock }: { db: Db; clock: Clock }): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/suppressions',
      access: 'viewer',
      tag: 'Blocked addresses',
      summary: 'Addresses that get no mail, newest first',
      query: listQuery,
      answers: { 200: { description: 'A page of blocked addresses', schema: page(suppressionView) } },
      handle: async ({ actor, query: { limit, cursor, q, reason } }) => {
        const before = checkCursor(cursor, /^sup_[0-9a-z]{26}$/);
        const filter = { q: q || undefined, reason, before };
        const found = await listSuppressions(db, actor.workspaceId, filter, limit ?? DEFAULT_PAGE);
        const now = clock.now();
        return { body: { data: found.data.map((one) => view(one, now)), nextCursor: found.nextCursor } };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/suppressions',
      access: 'editor',
      tag: 'Blocked addresses',
      summary: 'Block an address by hand',
      body: z.strictObject({
        email: z.string().describe('The address that gets no mail from now on.'),
        reason: coded(
          z.literal('manual', { error: 'reason is `manual`: the others are found out, not said.' }),
          'reason_invalid',
        ).optional(),
      }),
      example: { email: 'ada@example.com' },
      answers: { 201: { description: 'The block', schema: suppressionView } },
      handle: async ({ actor, body }) => ({
        status: 201,
        body: view(await suppressByHand(db, clock, actor, body.email), clock.now()),
      }),
    }),
    route({
      method: 'GET',
      path: '/v1/suppressions/:email',
      access: 'viewer',
      tag: 'Blocked addresses',
      summary: 'Why an address is blocked',
      answers: { 200: { description: 'The block', schema: suppressionView } },
      handle: async ({ actor, params, request }) => {
        const email = addressInPath(request, params.email!);
        return { body: view(await findSuppression(db, actor.workspaceId, email), clock.now()) };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/suppressions/:email',
      access: 'editor',
      tag: 'Blocked addresses',
      summary: 'Lift a block, and the bounced flag of its contact',
      answers: { 204: { description: 'Lifted: mail may go there again' } },
      handle: async ({ actor, params, request }) => {
        await liftBlock(db, clock, actor, addressInPath(request, params.email!));
        return { status: 204 };
      },
    }),
  ];
}

function view(one: Suppression, now: number): SuppressionView {
  return {
    id: one.id,
    email: one.email,
    reason: one.reason,
    source: one.source,
    code: one.code,
    reply: one.reply,
    message: one.messageId,
    server: one.serverId === null ? null : { id: one.serverId, name: one.serverName ?? one.serverId },
    active: isActive(one, now),
    since: iso(one.createdAt),
    until: one.expiresAt === null ? null : iso(one.expiresAt),
  };
}
