import { z } from 'zod';
import { type Clock, iso } from '../clock.ts';
import { type Route, route } from '../http/route.ts';
import { addressInPath, time, warningList } from '../http/shapes.ts';
import { coded } from '../http/validate.ts';
import type { Db } from '../storage/db.ts';
import { type Contact, contactStatus } from './contact.ts';
import { liftFlag } from './lift.ts';
import { contactDid, findContact, removeContact, saveContact } from './upsert.ts';

const contactView = z.looseObject({
  id: z.string(),
  email: z.string(),
  status: z.enum(['active', 'bounced', 'unsubscribed']),
  attributes: z.record(
    z.string(),
    z.object({
      type: z.enum(['string', 'number', 'boolean', 'date']),
      value: z.union([z.string(), z.number(), z.boolean()]),
    }),
  ),
  createdAt: time,
  updatedAt: time,
});
export type ContactView = z.output<typeof contactView>;

export function audienceRoutes({ db, clock }: { db: Db; clock: Clock }): Route[] {
  const found = { 200: { description: 'The contact', schema: contactView } };
  return [
    route({
      method: 'POST',
      path: '/v1/contacts',
      access: 'editor',
      tag: 'Audience',
      summary: 'Create or change a contact: every other key is an attribute, null removes one',
      body: z.looseObject({ email: z.string() }),
      example: { email: 'ada@example.com', firstName: 'Ada', plan: 'pro' },
      unknownFields: 'keep',
      answers: found,
      handle: async ({ actor, body }) => {
        const { email, ...attributes } = body;
        return { body: view(await saveContact(db, clock, actor.workspaceId, email, attributes)) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/contacts/:email',
      access: 'viewer',
      tag: 'Audience',
      summary: 'One contact',
      answers: found,
      handle: async ({ actor, params, request }) => ({
        body: view(await findContact(db, actor.workspaceId, addressInPath(request, params.email!))),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/v1/contacts/:email',
      access: 'editor',
      tag: 'Audience',
      summary: 'Delete a contact',
      answers: { 204: { description: 'Deleted' } },
      handle: async ({ actor, params, request }) => {
        await removeContact(db, actor.workspaceId, addressInPath(request, params.email!));
        return { status: 204 };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/contacts/:email/lift',
      access: 'editor',
      tag: 'Audience',
      summary: 'Lift a flag of a contact: after `bounced`, mail may go there again',
      body: z.strictObject({
        flag: coded(
          z.enum(['bounced', 'unsubscribed'], { error: 'flag is `bounced` or `unsubscribed`.' }),
          'flag_invalid',
        ).describe('`bounced` also lifts the block of the address.'),
      }),
      example: { flag: 'bounced' },
      answers: found,
      handle: async ({ actor, params, request, body }) => ({
        body: view(await liftFlag(db, clock, actor, addressInPath(request, params.email!), body.flag)),
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/events',
      access: 'editor',
      tag: 'Audience',
      summary: 'A contact did something; an unknown contact is created',
      body: z.object({
        email: z.string(),
        slug: z.string().describe('What the contact did, as `signed-up`.'),
      }),
      example: { email: 'ada@example.com', slug: 'signed-up' },
      unknownFields: 'warn',
      answers: {
        202: { description: 'Recorded', schema: z.object({ id: z.string(), warnings: warningList }) },
      },
      handle: async ({ actor, body, warnings }) => {
        const { id } = await contactDid(db, clock, actor.workspaceId, body.email, body.slug);
        return { status: 202, body: { id, warnings } };
      },
    }),
  ];
}

function view(contact: Contact): ContactView {
  return {
    ...Object.fromEntries(
      Object.entries(contact.attributes).map(([name, attribute]) => [name, attribute.value]),
    ),
    id: contact.id,
    email: contact.email,
    status: contactStatus(contact),
    attributes: contact.attributes,
    createdAt: iso(contact.createdAt),
    updatedAt: iso(contact.updatedAt),
  };
}
