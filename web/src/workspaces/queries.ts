import { queryOptions } from '@tanstack/react-query';
import type { KeyView, MeView } from '../../../src/workspaces/routes.ts';
import { get, type Listed } from '../api.ts';

export type { KeyView, MeView };

const REFRESH_MS = 10_000;

/** Who is signed in, and the state of the workspace that every page shows. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => get<MeView>('/v1/me', signal),
  refetchInterval: REFRESH_MS,
});

export const apiKeysQuery = queryOptions({
  queryKey: ['api-keys'],
  queryFn: async ({ signal }) => (await get<Listed<KeyView>>('/v1/api-keys', signal)).data,
});

/** Is this installation still waiting for its first user? */
export const setupQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: ({ signal }) => get<{ needed: boolean }>('/v1/setup', signal),
  staleTime: 0,
});
