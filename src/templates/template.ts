import { parseMailbox } from '../address.ts';
import { AppError } from '../errors.ts';
import {
  compile,
  type Mode,
  TemplateLimitError,
  TemplateSyntaxError,
  type Variable,
} from './mustache/index.ts';
import { textPartOf } from './text-part.ts';

export type OnUncertain = 'hold' | 'resend_once' | 'assume_sent';

/** A template's settings and its newest version. */
export interface Template {
  id: string;
  workspaceId: string;
  slug: string;
  name: string;
  version: number;
  versionId: string;
  /** The preferred server. */
  serverId: string | null;
  failover: 'strict' | 'any';
  onUncertain: OnUncertain;
  priority: 'high' | 'normal';
  /** Seconds a message may wait; null takes the default of its priority. */
  ttl: number | null;
  sensitive: boolean;
  trackOpens: boolean;
  trackClicks: boolean;
  createdAt: number;
  updatedAt: number;
}

/** What a message is made of. Immutable: a message remembers the version it used. */
export interface TemplateVersion {
  id: string;
  version: number;
  subject: string;
  html: string;
  text: string;
  textGenerated: boolean;
  preheader: string | null;
  from: string | null;
  replyTo: string | null;
  design: unknown;
  createdAt: number;
}

export const DEFAULT_TTL_SECONDS = 48 * 60 * 60;
/** A code or a reset link is of no use later. */
export const HIGH_PRIORITY_TTL_SECONDS = 15 * 60;

export function ttlSeconds(template: Pick<Template, 'ttl' | 'priority'> | undefined): number {
  return template?.ttl ?? (template?.priority === 'high' ? HIGH_PRIORITY_TTL_SECONDS : DEFAULT_TTL_SECONDS);
}

const MAX_SUBJECT = 998; // RFC 5322 §2.1.1
const MAX_SLUG = 100;

/** @throws AppError slug_invalid */
export function checkSlug(slug: string): string {
  const text = slug.trim();
  if (text.length > MAX_SLUG || !/^[a-z0-9]+([-_.][a-z0-9]+)*$/i.test(text)) {
    throw new AppError(
      'slug_invalid',
      'A slug has letters, digits, hyphens, underscores and dots, such as welcome-mail.',
      { field: 'slug' },
    );
  }
  return text;
}

export interface Content {
  subject: string;
  html: string;
  /** Empty or absent: made from the HTML. */
  text?: string | null | undefined;
  preheader?: string | null | undefined;
  from?: string | null | undefined;
  replyTo?: string | null | undefined;
  design?: unknown;
}

/** Checks what an author saves and prepares the text part. @throws AppError with line and column of a syntax error. */
export function checkContent(content: Content): Omit<TemplateVersion, 'id' | 'version' | 'createdAt'> {
  if (content.subject.trim() === '')
    throw new AppError('subject_required', 'Give the template a subject.', { field: 'subject' });
  if (content.subject.length > MAX_SUBJECT)
    throw new AppError('subject_too_long', `The subject has at most ${MAX_SUBJECT} characters.`, {
      field: 'subject',
    });
  if (/[\x00-\x1f\x7f]/.test(content.subject))
    throw new AppError('control_character', 'The subject holds a line break or a control character.', {
      field: 'subject',
    });
  if (content.html.trim() === '')
    throw new AppError('html_required', 'Write the HTML of the mail.', { field: 'html' });
  checkSyntax(content.subject, 'text', 'subject');
  checkSyntax(content.html, 'html', 'html');
  const given = content.text?.trim() ? content.text : undefined;
  if (given !== undefined) checkSyntax(given, 'text', 'text');
  if (content.preheader) checkSyntax(content.preheader, 'text', 'preheader');
  if (content.from) parseMailbox(content.from, 'from', { severalCode: 'one_from', allowLocalDomains: true });
  if (content.replyTo) parseMailbox(content.replyTo, 'replyTo', { allowLocalDomains: true });
  return {
    subject: content.subject,
    html: content.html,
    text: given ?? textPartOf(content.html),
    textGenerated: given === undefined,
    preheader: content.preheader?.trim() || null,
    from: content.from?.trim() || null,
    replyTo: content.replyTo?.trim() || null,
    design: content.design ?? null,
  };
}

/** @throws AppError template_syntax, template_limit */
export function checkSyntax(source: string, mode: Mode, field: string): void {
  try {
    compile(source, mode);
  } catch (error) {
    if (error instanceof TemplateSyntaxError) {
      const { line, column, excerpt } = error;
      throw new AppError('template_syntax', error.message, { field, detail: { line, column, excerpt } });
    }
    if (error instanceof TemplateLimitError) throw new AppError('template_limit', error.message, { field });
    throw error;
  }
}

/** All variables of a version, those of the HTML first; a name that any part counts on is required. */
export function variablesOf(
  version: Pick<TemplateVersion, 'subject' | 'html' | 'text' | 'preheader'>,
): Variable[] {
  const parts = [
    compile(version.html, 'html'),
    compile(version.subject, 'text'),
    compile(version.text, 'text'),
    compile(version.preheader ?? '', 'text'),
  ];
  const merged = new Map<string, Variable>();
  for (const one of parts.flatMap(({ variables }) => variables)) {
    const key = `${one.within ?? ''}/${one.name}`;
    const known = merged.get(key);
    merged.set(key, known ? { ...known, required: known.required || one.required } : one);
  }
  return [...merged.values()];
}
