import { Search } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useKeys } from '../keys.ts';
import { Button } from './button.tsx';

const TYPING_PAUSE_MS = 250;

interface BarProps {
  filters: object;
  onClear: () => void;
  children: ReactNode;
}

/** The filters of a list, and the way out of all of them. */
export function FilterBar({ filters, onClear, children }: BarProps) {
  return (
    <search className="mb-3 flex flex-wrap gap-2">
      {children}
      {Object.values(filters).some(Boolean) && (
        <Button look="quiet" onClick={onClear}>
          Clear filters
        </Button>
      )}
    </search>
  );
}

/** What stands in the address: an empty filter does not. */
export function withoutEmpty<T extends object>(filters: T): T {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value)) as T;
}

interface SearchProps {
  label: string;
  value: string;
  onChange: (q: string) => void;
}

/** Searches while one types; `/` leads here. */
export function SearchBox({ label, value, onChange }: SearchProps) {
  const [text, setText] = useState(value);
  const box = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useKeys({ '/': () => box.current?.focus() });
  useEffect(() => setText((typed) => (typed.trim() === value ? typed : value)), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function type(next: string) {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(next.trim()), TYPING_PAUSE_MS);
  }

  return (
    <div className="relative w-full sm:w-64">
      <Search
        aria-hidden="true"
        className="-translate-y-1/2 absolute top-1/2 left-2.5 size-4 text-ink-faint"
      />
      <input
        ref={box}
        type="search"
        aria-label={label}
        placeholder={label}
        title="Search (/)"
        value={text}
        onChange={(event) => type(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
        className="h-9 w-full rounded-control border border-control bg-surface pr-2 pl-8 text-md md:h-8 md:text-base"
      />
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string | undefined;
  choices: [value: string, word: string][];
  onChange: (value: string) => void;
}

/** A value of the address that is in no list (a deleted server, say) stays visible and can be cleared. */
export function Choice({ label, value = '', choices, onChange }: ChoiceProps) {
  const known = value === '' || choices.some(([one]) => one === value);
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      className={`h-9 min-w-0 max-w-44 flex-1 rounded-control border bg-surface px-2 sm:flex-none md:h-8 ${value ? 'border-accent font-medium' : 'border-control text-ink-soft'}`}
    >
      <option value="">{label}</option>
      {!known && <option value={value}>{value}</option>}
      {choices.map(([one, word]) => (
        <option key={one} value={one}>
          {word}
        </option>
      ))}
    </select>
  );
}
