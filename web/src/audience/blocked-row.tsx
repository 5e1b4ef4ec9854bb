import { Link } from '@tanstack/react-router';
import { Clock, Hand, MessageSquareWarning, Undo2 } from 'lucide-react';
import { type Tone, WASH } from '../ui/notice.tsx';
import { Fact } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { LiftBlock } from './lift-block.tsx';
import type { SuppressionView } from './queries.ts';

type Reason = SuppressionView['reason'];

/** What a reason is called, and how it looks: never by color alone, each has a word and a shape. */
export const REASONS: Record<Reason, { word: string; sentence: string; tone: Tone; Icon: typeof Undo2 }> = {
  bounce: {
    word: 'Bounced',
    sentence: 'A server refused this address for good.',
    tone: 'bounced',
    Icon: Undo2,
  },
  complaint: {
    word: 'Complained',
    sentence: 'The recipient reported a message as spam.',
    tone: 'failed',
    Icon: MessageSquareWarning,
  },
  manual: { word: 'By hand', sentence: 'A person blocked this address.', tone: 'stopped', Icon: Hand },
};

/** A row of 40 px that unfolds; on phones a card. */
export function BlockedRow({ block, onLifted }: { block: SuppressionView; onLifted: () => void }) {
  return (
    <li className="relative border-line border-b last:border-b-0">
      <details className="group">
        <summary className="block px-4 py-3 pr-24 transition-colors hover:bg-sunk focus-visible:bg-sunk focus-visible:-outline-offset-2 md:grid md:h-10 md:grid-cols-[9.5rem_minmax(0,1fr)_minmax(0,13rem)_7rem] md:items-center md:gap-4 md:py-0 md:pr-28">
          <ReasonTag block={block} />
          <span className="mt-2 block truncate pl-[18px] font-mono text-sm md:mt-0 md:pl-0">
            {block.email}
          </span>
          <span className="hidden truncate font-mono text-ink-soft text-sm md:block">{block.code}</span>
          <span className="mt-1 block pl-[18px] text-ink-soft text-sm md:mt-0 md:pl-0 md:text-right">
            <Time at={block.since} />
          </span>
        </summary>
        <Details block={block} />
      </details>
      {block.active && (
        <div className="absolute top-2.5 right-3 md:top-1">
          <LiftBlock block={block} onLifted={onLifted} />
        </div>
      )}
    </li>
  );
}

function ReasonTag({ block }: { block: SuppressionView }) {
  const { word, tone, Icon } = REASONS[block.reason];
  return (
    <span className="flex items-center gap-2">
      <span
        aria-hidden="true"
        className="inline-block w-2.5 text-[10px] text-ink-faint transition-transform group-open:rotate-90"
      >
        ▶
      </span>
      <span
        className={`inline-flex h-6 items-center gap-1.5 rounded-full px-2.5 font-medium text-xs ${WASH[block.active ? tone : 'waiting']}`}
      >
        {block.active ? (
          <Icon className="size-3" aria-hidden="true" />
        ) : (
          <Clock className="size-3" aria-hidden="true" />
        )}
        {block.active ? word : 'Over'}
      </span>
    </span>
  );
}

/** What stands behind the block: the reply is folded until somebody asks. */
function Details({ block }: { block: SuppressionView }) {
  return (
    <div className="space-y-3 border-line border-t bg-sunk px-4 py-3">
      <p className="text-ink-soft">{sentenceOf(block)}</p>
      {block.reply && (
        <pre className="overflow-x-auto whitespace-pre-wrap rounded-control border border-line bg-surface px-3 py-2 font-mono text-sm">
          {block.reply}
        </pre>
      )}
      <dl className="flex flex-wrap gap-x-8 gap-y-2">
        <Fact label="Address">
          <span className="break-all font-mono text-sm">{block.email}</span>
        </Fact>
        {block.code && (
          <Fact label="Code">
            <code className="font-mono text-sm">{block.code}</code>
          </Fact>
        )}
        {block.server && <Fact label="Server">{block.server.name}</Fact>}
        <Fact label="Since">
          <Time at={block.since} />
        </Fact>
        <Fact label="Until">{block.until ? <Time at={block.until} /> : 'you lift it'}</Fact>
        {block.message && (
          <Fact label="Message">
            <Link
              to="/messages/$id"
              params={{ id: block.message }}
              className="text-accent underline underline-offset-2"
            >
              Open the message
            </Link>
          </Fact>
        )}
      </dl>
    </div>
  );
}

function sentenceOf({ reason, active, server, until }: SuppressionView): string {
  if (!active) return 'This block has run out. Mail goes to the address again.';
  if (reason === 'bounce' && until)
    return 'Mail to this address bounced again and again. It rests for a while.';
  if (reason === 'bounce' && server) return `${server.name} refused this address for good.`;
  return REASONS[reason].sentence;
}
