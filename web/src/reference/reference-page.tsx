import { useQuery } from '@tanstack/react-query';
import { useLocation } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useKeys, useRowKeys } from '../keys.ts';
import { TextField } from '../ui/field.tsx';
import { Problem } from '../ui/notice.tsx';
import { Fold, LoadingRows, Page } from '../ui/page.tsx';
import { CallRow } from './call-row.tsx';
import { groupsOf, matching } from './calls.ts';
import { documentQuery, type OpenApiDocument } from './document.ts';
import { Code, FieldList } from './field-list.tsx';
import { fieldsOf } from './schema.ts';

/** Every call of the program, drawn from the description that the program makes of itself. */
export function ReferencePage() {
  const { data: document, error, refetch } = useQuery(documentQuery);
  return (
    <Page
      title="API reference"
      intro={
        <>
          Every call of this installation, as it answers today. For programs the same is at{' '}
          <a href="/v1/openapi.json" className="text-accent underline underline-offset-2">
            /v1/openapi.json
          </a>
          .
        </>
      }
    >
      {error && <Problem error={error} onRetry={() => void refetch()} />}
      {!error && !document && <LoadingRows rows={10} />}
      {document && <Reference document={document} />}
    </Page>
  );
}

function Reference({ document }: { document: OpenApiDocument }) {
  const [text, setText] = useState('');
  const search = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const groups = useMemo(() => groupsOf(document), [document]);
  const shown = matching(groups, text);
  const count = shown.reduce((sum, { calls }) => sum + calls.length, 0);
  const [opened, toggle] = useOpenCalls();
  useKeys({ '/': () => search.current?.focus() });
  useRowKeys(() => [...(list.current?.querySelectorAll('summary') ?? [])]);
  return (
    <>
      <TextField
        ref={search}
        type="search"
        label="Find a call"
        placeholder="A path, a field or an error code"
        value={text}
        onChange={(event) => setText(event.target.value)}
        hint={<span aria-live="polite">{text && count === 1 ? '1 call' : `${count} calls`}</span>}
        className="max-w-[440px]"
      />
      <Common error={document.components.schemas.Error} />
      <div ref={list} className="mt-6 space-y-8">
        {shown.map(({ tag, calls }) => (
          <section key={tag}>
            <h2 className="mb-2 font-semibold text-md">{tag}</h2>
            <div className="overflow-hidden rounded-card border border-line bg-surface">
              {calls.map((call) => (
                <CallRow
                  key={call.operation.operationId}
                  call={call}
                  isOpen={opened.has(call.operation.operationId)}
                  onToggle={(open) => toggle(call.operation.operationId, open)}
                />
              ))}
            </div>
          </section>
        ))}
        {count === 0 && <p className="text-ink-soft">No call has these words.</p>}
      </div>
    </>
  );
}

/** Which calls are open; the one that the address names is, and comes into view. */
function useOpenCalls(): [ReadonlySet<string>, (id: string, open: boolean) => void] {
  const { hash } = useLocation();
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set(hash ? [hash] : []));
  const toggle = (id: string, open: boolean) =>
    setOpened((before) => {
      if (before.has(id) === open) return before;
      const after = new Set(before);
      if (open) after.add(id);
      else after.delete(id);
      return after;
    });
  useEffect(() => {
    if (!hash) return;
    setOpened((before) => new Set(before).add(hash));
    requestAnimationFrame(() => {
      const row = document.getElementById(hash);
      row?.scrollIntoView({ block: 'start' });
      row?.querySelector('summary')?.focus({ preventScroll: true });
    });
  }, [hash]);
  return [opened, toggle];
}

/** What holds for all calls is said once. */
function Common({ error }: { error: OpenApiDocument['components']['schemas']['Error'] }) {
  return (
    <div className="mt-5 space-y-2">
      <Fold summary="Keys, times, lists">
        <ul className="mt-2 list-disc space-y-1 pl-6 text-ink-soft text-sm">
          <li>
            Send the API key as <Code>Authorization: Bearer &lt;API key&gt;</Code>. A wrong one answers 401.
          </li>
          <li>Bodies and answers are JSON. Times are ISO 8601 in UTC, with milliseconds.</li>
          <li>
            A list answers <Code>data</Code> and <Code>nextCursor</Code>; send that as <Code>cursor</Code> for
            the next page.
          </li>
          <li>
            Every answer carries <Code>X-Request-Id</Code>, by which the log knows it.
          </li>
        </ul>
      </Fold>
      <Fold summary="The form of errors">
        <div className="mt-2 max-w-[640px] rounded-card border border-line bg-surface px-4 py-2">
          <p className="py-1 text-ink-soft text-sm">
            401 the key, 403 the role, 404 not here, 409 a conflict, 413 too large, 422 a value is wrong, 429
            too often: wait <Code>Retry-After</Code> seconds.
          </p>
          <FieldList fields={fieldsOf(error)} />
        </div>
      </Fold>
    </div>
  );
}
