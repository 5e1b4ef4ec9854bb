import type { Db, Tx } from '../storage/db.ts';
import {
  setServer,
  slugsOfServer,
  templateById,
  templatesAfter,
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

export function findTemplateById(db: Db, id: string): Promise<Template | undefined> {
  return templateById(db.read, id);
}

/** Newest first; older than this many are kept but not listed. */
const LISTED_VERSIONS = 100;

export function listVersions(db: Db, templateId: string): Promise<TemplateVersion[]> {
  return versionsOfTemplate(db, templateId, LISTED_VERSIONS);
}
