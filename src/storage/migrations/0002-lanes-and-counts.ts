import type { Migration } from '../migrate.ts';

/** Each workspace gets lanes of its own, and what happens is counted by day. */
export const lanesAndCounts: Migration = {
  version: 2,
  name: 'lanes-and-counts',
  statements: () => [
    `update messages set lane = 'new:' || workspace_id where state = 'queued' and lane = ''`,
    `update messages set lane = 'sandbox:' || workspace_id where state = 'queued' and lane = 'sandbox'`,
    `create table daily_counts (
      workspace_id text not null, day bigint not null, server_id text not null, word text not null, count bigint not null,
      primary key (workspace_id, day, server_id, word))`,
  ],
};
