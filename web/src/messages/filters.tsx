import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { serversQuery } from '../servers/queries.ts';
import { templatesQuery } from '../templates/queries.ts';
import { Choice, FilterBar, SearchBox, withoutEmpty } from '../ui/filters.tsx';
import type { MessageFilters } from './queries.ts';
import { STATUSES } from './status.tsx';

/** The filters live in the address, so that a view can be sent to a colleague. */
export function Filters() {
  const filters = useSearch({ from: '/framed/messages' });
  const navigate = useNavigate({ from: '/messages' });
  const { data: templates = [] } = useQuery(templatesQuery);
  const { data: servers = [] } = useQuery(serversQuery);
  const set = (change: Partial<MessageFilters>) =>
    void navigate({ search: (before) => withoutEmpty({ ...before, ...change }), replace: true });
  return (
    <FilterBar filters={filters} onClear={() => void navigate({ search: {}, replace: true })}>
      <SearchBox label="Search address, subject or id" value={filters.q ?? ''} onChange={(q) => set({ q })} />
      <Choice
        label="Status"
        value={filters.status}
        choices={Object.entries(STATUSES).map(([value, { word }]) => [value, word])}
        onChange={(status) => set({ status })}
      />
      <Choice
        label="Template"
        value={filters.template}
        choices={templates.map(({ slug }) => [slug, slug])}
        onChange={(template) => set({ template })}
      />
      <Choice
        label="Server"
        value={filters.server}
        choices={servers.map(({ id, name }) => [id, name])}
        onChange={(server) => set({ server })}
      />
    </FilterBar>
  );
}
