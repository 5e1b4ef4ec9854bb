import type { ReactNode } from 'react';
import type { Field } from './schema.ts';

/** Fields with type, meaning, allowed values and the code of a wrong one; those within an object stand inside it. */
export function FieldList({ fields, needs = false }: { fields: Field[]; needs?: boolean }) {
  return (
    <dl className="divide-y divide-line">
      {fields.map((field, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a list that never changes; two forms of an answer may share a name
        <FieldRow key={`${field.name} ${at}`} field={field} needs={needs} />
      ))}
    </dl>
  );
}

function FieldRow({ field, needs }: { field: Field; needs: boolean }) {
  const { name, type, required, description, allowed, bounds, errorCode, fields } = field;
  return (
    <div className="py-2">
      <dt className="flex flex-wrap items-baseline gap-x-2">
        <code className="break-all font-medium font-mono text-sm">{name}</code>
        <span className="text-ink-faint text-xs">
          {type}
          {bounds && `, ${bounds}`}
        </span>
        {needs && required && <span className="font-medium text-deferred text-xs">required</span>}
      </dt>
      <dd className="text-ink-soft text-sm">
        {description && <p className="mt-0.5">{inlineCode(description)}</p>}
        {allowed.length > 0 && (
          <p className="mt-1 flex flex-wrap gap-1">
            <span className="sr-only">One of: </span>
            {allowed.map((value) => (
              <Code key={value}>{value}</Code>
            ))}
          </p>
        )}
        {errorCode && (
          <p className="mt-1 text-ink-faint text-xs">
            A wrong value answers <Code>{errorCode}</Code>
          </p>
        )}
        {fields.length > 0 && (
          <div className="mt-1.5 ml-0.5 border-line border-l pl-3">
            <FieldList fields={fields} needs={needs} />
          </div>
        )}
      </dd>
    </div>
  );
}

export function Code({ children }: { children: ReactNode }) {
  return <code className="rounded-[4px] bg-line/60 px-1 font-mono text-ink text-xs">{children}</code>;
}

/** What stands in backticks is code. */
export function inlineCode(text: string): ReactNode[] {
  return text.split('`').map((part, at) =>
    at % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence keep their places
      <Code key={at}>{part}</Code>
    ) : (
      part
    ),
  );
}
