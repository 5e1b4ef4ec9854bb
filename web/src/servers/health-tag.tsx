import { WASH } from '../ui/notice.tsx';
import type { ServerView } from './queries.ts';

/** A dot is well, a pause sign is not: the word says it too. */
export function HealthTag({ health }: { health: ServerView['health'] }) {
  const well = health.status === 'well';
  return (
    <span
      className={`inline-flex h-6 items-center gap-1.5 rounded-full px-2.5 font-medium text-xs ${well ? WASH.sent : WASH.deferred}`}
    >
      <svg viewBox="0 0 10 10" aria-hidden="true" className="size-2.5">
        {well ? (
          <circle cx="5" cy="5" r="4" className="fill-current" />
        ) : (
          <path d="M3.2 1.5v7M6.8 1.5v7" className="stroke-2 stroke-current" />
        )}
      </svg>
      {well ? 'Well' : 'Unwell'}
    </span>
  );
}
