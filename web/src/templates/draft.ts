import type { TemplateView } from './queries.ts';

/** What stands in the editor. Texts that may be absent are empty. */
export interface TemplateDraft {
  name: string;
  slug: string;
  subject: string;
  preheader: string;
  from: string;
  replyTo: string;
  html: string;
  /** Empty: made from the HTML. */
  text: string;
  /** The preferred server; empty is the random choice. */
  server: string;
  failover: TemplateView['failover'];
  priority: TemplateView['priority'];
  onUncertain: TemplateView['onUncertain'];
}

const STARTER = `<h1>Hello {{ name | "there" }}</h1>

<p>It is good to have you here.</p>
`;

export const NEW_DRAFT: TemplateDraft = {
  name: '',
  slug: '',
  subject: '',
  preheader: '',
  from: '',
  replyTo: '',
  html: STARTER,
  text: '',
  server: '',
  failover: 'strict',
  priority: 'normal',
  onUncertain: 'hold',
};

export function draftOf(template: TemplateView): TemplateDraft {
  const { name, slug, subject, html, failover, priority, onUncertain } = template;
  return {
    name,
    slug,
    subject,
    html,
    failover,
    priority,
    onUncertain,
    preheader: template.preheader ?? '',
    from: template.from ?? '',
    replyTo: template.replyTo ?? '',
    text: template.textGenerated ? '' : template.text,
    server: template.server ?? '',
  };
}

export function isSame(one: TemplateDraft, other: TemplateDraft): boolean {
  return (Object.keys(one) as (keyof TemplateDraft)[]).every((name) => one[name] === other[name]);
}

/** The body of a save: texts that are empty are absent. */
export function templateBody(draft: TemplateDraft): Record<string, unknown> {
  const { preheader, from, replyTo, text, server, name, ...rest } = draft;
  return {
    ...rest,
    name: name.trim() || null,
    preheader: preheader.trim() || null,
    from: from.trim() || null,
    replyTo: replyTo.trim() || null,
    text: text.trim() ? text : null,
    server: server || null,
  };
}

/** A slug made of a name: "Welcome mail" is `welcome-mail`. */
export function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
