import { z } from 'zod';
import { iso } from '../clock.ts';
import { time } from '../http/shapes.ts';
import { coded } from '../http/validate.ts';
import type { Saved } from './save.ts';
import { type Template, type TemplateVersion, variablesOf } from './template.ts';

// What templates look like in the API: read by routes.ts, and by the web app as types.

const settings = {
  name: z.string().max(200).nullish(),
  server: z.string().nullish(),
  failover: coded(
    z.enum(['strict', 'any'], { error: 'failover is `strict` or `any`.' }),
    'failover_invalid',
  ).optional(),
  onUncertain: coded(
    z.enum(['hold', 'resend_once', 'assume_sent'], {
      error: 'onUncertain is `hold`, `resend_once` or `assume_sent`.',
    }),
    'on_uncertain_invalid',
  ).optional(),
  priority: coded(
    z.enum(['high', 'normal'], { error: 'priority is `high` or `normal`.' }),
    'priority_invalid',
  ).optional(),
  ttl: coded(
    z.number({ error: 'ttl is a whole number of seconds, from 60 to 2592000.' }).int().min(60).max(2_592_000),
    'ttl_invalid',
  ).nullish(),
  sensitive: z.boolean().optional(),
  trackOpens: z.boolean().optional(),
  trackClicks: z.boolean().optional(),
};
const optionalContent = {
  text: z.string().nullish(),
  preheader: z.string().max(1_000).nullish(),
  from: z.string().nullish(),
  replyTo: z.string().nullish(),
  design: z.unknown().optional(),
};
export const slug = coded(
  z.string({ error: 'Give the template a slug, such as welcome-mail.' }),
  'slug_invalid',
);
export const newTemplate = z.strictObject({
  slug,
  subject: z.string(),
  html: z.string(),
  ...optionalContent,
  ...settings,
});
export const templateChange = z.strictObject({
  slug: slug.optional(),
  subject: z.string().optional(),
  html: z.string().optional(),
  version: z.number().int().optional(),
  ...optionalContent,
  ...settings,
});

const variableView = z.object({
  name: z.string(),
  within: z.string().nullable(),
  fallback: z.string().nullable(),
  section: z.boolean(),
  raw: z.boolean(),
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
  textGenerated: z.boolean(),
  design: z.unknown(),
  server: z.string().nullable(),
  failover: z.enum(['strict', 'any']),
  onUncertain: z.enum(['hold', 'resend_once', 'assume_sent']),
  priority: z.enum(['high', 'normal']),
  ttl: z.number().nullable(),
  sensitive: z.boolean(),
  trackOpens: z.boolean(),
  trackClicks: z.boolean(),
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
export type TemplateVersionView = z.output<typeof versionView>;

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
  missing: z.array(z.string()),
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
