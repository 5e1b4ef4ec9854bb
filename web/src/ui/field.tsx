import { type ComponentProps, type ReactNode, useId } from 'react';

/** What every field is: a label, where to find the value, and what is wrong with it. */
interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  error?: string | undefined;
  optional?: boolean;
}

const CONTROL =
  'w-full rounded-control border bg-surface px-3 text-md transition-colors md:text-base disabled:bg-sunk disabled:text-ink-faint';
const border = (error: string | undefined) =>
  error ? 'border-failed' : 'border-control hover:border-ink-faint';

export function TextField({
  label,
  hint,
  error,
  optional,
  mono,
  className = '',
  ...rest
}: FieldProps & ComponentProps<'input'> & { mono?: boolean }) {
  const ids = useFieldIds(hint, error);
  return (
    <Labelled ids={ids} label={label} hint={hint} error={error} optional={optional} className={className}>
      <input
        {...ids.control}
        {...rest}
        className={`${CONTROL} ${border(error)} h-10 md:h-9 ${mono ? 'font-mono' : ''}`}
      />
    </Labelled>
  );
}

export function TextArea({
  label,
  hint,
  error,
  optional,
  className = '',
  ...rest
}: FieldProps & ComponentProps<'textarea'>) {
  const ids = useFieldIds(hint, error);
  return (
    <Labelled ids={ids} label={label} hint={hint} error={error} optional={optional} className={className}>
      <textarea
        rows={4}
        {...ids.control}
        {...rest}
        className={`${CONTROL} ${border(error)} py-2 font-mono text-sm`}
      />
    </Labelled>
  );
}

export function SelectField({
  label,
  hint,
  error,
  optional,
  className = '',
  children,
  ...rest
}: FieldProps & ComponentProps<'select'>) {
  const ids = useFieldIds(hint, error);
  return (
    <Labelled ids={ids} label={label} hint={hint} error={error} optional={optional} className={className}>
      <select {...ids.control} {...rest} className={`${CONTROL} ${border(error)} h-10 md:h-9`}>
        {children}
      </select>
    </Labelled>
  );
}

interface ChoiceProps<Value extends string> {
  label: string;
  name: string;
  value: Value;
  choices: readonly { value: Value; label: string; hint: string }[];
  error?: string | undefined;
  onChange: (value: Value) => void;
}

/** One of a few, each with a line on what it means. */
export function ChoiceField<Value extends string>({
  label,
  name,
  value,
  choices,
  error,
  onChange,
}: ChoiceProps<Value>) {
  return (
    <fieldset>
      <legend className="mb-1.5 text-sm font-medium">{label}</legend>
      <div className="overflow-hidden rounded-card border border-line">
        {choices.map((choice) => (
          <label
            key={choice.value}
            className="flex cursor-pointer items-start gap-3 border-line border-b bg-surface px-3 py-2.5 last:border-b-0 hover:bg-sunk has-checked:bg-accent/8"
          >
            <input
              type="radio"
              name={name}
              className="mt-0.5 size-4 shrink-0 accent-accent"
              checked={value === choice.value}
              onChange={() => onChange(choice.value)}
            />
            <span>
              <span className="block font-medium">{choice.label}</span>
              <span className="block text-ink-soft text-sm">{choice.hint}</span>
            </span>
          </label>
        ))}
      </div>
      {error && <p className="mt-1.5 text-failed text-sm">{error}</p>}
    </fieldset>
  );
}

export function Labelled({
  ids,
  label,
  hint,
  error,
  optional,
  className,
  children,
}: FieldProps & { ids: FieldIds; className?: string; children: ReactNode }) {
  return (
    <div className={className}>
      <label htmlFor={ids.control.id} className="mb-1.5 flex items-baseline gap-2 text-sm font-medium">
        {label}
        {optional && <span className="font-normal text-ink-faint text-xs">optional</span>}
      </label>
      {children}
      {error && (
        <p id={ids.error} className="mt-1.5 text-failed text-sm">
          {error}
        </p>
      )}
      {hint && (
        <p id={ids.hint} className="mt-1.5 text-ink-soft text-sm">
          {hint}
        </p>
      )}
    </div>
  );
}

interface FieldIds {
  hint: string;
  error: string;
  control: { id: string; 'aria-invalid': boolean; 'aria-describedby': string | undefined };
}

/** Ties a control to its label, its hint and its error for those who hear the page. */
export function useFieldIds(hint: ReactNode, error: string | undefined): FieldIds {
  const id = useId();
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ');
  return {
    hint: `${id}-hint`,
    error: `${id}-error`,
    control: { id, 'aria-invalid': error !== undefined, 'aria-describedby': described || undefined },
  };
}
