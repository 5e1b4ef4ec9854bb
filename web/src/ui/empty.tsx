import type { ReactNode } from 'react';

/** An empty page teaches: one sentence on what belongs here, one button, one line to copy. */
export function Empty({
  title,
  action,
  children,
}: {
  title: string;
  action?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className="rounded-card border border-line border-dashed bg-surface px-5 py-10 text-center md:px-10">
      <p className="mx-auto max-w-[52ch] text-md">{title}</p>
      {action && <div className="mt-5 flex flex-wrap justify-center gap-2">{action}</div>}
      {children && <div className="mx-auto mt-7 max-w-[680px] text-left">{children}</div>}
    </div>
  );
}
