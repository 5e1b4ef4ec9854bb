import type { Migration } from '../migrate.ts';

/** A block says where it came from and may end; what needs a person is told once, however often it happens. */
export const blocksAndNotices: Migration = {
  version: 4,
  name: 'blocks-and-notices',
  statements: () => [
    `alter table suppressions add column source text not null default 'smtp'`,
    `alter table suppressions add column server_id text`,
    `alter table suppressions add column server_name text`,
    `alter table suppressions add column expires_at bigint`,
    `create index suppressions_list on suppressions (workspace_id, id)`,
    // One row for each group, opened anew after it was seen: the table cannot grow with what goes wrong. No foreign
    // key: a notice is written where an outcome is, and must never be why an outcome cannot be written.
    `create table notices (
      id text primary key, workspace_id text not null,
      kind text not null, subject text not null, count bigint not null, name text, reason text,
      first_at bigint not null, last_at bigint not null, seen_at bigint, unique (workspace_id, kind, subject))`,
    `create table notice_mails (
      workspace_id text not null, kind text not null, mailed_at bigint not null, primary key (workspace_id, kind))`,
  ],
};
