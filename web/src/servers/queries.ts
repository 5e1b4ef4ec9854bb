import { queryOptions } from '@tanstack/react-query';
import type { RetiredView, ServerTypeView, ServerView, StepView } from '../../../src/servers/routes.ts';
import { get, type Listed } from '../api.ts';

export type { RetiredView, ServerTypeView, ServerView, StepView };

const REFRESH_MS = 15_000;

export const serversQuery = queryOptions({
  queryKey: ['servers'],
  queryFn: async ({ signal }) => (await get<Listed<ServerView>>('/v1/servers', signal)).data,
  refetchInterval: REFRESH_MS,
});

export const serverTypesQuery = queryOptions({
  queryKey: ['server-types'],
  queryFn: ({ signal }) => get<ServerTypeView[]>('/v1/server-types', signal),
  staleTime: Number.POSITIVE_INFINITY,
});
