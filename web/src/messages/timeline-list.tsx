import type { Tone } from '../ui/notice.tsx';
import { Fold } from '../ui/page.tsx';
import { ClockTime } from '../ui/time.tsx';
import type { TimelineEntry } from './timeline.ts';

const DOTS: Record<Tone, string> = {
  waiting: 'bg-waiting',
  captured: 'bg-captured',
  sent: 'bg-sent',
  delivered: 'bg-delivered',
  deferred: 'bg-deferred',
  uncertain: 'bg-uncertain',
  bounced: 'bg-bounced',
  failed: 'bg-failed',
  stopped: 'bg-stopped',
};

export function TimelineList({ entries }: { entries: TimelineEntry[] }) {
  return (
    <ol>
      {entries.map((entry, at) => (
        <li key={entry.key} className="relative pb-5 pl-6 last:pb-0">
          {at < entries.length - 1 && (
            <span aria-hidden="true" className="absolute top-2 -bottom-2 left-[4.5px] w-px bg-line" />
          )}
          <span
            aria-hidden="true"
            className={`absolute top-[7px] left-0 size-2.5 rounded-full ring-4 ring-ground ${DOTS[entry.tone]}`}
          />
          <Entry entry={entry} />
        </li>
      ))}
    </ol>
  );
}

function Entry({ entry: { at, title, lines, tags, reply } }: { entry: TimelineEntry }) {
  return (
    <>
      <div className="flex flex-wrap items-baseline justify-between gap-x-3">
        <p className="font-medium">{title}</p>
        {at && (
          <span className="text-ink-soft text-sm">
            <ClockTime at={at} />
          </span>
        )}
      </div>
      {lines.map((line) => (
        <p key={line} className="text-ink-soft text-sm">
          {line}
        </p>
      ))}
      {tags.length > 0 && (
        <p className="mt-1.5 flex flex-wrap gap-1.5">
          {tags.map((tag) => (
            <code
              key={tag}
              className="rounded-control border border-line bg-surface px-1.5 font-mono text-ink-soft text-xs"
            >
              {tag}
            </code>
          ))}
        </p>
      )}
      {reply && (
        <div className="mt-1.5">
          <Fold summary="What the server said">
            <pre className="mt-1.5 whitespace-pre-wrap break-words rounded-control bg-sunk px-3 py-2 font-mono text-sm">
              {reply}
            </pre>
          </Fold>
        </div>
      )}
    </>
  );
}
