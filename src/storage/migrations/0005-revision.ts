import type { Engine } from '../db.ts';
import type { Migration } from '../migrate.ts';

/** What calls are judged by, and which of its columns count. Health and pace of a server are not among them. */
const WATCHED = {
  api_keys: ['key_hash', 'scope', 'expires_at', 'revoked_at'],
  workspaces: ['name', 'routing', 'default_from'],
  servers: ['allowed_from', 'allow_private', 'updated_at'],
  templates: ['slug', 'version_id', 'server_id', 'updated_at'],
} as const;

/**
 * A number that grows whenever something changes that calls are judged by, counted by the database itself: whoever
 * remembers such things asks whether it is still the same number, and cannot forget to be told.
 */
export const revision: Migration = {
  version: 5,
  name: 'revision',
  statements: (engine) => [
    `create table revision (number bigint not null)`,
    `insert into revision (number) values (1)`,
    ...(engine === 'postgres'
      ? [
          `create function grow_revision() returns trigger language plpgsql as
            'begin update revision set number = number + 1; return null; end'`,
        ]
      : []),
    ...Object.entries(WATCHED).flatMap(([table, columns]) => triggersOn(table, columns, engine)),
  ],
};

function triggersOn(table: string, columns: readonly string[], engine: Engine): string[] {
  const moments = { insert: 'insert', update: `update of ${columns.join(', ')}`, delete: 'delete' };
  return Object.entries(moments).map(([name, moment]) =>
    engine === 'postgres'
      ? `create trigger ${table}_${name}_grows_revision after ${moment} on ${table}
          for each statement execute function grow_revision()`
      : `create trigger ${table}_${name}_grows_revision after ${moment} on ${table}
          begin update revision set number = number + 1; end`,
  );
}
