import { infiniteQueryOptions } from '@tanstack/react-query';
import type { SuppressionView } from '../../../src/suppressions/routes.ts';
import { get, type Listed, query } from '../api.ts';

export type { SuppressionView };

/** The filters of the list, as they stand in the address of the page. */
export interface BlockFilters {
  q?: string | undefined;
  reason?: string | undefined;
}

const PAGE_SIZE = 50;

export function blockedQuery(filters: BlockFilters) {
  return infiniteQueryOptions({
    queryKey: ['blocked', filters],
    queryFn: ({ pageParam, signal }) =>
      get<Listed<SuppressionView>>(
        `/v1/suppressions${query({ ...filters, limit: PAGE_SIZE, cursor: pageParam })}`,
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.nextCursor,
  });
}
