import type { Migration } from '../migrate.ts';

/** How fast a server takes messages, and how many it took: what all workers must know together. */
export const serverPace: Migration = {
  version: 3,
  name: 'server-pace',
  statements: () => [
    `alter table servers add column rate double precision`,
    `alter table servers add column rate_changed_at bigint`,
    `alter table servers add column tokens double precision`,
    `alter table servers add column tokens_at bigint`,
    `create table server_usage (
      server_id text not null references servers (id) on delete cascade,
      span text not null, starts_at bigint not null, used bigint not null, primary key (server_id, span, starts_at))`,
  ],
};
