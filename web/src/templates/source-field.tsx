import { useRef, useState } from 'react';
import { Labelled, useFieldIds } from '../ui/field.tsx';

interface SourceFieldProps {
  label: string;
  value: string;
  error?: string | undefined;
  /** The line the error is in, from 1. */
  errorLine?: number | undefined;
  onChange: (value: string) => void;
}

const LINE_PX = 20;
const PADDING_PX = 10;

/** Source text with line numbers. Tab moves on to the next field, as everywhere. */
export function SourceField({ label, value, error, errorLine, onChange }: SourceFieldProps) {
  const ids = useFieldIds(undefined, error);
  const gutter = useRef<HTMLDivElement>(null);
  const [scrolled, setScrolled] = useState(0);
  const lines = value.split('\n').length;
  const numbers = Array.from({ length: lines }, (_, at) => at + 1).join('\n');
  return (
    <Labelled ids={ids} label={label}>
      {error && (
        <p id={ids.error} className="mb-1.5 text-failed text-sm">
          {error}
        </p>
      )}
      <div
        className={`relative flex h-[420px] overflow-hidden rounded-control border bg-surface font-mono text-sm focus-within:outline-2 focus-within:outline-accent focus-within:outline-offset-2 ${error ? 'border-failed' : 'border-control'}`}
      >
        {errorLine !== undefined && (
          <div
            aria-hidden="true"
            className="pointer-events-none absolute inset-x-0 bg-failed/12"
            style={{ top: PADDING_PX + (errorLine - 1) * LINE_PX - scrolled, height: LINE_PX }}
          />
        )}
        <div
          ref={gutter}
          aria-hidden="true"
          className="shrink-0 select-none overflow-hidden whitespace-pre border-line border-r bg-sunk px-2.5 text-right text-ink-faint tabular-nums"
          style={{ paddingBlock: PADDING_PX, lineHeight: `${LINE_PX}px` }}
        >
          {numbers}
        </div>
        <textarea
          {...ids.control}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          onScroll={({ currentTarget }) => {
            setScrolled(currentTarget.scrollTop);
            gutter.current?.scrollTo(0, currentTarget.scrollTop);
          }}
          spellCheck={false}
          autoCapitalize="none"
          wrap="off"
          className="relative min-w-0 flex-1 resize-none overflow-auto bg-transparent px-3 outline-none"
          style={{ paddingBlock: PADDING_PX, lineHeight: `${LINE_PX}px` }}
        />
      </div>
    </Labelled>
  );
}
