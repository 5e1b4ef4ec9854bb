import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useRowKeys } from '../keys.ts';
import { ButtonLink } from '../ui/button.tsx';
import { CodeBlock } from '../ui/code.tsx';
import { Empty } from '../ui/empty.tsx';
import { Choice, FilterBar, SearchBox, withoutEmpty } from '../ui/filters.tsx';
import { ShowOlder } from '../ui/list.tsx';
import { Problem } from '../ui/notice.tsx';
import { LoadingRows, Page } from '../ui/page.tsx';
import { BlockAddress } from './block-address.tsx';
import { BlockedRow, REASONS } from './blocked-row.tsx';
import { Lifted } from './lifted.tsx';
import { type BlockFilters, blockedQuery } from './queries.ts';

/** Who gets no mail, why, and the way to change that. */
export function BlockedPage() {
  const filters = useSearch({ from: '/framed/audience/blocked' });
  const blocked = useInfiniteQuery(blockedQuery(filters));
  const [lifted, setLifted] = useState<string>();
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(() => [...(list.current?.querySelectorAll<HTMLElement>('summary') ?? [])]);
  const rows = blocked.data?.pages.flatMap((page) => page.data);
  const filtered = Object.values(filters).some(Boolean);
  const hasRows = rows !== undefined && rows.length > 0;
  return (
    <Page
      title="Blocked addresses"
      intro="Messages to them are recorded and not sent."
      actions={(hasRows || filtered) && <BlockAddress />}
    >
      {(filtered || hasRows) && <BlockedFilters />}
      {lifted && <Lifted email={lifted} onDone={() => setLifted(undefined)} />}
      {blocked.isPending && <LoadingRows rows={8} />}
      {blocked.error && !rows && <Problem error={blocked.error} onRetry={() => void blocked.refetch()} />}
      {hasRows && (
        <ul
          ref={list}
          aria-label="Blocked addresses, newest first"
          className="overflow-hidden rounded-card border border-line bg-surface"
        >
          {rows.map((one) => (
            <BlockedRow key={one.id} block={one} onLifted={() => setLifted(one.email)} />
          ))}
        </ul>
      )}
      {rows?.length === 0 && (filtered ? <NothingFound /> : <NothingYet />)}
      <ShowOlder pages={blocked}>Show older blocks</ShowOlder>
    </Page>
  );
}

function BlockedFilters() {
  const filters = useSearch({ from: '/framed/audience/blocked' });
  const navigate = useNavigate({ from: '/audience/blocked' });
  const set = (change: Partial<BlockFilters>) =>
    void navigate({ search: (before) => withoutEmpty({ ...before, ...change }), replace: true });
  return (
    <FilterBar filters={filters} onClear={() => void navigate({ search: {}, replace: true })}>
      <SearchBox label="Search address" value={filters.q ?? ''} onChange={(q) => set({ q })} />
      <Choice
        label="Reason"
        value={filters.reason}
        choices={Object.entries(REASONS).map(([value, { word }]) => [value, word])}
        onChange={(reason) => set({ reason })}
      />
    </FilterBar>
  );
}

function NothingFound() {
  return (
    <Empty
      title="No blocked address fits these filters. Mail goes to every other address."
      action={
        <ButtonLink to="/audience/blocked" search={{}}>
          Clear filters
        </ButtonLink>
      }
    />
  );
}

function NothingYet() {
  const line = [
    `curl -X POST ${location.origin}/v1/suppressions \\`,
    '  -H "Authorization: Bearer <API key>" \\',
    '  -H "Content-Type: application/json" \\',
    '  -d \'{"email":"ada@example.com"}\'',
  ].join('\n');
  return (
    <Empty
      title="An address that a server refuses for good appears here, and gets no more mail until you lift the block."
      action={<BlockAddress />}
    >
      <CodeBlock label="Block an address from a program" code={line} />
    </Empty>
  );
}
