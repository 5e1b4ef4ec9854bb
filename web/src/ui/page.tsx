import type { ReactNode } from 'react';

interface PageProps {
  title: string;
  /** What stands beside the title instead of it, such as a status. */
  heading?: ReactNode;
  intro?: ReactNode;
  actions?: ReactNode;
  /** The way back up. */
  back?: ReactNode;
  /** Forms are narrower than lists; the editor takes all there is, and its actions stay in sight. */
  width?: 'form' | 'list' | 'full';
  children: ReactNode;
}

const WIDTHS = { form: 'max-w-[608px]', list: 'max-w-[1168px]', full: 'max-w-[1600px]' };

export function Page({ title, heading, intro, actions, back, width = 'list', children }: PageProps) {
  return (
    <div className={`mx-auto w-full px-4 pt-5 pb-16 md:px-6 md:pt-7 ${WIDTHS[width]}`}>
      <title>{`${title} · Mailwright`}</title>
      {back && (
        <div className="mb-2 text-ink-soft text-sm [&_a]:hover:text-ink [&_a]:hover:underline">
          <span aria-hidden="true">← </span>
          {back}
        </div>
      )}
      <header
        className={`mb-5 flex flex-wrap items-center justify-between gap-x-6 gap-y-3 ${width === 'full' ? 'bg-ground py-3 md:sticky md:top-0 md:z-20 md:-mx-6 md:px-6' : ''}`}
      >
        <div className="min-w-0">
          <h1 className="font-semibold text-lg tracking-[-0.01em]">{heading ?? title}</h1>
          {intro && <p className="mt-1 max-w-[60ch] text-ink-soft">{intro}</p>}
        </div>
        {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** The shape of a list that is on its way. */
export function LoadingRows({ rows = 6 }: { rows?: number }) {
  return (
    <div role="status" className="overflow-hidden rounded-card border border-line bg-surface">
      <span className="sr-only">Loading</span>
      {Array.from({ length: rows }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike
        <div key={at} className="flex h-10 items-center gap-6 border-line border-b px-4 last:border-b-0">
          <span className="h-2.5 w-24 rounded-full bg-line" />
          <span className="h-2.5 w-48 rounded-full bg-line" />
          <span className="ml-auto h-2.5 w-16 rounded-full bg-line" />
        </div>
      ))}
    </div>
  );
}

/** A group of fields or facts with a heading. */
export function Section({
  title,
  intro,
  children,
}: {
  title: string;
  intro?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="border-line border-t py-6 first:border-t-0 first:pt-0">
      <h2 className="font-semibold text-base">{title}</h2>
      {intro && <p className="mt-0.5 text-ink-soft text-sm">{intro}</p>}
      <div className="mt-4 space-y-4">{children}</div>
    </section>
  );
}

/** One of a list of facts (`dl`). */
export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-ink-soft text-xs">{label}</dt>
      <dd className="mt-0.5">{children}</dd>
    </div>
  );
}

interface FoldProps {
  summary: ReactNode;
  open?: boolean;
  onToggle?: (open: boolean) => void;
  children: ReactNode;
}

/** Folded until asked for; opens by keyboard and is found by the browser's search. */
export function Fold({ summary, open, onToggle, children }: FoldProps) {
  return (
    <details
      open={open}
      onToggle={onToggle && ((event) => onToggle(event.currentTarget.open))}
      className="group"
    >
      <summary className="-mx-1 inline-flex items-center gap-1.5 rounded-control px-1 text-ink-soft text-sm hover:text-ink">
        <span
          aria-hidden="true"
          className="inline-block w-2.5 text-[10px] transition-transform group-open:rotate-90"
        >
          ▶
        </span>
        {summary}
      </summary>
      {children}
    </details>
  );
}
