import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { serversQuery } from '../servers/queries.ts';
import { templatesQuery } from '../templates/queries.ts';
import { Button } from '../ui/button.tsx';
import { Choice, SearchBox } from '../ui/filters.tsx';
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
    <search className="mb-3 flex flex-wrap gap-2">
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
      {Object.values(filters).some(Boolean) && (
        <Button look="quiet" onClick={() => void navigate({ search: {}, replace: true })}>
          Clear filters
        </Button>
      )}
    </search>
  );
}

function withoutEmpty(filters: MessageFilters): MessageFilters {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value));
}
