import { haveAttachments } from '../messages/letter.ts';
import type { MessageRow } from '../queue/queue.ts';
import type { Server } from '../servers/server.ts';
import type { Db } from '../storage/db.ts';
import { findSuppressions } from '../suppressions/suppress.ts';
import type { Suppression } from '../suppressions/suppression.ts';
import type { Template } from '../templates/template.ts';
import { findTemplatesById } from '../templates/templates.ts';

/** What held messages are delivered by, read once for all of them. */
export interface Briefing {
  serversOf(row: MessageRow): readonly Server[];
  templateOf(row: MessageRow): Template | undefined;
  suppressionOf(row: MessageRow): Suppression | undefined;
  hasAttachments(row: MessageRow): boolean;
}

/** @param serversOf each workspace */
export async function briefingFor(
  db: Db,
  rows: readonly MessageRow[],
  serversOf: ReadonlyMap<string, readonly Server[]>,
  now: number,
): Promise<Briefing> {
  const templates = await findTemplatesById(db, distinct(rows.flatMap((row) => row.template_id ?? [])));
  const attached = await haveAttachments(db, distinct(rows.map((row) => row.content_of)));
  const suppressionOf = await findSuppressions(db.read, rows, now);
  return {
    serversOf: (row) => serversOf.get(row.workspace_id) ?? [],
    templateOf: (row) => (row.template_id === null ? undefined : templates.get(row.template_id)),
    suppressionOf,
    hasAttachments: (row) => attached.has(row.content_of),
  };
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
