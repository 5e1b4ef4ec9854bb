import { z } from 'zod';
import { iso } from '../clock.ts';
import { MESSAGE_BODY_LIMIT, type Route, route } from '../http/route.ts';
import { checkCursor, DEFAULT_PAGE, page, pageQuery } from '../http/shapes.ts';
import { type SendParts, send } from '../messages/send.ts';
import { acceptedView } from '../messages/shapes.ts';
import type { Db } from '../storage/db.ts';
import { prepare, render } from './render.ts';
import { changeTemplate, createTemplate, duplicateTemplate, findTemplate, removeTemplate } from './save.ts';
import {
  newTemplate,
  type PreviewView,
  presentTemplate,
  previewBody,
  previewView,
  slug,
  tagsOf,
  templateChange,
  templateView,
  versionView,
} from './shapes.ts';
import { type Content, checkContent, type TemplateVersion } from './template.ts';
import { findVersion, listTemplates, listVersions } from './templates.ts';

export type { PreviewView, TemplateView } from './shapes.ts';

export function templateRoutes(parts: SendParts): Route[] {
  const { db, clock } = parts;
  const found = { 200: { description: 'The template', schema: templateView } };
  const created = { 201: { description: 'The template', schema: templateView } };
  return [
    route({
      method: 'GET',
      path: '/v1/templates',
      access: 'viewer',
      tag: 'Templates',
      summary: 'Templates, by slug',
      query: z.strictObject(pageQuery),
      answers: { 200: { description: 'A page of templates', schema: page(templateView) } },
      handle: async ({ actor, query }) => ({ body: await listPage(db, actor.workspaceId, query) }),
    }),
    route({
      method: 'POST',
      path: '/v1/templates',
      access: 'editor',
      tag: 'Templates',
      summary: 'Create a template',
      body: newTemplate,
      example: { slug: 'welcome', subject: 'Hi {{ name }}', html: '<p>Hi {{ name }}</p>' },
      maxBodyBytes: MESSAGE_BODY_LIMIT,
      answers: created,
      handle: async ({ actor, body }) => ({
        status: 201,
        body: presentTemplate(await createTemplate(db, clock, actor.workspaceId, body)),
      }),
    }),
    route({
      method: 'GET',
      path: '/v1/templates/:slug',
      access: 'viewer',
      tag: 'Templates',
      summary: 'One template',
      answers: found,
      handle: async ({ actor, params }) => ({
        body: presentTemplate(await findTemplate(db, actor.workspaceId, params.slug!)),
      }),
    }),
    route({
      method: 'PATCH',
      path: '/v1/templates/:slug',
      access: 'editor',
      tag: 'Templates',
      summary: 'Save a change as a new version',
      body: templateChange,
      example: { subject: 'Welcome, {{ name }}' },
      maxBodyBytes: MESSAGE_BODY_LIMIT,
      answers: found,
      handle: async ({ actor, params, body }) => ({
        body: presentTemplate(
          await changeTemplate(db, clock, actor.workspaceId, params.slug!, body as never),
        ),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/v1/templates/:slug',
      access: 'editor',
      tag: 'Templates',
      summary: 'Delete a template; messages keep the version they used',
      answers: { 204: { description: 'Deleted' } },
      handle: async ({ actor, params }) => {
        await removeTemplate(db, actor.workspaceId, params.slug!);
        return { status: 204 };
      },
    }),
    ...actionRoutes(parts),
  ];
}

/** What can be done with a template besides editing it. */
function actionRoutes(parts: SendParts): Route[] {
  const { db, clock } = parts;
  return [
    route({
      method: 'GET',
      path: '/v1/templates/:slug/versions',
      access: 'viewer',
      tag: 'Templates',
      summary: 'Its versions, newest first',
      answers: { 200: { description: 'The versions', schema: page(versionView) } },
      handle: async ({ actor, params }) => {
        const { template } = await findTemplate(db, actor.workspaceId, params.slug!);
        const data = (await listVersions(db, template.id)).map(
          ({ version, subject, html, text, createdAt }) => ({
            version,
            subject,
            html,
            text,
            createdAt: iso(createdAt),
          }),
        );
        return { body: { data, nextCursor: null } };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/templates/:slug/preview',
      access: 'viewer',
      tag: 'Templates',
      summary: 'Render it with variables; text sent in the call is rendered in place of what is saved',
      body: previewBody,
      example: { variables: { name: 'Ada' } },
      maxBodyBytes: MESSAGE_BODY_LIMIT,
      answers: { 200: { description: 'What a reader would see', schema: previewView } },
      handle: async ({ actor, params, body }) => ({
        body: preview((await findTemplate(db, actor.workspaceId, params.slug!)).version, body),
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/templates/preview',
      access: 'viewer',
      tag: 'Templates',
      summary: 'Render text that is not saved yet',
      body: previewBody,
      example: { subject: 'Hi {{ name }}', html: '<p>Hi {{ name }}</p>', variables: { name: 'Ada' } },
      maxBodyBytes: MESSAGE_BODY_LIMIT,
      answers: { 200: { description: 'What a reader would see', schema: previewView } },
      handle: async ({ body }) => ({ body: preview(undefined, body) }),
    }),
    route({
      method: 'POST',
      path: '/v1/templates/:slug/test',
      access: 'editor',
      tag: 'Templates',
      summary: 'Send a test message',
      body: z.strictObject({ rcpt: z.string(), variables: z.record(z.string(), z.unknown()).optional() }),
      example: { rcpt: 'ada@example.com', variables: { name: 'Ada' } },
      answers: {
        202: {
          description: 'Accepted',
          schema: acceptedView,
        },
      },
      handle: async ({ actor, params, body }) => {
        const { response } = await send(
          parts,
          actor.workspaceId,
          { ...body, templateSlug: params.slug!, type: 'test' },
          undefined,
          [],
        );
        return { status: 202, body: response };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/templates/:slug/duplicate',
      access: 'editor',
      tag: 'Templates',
      summary: 'Copy it under another slug',
      body: z.strictObject({ slug }),
      example: { slug: 'welcome-copy' },
      answers: { 201: { description: 'The copy', schema: templateView } },
      handle: async ({ actor, params, body }) => ({
        status: 201,
        body: presentTemplate(await duplicateTemplate(db, clock, actor.workspaceId, params.slug!, body.slug)),
      }),
    }),
  ];
}

async function listPage(
  db: Db,
  workspaceId: string,
  query: { limit?: number | undefined; cursor?: string | undefined },
) {
  const limit = query.limit ?? DEFAULT_PAGE;
  const cursor = checkCursor(query.cursor, /^[\w.-]{1,100}$/);
  const templates = await listTemplates(db, workspaceId, cursor, limit + 1);
  const shown = templates.slice(0, limit);
  const data = await Promise.all(
    shown.map(async (template) =>
      presentTemplate({ template, version: (await findVersion(db, template.versionId))! }),
    ),
  );
  return { data, nextCursor: templates.length > limit ? shown.at(-1)!.slug : null };
}

function preview(saved: TemplateVersion | undefined, body: z.output<typeof previewBody>): PreviewView {
  const content = checkContent(draftOf(saved, body));
  const prepared = prepare(content);
  const variables = body.variables ?? {};
  const { subject, html = '', text = '' } = render(prepared, variables);
  return { subject, html, text, missing: prepared.missing(variables), ...tagsOf(content) };
}

/** A new template starts empty, and its preview must not complain about that. */
function draftOf(saved: TemplateVersion | undefined, body: z.output<typeof previewBody>): Content {
  const text = body.text === undefined ? (saved?.textGenerated ? null : saved?.text) : body.text;
  return {
    subject: body.subject?.trim() ? body.subject : (saved?.subject ?? '(no subject)'),
    html: body.html?.trim() ? body.html : (saved?.html ?? '<p></p>'),
    text: body.html === undefined ? text : (body.text ?? null),
    preheader: body.preheader === undefined ? saved?.preheader : body.preheader,
  };
}
