import { useState } from 'react';
import { useKeys } from '../keys.ts';

export interface Selection {
  /** Those of the shown rows that are selected, in their order. */
  ids: string[];
  has: (id: string) => boolean;
  toggle: (id: string) => void;
  /** All of the shown rows, or none when all are selected. */
  toggleAll: () => void;
  clear: () => void;
}

/** Rows that are selected. A row that is no longer shown is no longer selected. `x` toggles the row that has the focus. */
export function useSelection(shown: readonly string[], focused: () => string | undefined): Selection {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const ids = shown.filter((id) => chosen.has(id));
  const toggle = (id: string) =>
    setChosen((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  useKeys({
    x: () => {
      const id = focused();
      if (id !== undefined && shown.includes(id)) toggle(id);
    },
  });
  return {
    ids,
    has: (id) => chosen.has(id),
    toggle,
    toggleAll: () => setChosen(new Set(ids.length === shown.length ? [] : shown)),
    clear: () => setChosen(new Set()),
  };
}
