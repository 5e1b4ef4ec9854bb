import { AppError } from '../errors.ts';
import {
  type Compiled,
  type Context,
  compile,
  joined,
  missingFrom,
  type Part,
  TemplateLimitError,
} from './mustache/index.ts';
import type { TemplateVersion } from './template.ts';

/** A version's parts, compiled once however many messages use it. */
export interface Prepared {
  subject: Compiled;
  html: Compiled | undefined;
  text: Compiled | undefined;
  preheader: Compiled | undefined;
  /** The names that values are sent under: of each path that a part uses, the first step. */
  names: readonly string[];
  /** Names without a value and without a fallback, over all parts. */
  missing: (context: Context) => string[];
}

/** What a version renders, its two bodies as text or in pieces. */
export interface Rendered<Body = string> {
  subject: string;
  html?: Body;
  text?: Body;
  preheader?: string;
}

export type Renderable = Pick<TemplateVersion, 'subject'> & {
  html?: string | null;
  text?: string | null;
  preheader?: string | null;
};

/** Versions kept compiled; the least recently used goes first. */
const KEPT_VERSIONS = 500;

/** Compiled versions by id: versions never change, so nothing here can be stale. */
export class VersionCache {
  readonly #prepared = new Map<string, Prepared>();

  /** What was prepared before; its use makes it recent. */
  known(id: string): Prepared | undefined {
    const known = this.#prepared.get(id);
    if (!known) return undefined;
    this.#prepared.delete(id);
    this.#prepared.set(id, known);
    return known;
  }

  prepared(id: string, version: Renderable): Prepared {
    const known = this.known(id);
    if (known) return known;
    if (this.#prepared.size >= KEPT_VERSIONS) this.#prepared.delete(this.#prepared.keys().next().value!);
    const made = prepare(version);
    this.#prepared.set(id, made);
    return made;
  }
}

export function prepare(version: Renderable): Prepared {
  const part = (source: string | null | undefined, mode: 'html' | 'text') =>
    source ? compile(source, mode) : undefined;
  const parts = {
    html: part(version.html, 'html'),
    subject: compile(version.subject, 'text'),
    text: part(version.text, 'text'),
    preheader: part(version.preheader, 'text'),
  };
  const used = Object.values(parts).flatMap((one) => one?.variables ?? []);
  return {
    ...parts,
    names: [...new Set(used.map(({ name }) => name.split('.')[0]!))],
    missing: missingFrom(used),
  };
}

/** @throws AppError template_limit when a part grows past its bound */
export function render(prepared: Prepared, context: Context): Rendered {
  const { html, text, ...lines } = renderParts(prepared, context);
  return {
    ...lines,
    ...(html === undefined ? {} : { html: joined(html) }),
    ...(text === undefined ? {} : { text: joined(text) }),
  };
}

/** As `render`; in the pieces of the bodies, those of the template are the same objects every time. */
export function renderParts(prepared: Prepared, context: Context): Rendered<readonly Part[]> {
  try {
    const html = prepared.html?.parts(context);
    const text = prepared.text?.parts(context);
    const preheader = prepared.preheader?.render(context);
    return {
      subject: renderSubject(prepared, context),
      ...(html === undefined ? {} : { html }),
      ...(text === undefined ? {} : { text }),
      ...(preheader === undefined ? {} : { preheader }),
    };
  } catch (error) {
    if (error instanceof TemplateLimitError) throw new AppError('template_limit', error.message);
    throw error;
  }
}

const MAX_SUBJECT = 998; // RFC 5322 §2.1.1

/** A subject is one line: a value with a line break in it becomes a blank, never a header. */
export function renderSubject(prepared: Prepared, context: Context): string {
  return prepared.subject
    .render(context)
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, MAX_SUBJECT);
}
