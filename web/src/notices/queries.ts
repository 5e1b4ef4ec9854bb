import { queryOptions } from '@tanstack/react-query';
import type { NoticeView } from '../../../src/notices/routes.ts';
import { get, type Listed } from '../api.ts';

export type { NoticeView };

const REFRESH_MS = 10_000;

export const noticesQuery = queryOptions({
  queryKey: ['notices'],
  queryFn: async ({ signal }) => (await get<Listed<NoticeView>>('/v1/notices', signal)).data,
  refetchInterval: REFRESH_MS,
});
