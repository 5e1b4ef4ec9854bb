import type { Selectable } from 'kysely';
import type { Db, Tx } from '../storage/db.ts';
import type { Schema } from '../storage/schema.ts';
import { ANY_OF, spelled, statement } from '../storage/statement.ts';
import type { Template, TemplateVersion } from './template.ts';

export async function insertTemplate(tx: Tx, template: Template): Promise<boolean> {
  const done = await tx
    .insertInto('templates')
    .values({
      id: template.id,
      workspace_id: template.workspaceId,
      created_at: template.createdAt,
      ...columns(template),
    })
    .onConflict((conflict) => conflict.columns(['workspace_id', 'slug']).doNothing())
    .executeTakeFirst();
  return (done.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** Compare-and-set on the version: of two editors who started from the same one, the second is told. */
export async function updateTemplate(tx: Tx, template: Template, fromVersion: number): Promise<boolean> {
  const done = await tx
    .updateTable('templates')
    .set(columns(template))
    .where('id', '=', template.id)
    .where('workspace_id', '=', template.workspaceId)
    .where('version', '=', fromVersion)
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

function columns(template: Template) {
  return {
    slug: template.slug,
    name: template.name,
    version: template.version,
    version_id: template.versionId,
    server_id: template.serverId,
    failover: template.failover,
    on_uncertain: template.onUncertain,
    priority: template.priority,
    ttl: template.ttl,
    sensitive: template.sensitive ? 1 : 0,
    track_opens: template.trackOpens ? 1 : 0,
    track_clicks: template.trackClicks ? 1 : 0,
    updated_at: template.updatedAt,
  };
}

export async function insertVersion(
  tx: Tx,
  workspaceId: string,
  templateId: string,
  version: TemplateVersion,
): Promise<void> {
  await tx
    .insertInto('template_versions')
    .values({
      id: version.id,
      workspace_id: workspaceId,
      template_id: templateId,
      version: version.version,
      subject: version.subject,
      html: version.html,
      text: version.text,
      text_generated: version.textGenerated ? 1 : 0,
      preheader: version.preheader,
      from_mailbox: version.from,
      reply_to: version.replyTo,
      design: version.design === null ? null : JSON.stringify(version.design),
      created_at: version.createdAt,
    })
    .execute();
}

export async function templateBySlug(
  tx: Tx,
  workspaceId: string,
  slug: string,
): Promise<Template | undefined> {
  const row = await tx
    .selectFrom('templates')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('slug', '=', slug)
    .executeTakeFirst();
  return row && templateOf(row);
}

const amongIds = statement<Selectable<Schema['templates']>>(
  spelled(ANY_OF, (ids) => `select * from templates where id in ${ids}`),
);

export async function templatesById(db: Db, ids: readonly string[]): Promise<Map<string, Template>> {
  if (ids.length === 0) return new Map();
  const rows = await amongIds(db.read, [JSON.stringify(ids)]);
  return new Map(rows.map((row) => [row.id, templateOf(row)]));
}

export async function templatesAfter(
  db: Db,
  workspaceId: string,
  cursor: string | undefined,
  limit: number,
): Promise<Template[]> {
  const rows = await db.read
    .selectFrom('templates')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .$if(cursor !== undefined, (query) => query.where('slug', '>', cursor!))
    .orderBy('slug')
    .limit(limit)
    .execute();
  return rows.map(templateOf);
}

export async function versionById(tx: Tx, id: string): Promise<TemplateVersion | undefined> {
  const row = await tx.selectFrom('template_versions').selectAll().where('id', '=', id).executeTakeFirst();
  return row && versionOf(row);
}

export async function versionsOfTemplate(
  db: Db,
  templateId: string,
  limit: number,
): Promise<TemplateVersion[]> {
  const rows = await db.read
    .selectFrom('template_versions')
    .selectAll()
    .where('template_id', '=', templateId)
    .orderBy('version', 'desc')
    .limit(limit)
    .execute();
  return rows.map(versionOf);
}

export async function deleteTemplate(tx: Tx, workspaceId: string, slug: string): Promise<boolean> {
  const done = await tx
    .deleteFrom('templates')
    .where('workspace_id', '=', workspaceId)
    .where('slug', '=', slug)
    .executeTakeFirst();
  return done.numDeletedRows > 0n;
}

export async function slugsOfServer(tx: Tx, workspaceId: string, serverId: string): Promise<string[]> {
  const rows = await tx
    .selectFrom('templates')
    .select('slug')
    .where('workspace_id', '=', workspaceId)
    .where('server_id', '=', serverId)
    .orderBy('slug')
    .execute();
  return rows.map((row) => row.slug);
}

export async function setServer(
  tx: Tx,
  workspaceId: string,
  fromServerId: string,
  toServerId: string | null,
): Promise<void> {
  await tx
    .updateTable('templates')
    .set({ server_id: toServerId })
    .where('workspace_id', '=', workspaceId)
    .where('server_id', '=', fromServerId)
    .execute();
}

function templateOf(row: Selectable<Schema['templates']>): Template {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    slug: row.slug,
    name: row.name,
    version: row.version,
    versionId: row.version_id,
    serverId: row.server_id,
    failover: row.failover,
    onUncertain: row.on_uncertain,
    priority: row.priority,
    ttl: row.ttl,
    sensitive: row.sensitive === 1,
    trackOpens: row.track_opens === 1,
    trackClicks: row.track_clicks === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function versionOf(row: Selectable<Schema['template_versions']>): TemplateVersion {
  return {
    id: row.id,
    version: row.version,
    subject: row.subject,
    html: row.html,
    text: row.text,
    textGenerated: row.text_generated === 1,
    preheader: row.preheader,
    from: row.from_mailbox,
    replyTo: row.reply_to,
    design: row.design === null ? null : JSON.parse(row.design),
    createdAt: row.created_at,
  };
}
