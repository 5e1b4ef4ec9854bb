import { useSyncExternalStore } from 'react';

const SHOWN_MS = 4_000;

let shown: { id: number; text: string } | undefined;
let count = 0;
const listeners = new Set<() => void>();

/** A line that confirms what was done. Never the only place where something is said. */
export function toast(text: string): void {
  const id = ++count;
  set({ id, text });
  setTimeout(() => shown?.id === id && set(undefined), SHOWN_MS);
}

export function Toasts() {
  const current = useSyncExternalStore(subscribe, () => shown);
  return (
    <div
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 bottom-20 z-50 flex justify-center px-4 md:bottom-6"
    >
      {current && (
        <p
          key={current.id}
          className="animate-appear rounded-control bg-ink px-4 py-2 text-ground shadow-float"
        >
          {current.text}
        </p>
      )}
    </div>
  );
}

function set(next: typeof shown): void {
  shown = next;
  for (const changed of listeners) changed();
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed);
  return () => listeners.delete(changed);
}
