import type { ReactNode, Ref } from 'react';
import { Button } from './button.tsx';

interface ListProps {
  label: string;
  /** The heads of its columns; the last stands to the right. */
  heads: readonly string[];
  /** The classes that make columns, the same for the heads and for each row. */
  columns: string;
  listRef: Ref<HTMLUListElement>;
  children: ReactNode;
}

/** A list whose rows are lines of a table; on phones they are cards, without heads. */
export function List({ label, heads, columns, listRef, children }: ListProps) {
  return (
    <div className="overflow-hidden rounded-card border border-line bg-surface">
      <div
        aria-hidden="true"
        className={`hidden h-8 border-line border-b bg-sunk px-4 text-ink-soft text-xs ${columns}`}
      >
        {heads.map((head) => (
          <span key={head} className="last:text-right">
            {head}
          </span>
        ))}
      </div>
      <ul ref={listRef} aria-label={label}>
        {children}
      </ul>
    </div>
  );
}

interface OlderProps {
  pages: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
  children: ReactNode;
}

/** Leads to the next page of a list, while there is one. */
export function ShowOlder({ pages, children }: OlderProps) {
  if (!pages.hasNextPage) return null;
  return (
    <div className="mt-3 flex justify-center">
      <Button busy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
        {children}
      </Button>
    </div>
  );
}
