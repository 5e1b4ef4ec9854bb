import { z } from 'zod';
import { iso } from '../clock.ts';
import { time } from '../http/shapes.ts';
import { coded } from '../http/validate.ts';
import type { Saved } from './save.ts';
import { type Template, type TemplateVersion, variablesOf } from './template.ts';

// What templates look like in the API: read by routes.ts, and by the web app as types.

const NOT_YET = 'Stored, without effect yet.';

const settings = {
  name: z.string().max(200).nullish().describe('Else the slug.'),
  server: z.string().nullish().describe('The id of the preferred server; null draws one for each message.'),
  failover: coded(z.enum(['strict', 'any'], { error: 'failover is `strict` or `any`.' }), 'failover_invalid')
    .optional()
    .describe('Wait for the preferred server, or take another while it is unwell.'),
  onUncertain: coded(
    z.enum(['hold', 'resend_once', 'assume_sent'], {
      error: 'onUncertain is `hold`, `resend_once` or `assume_sent`.',
    }),
    'on_uncertain_invalid',
  )
    .optional()
    .describe('What becomes of an uncertain message; `hold` waits for a person, and is the default.'),
  priority: coded(
    z.enum(['high', 'normal'], { error: 'priority is `high` or `normal`.' }),
    'priority_invalid',
  )
    .optional()
    .describe('`high` goes before all others.'),
  ttl: coded(
    z.number({ error: 'ttl is a whole number of seconds, from 60 to 2592000.' }).int().min(60).max(2_592_000),
    'ttl_invalid',
  )
    .nullish()
    .describe('Seconds a message may wait. By default 48 hours, 15 minutes when the priority is high.'),
  sensitive: z.boolean().optional().describe('Variables and body are forgotten once a message is final.'),
  trackOpens: z.boolean().optional().describe(NOT_YET),
  trackClicks: z.boolean().optional().describe(NOT_YET),
};
const optionalContent = {
  text: z.string().nullish().describe('The text part; made from the HTML when absent.'),
  preheader: z.string().max(1_000).nullish().describe('What mailboxes show beside the subject.'),
  from: z.string().nullish().describe('Else the workspace’s `defaultFrom`.'),
  replyTo: z.string().nullish(),
  design: z.unknown().optional().describe(`The document of a visual editor. ${NOT_YET}`),
};
export const slug = coded(
  z.string({ error: 'Give the template a slug, such as welcome-mail.' }),
  'slug_invalid',
).describe('Letters, digits, hyphens, underscores and dots; what calls name the template by.');
export const newTemplate = z.strictObject({
  slug,
  subject: z.string().describe('May hold variables, as `Hi {{ name }}`.'),
  html: z.string().describe('Mustache.'),
  ...optionalContent,
  ...settings,
});
export const templateChange = z.strictObject({
  slug: slug.optional(),
  subject: z.string().optional(),
  html: z.string().optional(),
  version: z
    .number()
    .int()
    .optional()
    .describe('The version this change was made from; 409 `version_conflict` when there is a newer one.'),
  ...optionalContent,
  ...settings,
});

const variableView = z.object({
  name: z.string(),
  within: z.string().nullable().describe('The section it stands in.'),
  fallback: z.string().nullable().describe('Used when no value is sent.'),
  section: z.boolean(),
  raw: z.boolean().describe('Put in without escaping.'),
  required: z.boolean(),
});
export const templateView = z.object({
  id: z.string(),
  slug: z.string(),
  name: z.string(),
  subject: z.string(),
  preheader: z.string().nullable(),
  from: z.string().nullable(),
  replyTo: z.string().nullable(),
  html: z.string(),
  text: z.string(),
  textGenerated: z.boolean().describe('Made from the HTML.'),
  design: z.unknown().describe(NOT_YET),
  server: z.string().nullable(),
  failover: z.enum(['strict', 'any']),
  onUncertain: z.enum(['hold', 'resend_once', 'assume_sent']),
  priority: z.enum(['high', 'normal']),
  ttl: z.number().nullable(),
  sensitive: z.boolean(),
  trackOpens: z.boolean().describe(NOT_YET),
  trackClicks: z.boolean().describe(NOT_YET),
  version: z.number(),
  variables: z.array(variableView),
  hasUnsubscribeLink: z.boolean(),
  createdAt: time,
  updatedAt: time,
});
export type TemplateView = z.output<typeof templateView>;

export const versionView = z.object({
  version: z.number(),
  subject: z.string(),
  html: z.string(),
  text: z.string(),
  createdAt: time,
});

export const previewBody = z.strictObject({
  variables: z.record(z.string(), z.unknown()).optional(),
  subject: z.string().optional(),
  html: z.string().optional(),
  text: z.string().nullish(),
  preheader: z.string().nullish(),
});
export const previewView = z.object({
  subject: z.string(),
  html: z.string(),
  text: z.string(),
  missing: z.array(z.string()).describe('Variables without a value or a fallback.'),
  /** Of the text as sent in the call, which may not be saved yet. */
  variables: z.array(variableView),
  hasUnsubscribeLink: z.boolean(),
});
export type PreviewView = z.output<typeof previewView>;

/** What a template's text asks for. */
export function tagsOf(content: Pick<TemplateVersion, 'subject' | 'html' | 'text' | 'preheader'>) {
  const variables = variablesOf(content);
  return {
    variables: variables.map((one) => ({
      name: one.name,
      within: one.within ?? null,
      fallback: one.fallback ?? null,
      section: one.section,
      raw: one.raw,
      required: one.required,
    })),
    hasUnsubscribeLink: variables.some((one) => one.name === 'unsubscribe_link'),
  };
}

/** A template with the text of its newest version. */
export function presentTemplate({ template, version }: Saved): TemplateView {
  return {
    ...settingsOf(template),
    ...contentOf(version),
    ...tagsOf(version),
    createdAt: iso(template.createdAt),
    updatedAt: iso(template.updatedAt),
  };
}

function settingsOf(template: Template) {
  const {
    id,
    slug,
    name,
    version,
    serverId,
    failover,
    onUncertain,
    priority,
    ttl,
    sensitive,
    trackOpens,
    trackClicks,
  } = template;
  return {
    id,
    slug,
    name,
    version,
    server: serverId,
    failover,
    onUncertain,
    priority,
    ttl,
    sensitive,
    trackOpens,
    trackClicks,
  };
}

function contentOf(version: TemplateVersion) {
  const { subject, preheader, from, replyTo, html, text, textGenerated, design } = version;
  return { subject, preheader, from, replyTo, html, text, textGenerated, design };
}
