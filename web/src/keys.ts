import { useEffect, useRef } from 'react';

type Bindings = Record<string, () => void>;

/** A second key later than this starts anew. */
const SEQUENCE_MS = 1_000;

/**
 * Keys for the whole page: single ones (`/`) and sequences (`g m`). They rest while somebody types, while a dialog is
 * open and when Ctrl, Alt or Meta is held.
 */
export function useKeys(bindings: Bindings): void {
  const latest = useRef(bindings);
  latest.current = bindings;
  useEffect(() => {
    let first = { key: '', at: 0 };
    function press(event: KeyboardEvent) {
      if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTaken(event.target))
        return;
      const sequence = event.timeStamp - first.at < SEQUENCE_MS ? `${first.key} ${event.key}` : '';
      const act = latest.current[sequence] ?? latest.current[event.key];
      first = act ? { key: '', at: 0 } : { key: event.key, at: event.timeStamp };
      if (!act) return;
      event.preventDefault();
      act();
    }
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);
}

/** j and k walk through the rows of a list, which are links: Enter then opens the one that has the focus. */
export function useRowKeys(rows: () => HTMLElement[]): void {
  useKeys({ j: () => step(rows(), 1), k: () => step(rows(), -1) });
}

function step(rows: HTMLElement[], by: 1 | -1): void {
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by));
  rows[next]?.focus();
  rows[next]?.scrollIntoView({ block: 'nearest' });
}

function isTaken(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest(
      'input, textarea, select, [contenteditable], [role=dialog], [role=alertdialog], [role=menu]',
    ) !== null
  );
}
