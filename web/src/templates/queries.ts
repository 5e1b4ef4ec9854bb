import { queryOptions } from '@tanstack/react-query';
import type { TemplateView } from '../../../src/templates/routes.ts';
import { get, type Listed } from '../api.ts';

export type { TemplateView };

const PAGE_SIZE = 200;
/** Bounds the reading of all pages: 10,000 templates are more than a list can show usefully. */
const MAX_PAGES = 50;

/** All templates: the list is searched and sorted here, and servers count who prefers them. */
export const templatesQuery = queryOptions({
  queryKey: ['templates', 'list'],
  queryFn: async ({ signal }) => {
    const all: TemplateView[] = [];
    let cursor = '';
    for (let page = 0; page < MAX_PAGES; page++) {
      const listed = await get<Listed<TemplateView>>(
        `/v1/templates?limit=${PAGE_SIZE}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
        signal,
      );
      all.push(...listed.data);
      if (!listed.nextCursor) break;
      cursor = listed.nextCursor;
    }
    return all;
  },
});

export function templateQuery(slug: string) {
  return queryOptions({
    queryKey: ['templates', 'one', slug],
    queryFn: ({ signal }) => get<TemplateView>(templatePath(slug), signal),
    // An editor must not have its text changed under the hands; the version decides on save.
    refetchOnWindowFocus: false,
    staleTime: 0,
  });
}

export function templatePath(slug: string): string {
  return `/v1/templates/${encodeURIComponent(slug)}`;
}
