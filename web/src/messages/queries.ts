import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { MessageRecordView, MessageView } from '../../../src/messages/routes.ts';
import { get, type Listed, query } from '../api.ts';

export type { MessageRecordView, MessageView };
export type MessageStatus = MessageView['status'];

/** The filters of the list, as they stand in the address of the page. */
export interface MessageFilters {
  status?: string | undefined;
  q?: string | undefined;
  template?: string | undefined;
  server?: string | undefined;
  type?: string | undefined;
  tag?: string | undefined;
}

const PAGE_SIZE = 50;
/** How fresh a list or a record is; each page read again costs one call. */
const REFRESH_MS = 5_000;

export function messagesQuery(filters: MessageFilters) {
  return infiniteQueryOptions({
    queryKey: ['messages', 'list', filters],
    queryFn: ({ pageParam, signal }) =>
      get<Listed<MessageView>>(
        `/v1/messages${query({ ...filters, limit: PAGE_SIZE, cursor: pageParam })}`,
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: (state) => REFRESH_MS * Math.max(1, state.state.data?.pages.length ?? 1),
  });
}

export function messageQuery(id: string) {
  return queryOptions({
    queryKey: ['messages', 'record', id],
    queryFn: ({ signal }) => get<MessageRecordView>(`/v1/messages/${encodeURIComponent(id)}`, signal),
    refetchInterval: (state) => (state.state.data?.finalAt ? false : REFRESH_MS),
  });
}
