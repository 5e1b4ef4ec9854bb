import type { ReactNode } from 'react';
import { ApiError } from '../api.ts';
import { Button } from './button.tsx';

export type Tone =
  | 'waiting'
  | 'captured'
  | 'sent'
  | 'delivered'
  | 'deferred'
  | 'uncertain'
  | 'bounced'
  | 'failed'
  | 'stopped';

/** Text of a tone on a wash of it; theme.test.ts keeps the two legible. */
export const WASH: Record<Tone, string> = {
  waiting: 'bg-waiting/12 text-waiting',
  captured: 'bg-captured/12 text-captured',
  sent: 'bg-sent/12 text-sent',
  delivered: 'bg-delivered/12 text-delivered',
  deferred: 'bg-deferred/12 text-deferred',
  uncertain: 'bg-uncertain/12 text-uncertain',
  bounced: 'bg-bounced/12 text-bounced',
  failed: 'bg-failed/12 text-failed',
  stopped: 'bg-stopped/12 text-stopped',
};

interface NoticeProps {
  tone: Tone;
  title?: ReactNode;
  /** What can be done about it. */
  actions?: ReactNode;
  /** Reads itself out when it appears. */
  alert?: boolean;
  children?: ReactNode;
}

/** Something the reader should know, next to where it matters. */
export function Notice({ tone, title, actions, alert = false, children }: NoticeProps) {
  return (
    <div role={alert ? 'alert' : undefined} className={`animate-appear rounded-card px-4 py-3 ${WASH[tone]}`}>
      {title && <p className="font-medium">{title}</p>}
      {children && <div className={`text-ink-soft ${title ? 'mt-0.5' : ''}`}>{children}</div>}
      {actions && <div className="mt-3 flex flex-wrap gap-2">{actions}</div>}
    </div>
  );
}

/** An error of a call in its own words, with the way to try again. */
export function Problem({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  return (
    <Notice
      alert
      tone="failed"
      title={
        error instanceof ApiError
          ? error.message
          : 'This page has a fault. Load it again; your work on the server is safe.'
      }
      actions={onRetry && <Button onClick={onRetry}>Try again</Button>}
    />
  );
}

/** What is said where the reader may not be looking comes into view. */
export const intoView = (node: HTMLElement | null) => node?.scrollIntoView({ block: 'nearest' });
