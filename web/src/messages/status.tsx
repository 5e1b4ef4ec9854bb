import type { ReactNode } from 'react';
import { type Tone, WASH } from '../ui/notice.tsx';
import type { MessageStatus } from './queries.ts';

/** What a status is called, and how it looks: never by color alone, each has a word and a shape. */
export const STATUSES: Record<MessageStatus, { word: string; tone: Tone; shape: ReactNode }> = {
  scheduled: {
    word: 'Scheduled',
    tone: 'waiting',
    shape: <path d="M5 2v3l2 1.5M9 5a4 4 0 1 1-8 0 4 4 0 0 1 8 0Z" className="line" />,
  },
  queued: {
    word: 'Queued',
    tone: 'waiting',
    shape: <path d="M1.5 2.5h7M1.5 5h7M1.5 7.5h7" className="line" />,
  },
  sending: {
    word: 'Sending',
    tone: 'waiting',
    shape: <path d="M1.5 5h6M5 2.5 7.5 5 5 7.5" className="line" />,
  },
  deferred: { word: 'Deferred', tone: 'deferred', shape: <path d="M3.2 1.5v7M6.8 1.5v7" className="line" /> },
  captured: {
    word: 'Captured',
    tone: 'captured',
    shape: <path d="M1.5 1.5h7v7h-7zM1.5 5.5h2l1 1.3h1l1-1.3h2" className="line" />,
  },
  sent: { word: 'Accepted', tone: 'sent', shape: <path d="m1.5 5.4 2.4 2.4 4.6-5.4" className="line" /> },
  delivered: {
    word: 'Delivered',
    tone: 'delivered',
    shape: (
      <path
        d="M5 .5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9Zm-.7 5.3L3 4.5l-.8.8 2.1 2.1 3.6-3.7-.8-.8z"
        className="fill"
      />
    ),
  },
  bounced: {
    word: 'Bounced',
    tone: 'bounced',
    shape: <path d="M8.5 8V5.5a2.5 2.5 0 0 0-2.5-2.5H2M4 1 2 3l2 2" className="line" />,
  },
  failed: { word: 'Failed', tone: 'failed', shape: <path d="m2 2 6 6M8 2 2 8" className="line" /> },
  uncertain: {
    word: 'Uncertain',
    tone: 'uncertain',
    shape: <path d="M3 3.3A2 2 0 0 1 7 3.5C7 4.8 5 4.8 5 6.2M5 8.4v.2" className="line" />,
  },
  blocked: {
    word: 'Blocked',
    tone: 'stopped',
    shape: <path d="M9 5a4 4 0 1 1-8 0 4 4 0 0 1 8 0ZM2.3 2.3l5.4 5.4" className="line" />,
  },
  cancelled: { word: 'Canceled', tone: 'stopped', shape: <path d="M2 5h6" className="line" /> },
  expired: {
    word: 'Expired',
    tone: 'failed',
    shape: <path d="M2 1.2h6L5 5zM5 5l3 3.8H2z" className="line" />,
  },
};

/** Accepted is not delivered: the word names who took the message, until there is evidence of more. */
function statusWord(status: MessageStatus, server: string | null): string {
  return status === 'sent' && server ? `Accepted by ${server}` : STATUSES[status].word;
}

export function StatusTag({ status, server = null }: { status: MessageStatus; server?: string | null }) {
  const { tone, shape } = STATUSES[status];
  return (
    <span
      className={`inline-flex h-6 max-w-full items-center gap-1.5 rounded-full px-2.5 font-medium text-xs ${WASH[tone]}`}
    >
      <svg
        viewBox="0 0 10 10"
        aria-hidden="true"
        className="size-2.5 shrink-0 overflow-visible [&_.fill]:fill-current [&_.line]:fill-none [&_.line]:stroke-[1.5] [&_.line]:stroke-current"
        strokeLinecap="round"
        strokeLinejoin="round"
      >
        {shape}
      </svg>
      <span className="truncate">{statusWord(status, server)}</span>
    </span>
  );
}
