import { type ReactNode, useId } from 'react';
import { CodeBlock } from '../ui/code.tsx';
import type { Call } from './calls.ts';
import { curlOf } from './curl.ts';
import type { Answer, Operation } from './document.ts';
import { Code, FieldList, inlineCode } from './field-list.tsx';
import { fieldOf, fieldsOf, typeOf } from './schema.ts';

interface CallRowProps {
  call: Call;
  isOpen: boolean;
  onToggle: (open: boolean) => void;
}

/** One call: its line, and all about it once opened. */
export function CallRow({ call, isOpen, onToggle }: CallRowProps) {
  const { method, path, operation } = call;
  return (
    <details
      id={operation.operationId}
      open={isOpen}
      onToggle={(event) => onToggle(event.currentTarget.open)}
      className="group scroll-mt-4 border-line border-b last:border-b-0"
    >
      <summary className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 px-4 py-2.5 -outline-offset-2 hover:bg-sunk group-open:bg-sunk">
        <Method name={method} />
        <code className="min-w-0 break-all font-medium font-mono text-sm">{path}</code>
        <span className="w-full text-ink-soft text-sm md:w-auto md:flex-1">{operation.summary}</span>
      </summary>
      {isOpen && (
        <div className="grid gap-x-8 gap-y-6 border-line border-t px-4 pt-4 pb-6 lg:grid-cols-2">
          <div className="min-w-0 space-y-6">
            <p className="text-ink-soft text-sm">
              {ACCESS[operation['x-access']]}{' '}
              <a
                href={`#${operation.operationId}`}
                className="text-accent underline underline-offset-2"
                aria-label={`Link to ${method} ${path}`}
              >
                Link to this call
              </a>
            </p>
            <Parameters operation={operation} />
            <Body operation={operation} />
          </div>
          <div className="min-w-0 space-y-6">
            <CodeBlock label="curl" code={curlOf(location.origin, call)} />
            <Answers responses={operation.responses} />
          </div>
        </div>
      )}
    </details>
  );
}

const ACCESS: Record<Operation['x-access'], string> = {
  public: 'Needs no key.',
  viewer: 'Any API key or session may read it.',
  editor: 'Needs an API key, or a session with the role editor.',
  admin: 'Changes settings: needs an API key with the scope admin, or a session with the role admin.',
};

const METHOD_TONE: Record<string, string> = {
  GET: 'text-captured',
  POST: 'text-sent',
  PATCH: 'text-deferred',
  DELETE: 'text-failed',
};

function Method({ name }: { name: string }) {
  return (
    <span className={`w-14 shrink-0 font-mono font-semibold text-xs ${METHOD_TONE[name] ?? ''}`}>{name}</span>
  );
}

const PLACES = { path: 'In the path', query: 'Query', header: 'Headers' } as const;

function Parameters({ operation }: { operation: Operation }) {
  return (['path', 'query', 'header'] as const).map((place) => {
    const fields = operation.parameters
      .filter((one) => one.in === place)
      .map(({ name, schema, required, description }) =>
        fieldOf(name, description ? { ...schema, description } : schema, required),
      );
    return (
      fields.length > 0 && (
        <Part key={place} title={PLACES[place]}>
          <FieldList fields={fields} needs={place === 'query'} />
        </Part>
      )
    );
  });
}

const UNKNOWN_FIELDS = {
  refuse: 'A field that is not listed is refused with `unknown_field`.',
  warn: 'A field that is not listed is ignored and named in `warnings`; a near miss of a listed one is refused.',
  keep: 'Every other key is an attribute: text, a number, true or false, or a date. Null removes one.',
};

function Body({ operation: { requestBody } }: { operation: Operation }) {
  if (!requestBody) return null;
  const { content, 'x-unknown-fields': unknown, 'x-max-bytes': limit } = requestBody;
  return (
    <Part title="Body" note={`JSON, at most ${sizeOf(limit)}`}>
      <FieldList fields={fieldsOf(content['application/json'].schema)} needs />
      <p className="mt-2 text-ink-soft text-sm">{inlineCode(UNKNOWN_FIELDS[unknown])}</p>
    </Part>
  );
}

function sizeOf(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MB` : `${bytes / 1024} KB`;
}

function Answers({ responses }: { responses: Record<string, Answer> }) {
  return Object.entries(responses)
    .filter(([status]) => status !== 'default')
    .map(([status, { description, content = {} }]) => {
      const schema = content['application/json']?.schema;
      const others = Object.keys(content).filter((type) => type !== 'application/json');
      return (
        <Part key={status} title={`Answer ${status}`} note={description}>
          {schema?.type === 'array' && <p className="text-ink-faint text-xs">{typeOf(schema)}</p>}
          {schema && <FieldList fields={fieldsOf(schema)} />}
          {others.map((type) => (
            <p key={type} className="mt-2 text-ink-soft text-sm">
              {schema ? 'Or, asked for in Accept: ' : 'As '}
              <Code>{type}</Code>
            </p>
          ))}
        </Part>
      );
    });
}

function Part({ title, note, children }: { title: string; note?: string; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <div className="flex flex-wrap items-baseline gap-x-2 border-line border-b pb-1">
        <h3 id={id} className="font-semibold text-sm">
          {title}
        </h3>
        {note && <span className="text-ink-soft text-sm">{note}</span>}
      </div>
      {children}
    </section>
  );
}
