import type { Db, Tx } from '../storage/db.ts';
import {
  setServer,
  slugsOfServer,
  templatesAfter,
  templatesById,
  versionById,
  versionsOfTemplate,
} from './store.ts';
import type { Template, TemplateVersion } from './template.ts';

/** Templates that prefer one server get another, or none. Part of retiring a server. @returns their slugs */
export async function moveTemplates(
  tx: Tx,
  workspaceId: string,
  from: string,
  to: string | null,
): Promise<string[]> {
  const slugs = await slugsOfServer(tx, workspaceId, from);
  await setServer(tx, workspaceId, from, to);
  return slugs;
}

export function listTemplates(
  db: Db,
  workspaceId: string,
  cursor: string | undefined,
  limit: number,
): Promise<Template[]> {
  return templatesAfter(db, workspaceId, cursor, limit);
}

export function findVersion(db: Db, id: string): Promise<TemplateVersion | undefined> {
  return versionById(db.read, id);
}

/** Those of these templates that still exist, by id. */
export function findTemplatesById(db: Db, ids: readonly string[]): Promise<Map<string, Template>> {
  return templatesById(db, ids);
}

/** Newest first; older than this many are kept but not listed. */
const LISTED_VERSIONS = 100;

export function listVersions(db: Db, templateId: string): Promise<TemplateVersion[]> {
  return versionsOfTemplate(db, templateId, LISTED_VERSIONS);
}
