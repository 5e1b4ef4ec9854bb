import type { Clock } from '../clock.ts';
import { AppError, notFound } from '../errors.ts';
import { newId } from '../ids.ts';
import { findServer } from '../servers/save.ts';
import type { Db } from '../storage/db.ts';
import {
  deleteTemplate,
  insertTemplate,
  insertVersion,
  templateBySlug,
  updateTemplate,
  versionById,
} from './store.ts';
import { type Content, checkContent, checkSlug, type Template, type TemplateVersion } from './template.ts';

export interface TemplateSettings {
  name?: string | null | undefined;
  server?: string | null | undefined;
  failover?: Template['failover'] | undefined;
  onUncertain?: Template['onUncertain'] | undefined;
  priority?: Template['priority'] | undefined;
  ttl?: number | null | undefined;
  sensitive?: boolean | undefined;
  trackOpens?: boolean | undefined;
  trackClicks?: boolean | undefined;
}

export interface Saved {
  template: Template;
  version: TemplateVersion;
}

export async function createTemplate(
  db: Db,
  clock: Clock,
  workspaceId: string,
  input: Content & TemplateSettings & { slug: string },
): Promise<Saved> {
  const slug = checkSlug(input.slug);
  const content = checkContent(input);
  await checkServer(db, workspaceId, input.server);
  const now = clock.now();
  const version: TemplateVersion = { ...content, id: newId('tpv', now), version: 1, createdAt: now };
  const template = {
    ...settings(input, { ...DEFAULTS, name: slug }),
    id: newId('tpl', now),
    workspaceId,
    slug,
    version: 1,
    versionId: version.id,
    createdAt: now,
    updatedAt: now,
  };
  await db.write(async (tx) => {
    if (!(await insertTemplate(tx, template))) throw slugTaken(slug);
    await insertVersion(tx, workspaceId, template.id, version);
  });
  return { template, version };
}

/** Every save makes a version. `version` is the one the author started from. @throws AppError version_conflict (409) */
export async function changeTemplate(
  db: Db,
  clock: Clock,
  workspaceId: string,
  slug: string,
  change: Partial<Content> & TemplateSettings & { slug?: string | undefined; version?: number | undefined },
): Promise<Saved> {
  const current = await findTemplate(db, workspaceId, slug);
  if (change.version !== undefined && change.version !== current.template.version)
    throw versionConflict(current.template.version);
  const newSlug = change.slug === undefined ? slug : checkSlug(change.slug);
  if (newSlug !== slug && (await templateBySlug(db.read, workspaceId, newSlug))) throw slugTaken(newSlug);
  await checkServer(db, workspaceId, change.server);
  const content = checkContent(overlay(current.version, change));
  const now = clock.now();
  const version: TemplateVersion = {
    ...content,
    id: newId('tpv', now),
    version: current.template.version + 1,
    createdAt: now,
  };
  const template: Template = {
    ...settings(change, current.template),
    slug: newSlug,
    version: version.version,
    versionId: version.id,
    updatedAt: now,
  };
  await db.write(async (tx) => {
    if (!(await updateTemplate(tx, template, current.template.version)))
      throw versionConflict(current.template.version + 1);
    await insertVersion(tx, workspaceId, template.id, version);
  });
  return { template, version };
}

export async function duplicateTemplate(
  db: Db,
  clock: Clock,
  workspaceId: string,
  slug: string,
  newSlug: string,
): Promise<Saved> {
  const { template, version } = await findTemplate(db, workspaceId, slug);
  const text = version.textGenerated ? null : version.text;
  const { id: _i, workspaceId: _w, serverId, versionId: _v, name, ...rest } = template;
  return createTemplate(db, clock, workspaceId, {
    ...rest,
    ...version,
    text,
    slug: newSlug,
    server: serverId,
    name: `${name} (copy)`,
  });
}

export async function removeTemplate(db: Db, workspaceId: string, slug: string): Promise<void> {
  if (!(await db.write((tx) => deleteTemplate(tx, workspaceId, slug)))) throw unknownTemplate(slug);
}

export async function findTemplate(
  db: Db,
  workspaceId: string,
  slug: string,
  field?: string,
): Promise<Saved> {
  const template = await templateBySlug(db.read, workspaceId, slug);
  const version = template && (await versionById(db.read, template.versionId));
  if (!template || !version) throw unknownTemplate(slug, field);
  return { template, version };
}

export function unknownTemplate(slug: string, field?: string): AppError {
  return notFound(
    'template',
    `There is no template "${slug.slice(0, 100)}" in this workspace. GET /v1/templates lists them.`,
    field,
  );
}

const DEFAULTS = {
  name: '',
  serverId: null,
  failover: 'strict',
  onUncertain: 'hold',
  priority: 'normal',
  ttl: null,
  sensitive: false,
  trackOpens: false,
  trackClicks: false,
} as const;

function settings<
  T extends Omit<
    Template,
    'id' | 'workspaceId' | 'slug' | 'version' | 'versionId' | 'createdAt' | 'updatedAt'
  >,
>(change: TemplateSettings, current: T): T {
  return {
    ...current,
    name: change.name?.trim() || current.name,
    serverId: change.server === undefined ? current.serverId : change.server || null,
    failover: change.failover ?? current.failover,
    onUncertain: change.onUncertain ?? current.onUncertain,
    priority: change.priority ?? current.priority,
    ttl: change.ttl === undefined ? current.ttl : change.ttl,
    sensitive: change.sensitive ?? current.sensitive,
    trackOpens: change.trackOpens ?? current.trackOpens,
    trackClicks: change.trackClicks ?? current.trackClicks,
  };
}

/** A text part that was generated is generated anew; one that was written stays until it is emptied. */
function overlay(current: TemplateVersion, change: Partial<Content>): Content {
  return {
    subject: change.subject ?? current.subject,
    html: change.html ?? current.html,
    text: change.text === undefined ? (current.textGenerated ? null : current.text) : change.text,
    preheader: change.preheader === undefined ? current.preheader : change.preheader,
    from: change.from === undefined ? current.from : change.from,
    replyTo: change.replyTo === undefined ? current.replyTo : change.replyTo,
    design: change.design === undefined ? current.design : change.design,
  };
}

async function checkServer(db: Db, workspaceId: string, server: string | null | undefined): Promise<void> {
  if (server) await findServer(db, workspaceId, server);
}

function slugTaken(slug: string): AppError {
  return new AppError('slug_taken', `There is a template "${slug}" already. Choose another slug.`, {
    status: 409,
    field: 'slug',
  });
}

function versionConflict(newest: number): AppError {
  return new AppError(
    'version_conflict',
    `Somebody saved version ${newest} meanwhile. Load it, then make your change again.`,
    {
      status: 409,
      field: 'version',
      detail: { version: newest },
    },
  );
}
