import type { ReactNode } from 'react';
import { Mark } from '../ui/mark.tsx';

/** The pages before the frame: one card, one thing to do. */
export function Gate({ title, intro, children }: { title: string; intro?: ReactNode; children: ReactNode }) {
  return (
    <main className="flex min-h-dvh flex-col items-center px-4 pt-[12vh] pb-12">
      <title>{`${title} · Mailwright`}</title>
      <div className="w-full max-w-[400px]">
        <Mark className="size-9" />
        <h1 className="mt-5 font-semibold text-lg tracking-[-0.01em]">{title}</h1>
        {intro && <p className="mt-1.5 text-ink-soft">{intro}</p>}
        <div className="mt-6">{children}</div>
      </div>
    </main>
  );
}
