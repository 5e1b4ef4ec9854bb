import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useRef } from 'react';
import { useRowKeys } from '../keys.ts';
import { ButtonLink } from '../ui/button.tsx';
import { CodeBlock } from '../ui/code.tsx';
import { Empty } from '../ui/empty.tsx';
import { List, ShowOlder } from '../ui/list.tsx';
import { Problem } from '../ui/notice.tsx';
import { LoadingRows, Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { sendLine } from '../workspaces/curl.ts';
import { meQuery } from '../workspaces/queries.ts';
import { Filters } from './filters.tsx';
import { type MessageView, messagesQuery } from './queries.ts';
import { type Selection, useSelection } from './selection.ts';
import { StatusTag } from './status.tsx';
import { UncertainPanel } from './uncertain-panel.tsx';

export function MessagesPage() {
  const filters = useSearch({ from: '/framed/messages' });
  const messages = useInfiniteQuery(messagesQuery(filters));
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(() => [...(list.current?.querySelectorAll<HTMLElement>('a') ?? [])]);
  const rows = messages.data?.pages.flatMap((page) => page.data);
  const filtered = Object.values(filters).some(Boolean);
  const uncertain = filters.status === 'uncertain';
  const selection = useSelection(uncertain ? (rows ?? []).map(({ id }) => id) : [], focusedId);
  return (
    <Page title="Messages" actions={rows && rows.length > 0 && <Live failing={messages.isRefetchError} />}>
      {(filtered || (rows && rows.length > 0)) && <Filters />}
      {messages.isPending && <LoadingRows rows={10} />}
      {messages.error && !rows && <Problem error={messages.error} onRetry={() => void messages.refetch()} />}
      {uncertain && rows && rows.length > 0 && <UncertainPanel selection={selection} shown={rows.length} />}
      {rows && rows.length > 0 && (
        <MessageList rows={rows} listRef={list} selection={uncertain ? selection : undefined} />
      )}
      {rows?.length === 0 && (filtered ? <NothingFound uncertain={uncertain} /> : <NothingYet />)}
      <ShowOlder pages={messages}>Show older messages</ShowOlder>
    </Page>
  );
}

/** Of the row whose link or box has the focus. */
function focusedId(): string | undefined {
  return document.activeElement?.closest<HTMLElement>('[data-message]')?.dataset.message;
}

const COLUMNS =
  'md:grid md:grid-cols-[12.5rem_minmax(0,1fr)_minmax(0,1.4fr)_minmax(0,9rem)_6.5rem] md:items-center md:gap-4';

function MessageList({
  rows,
  listRef,
  selection,
}: {
  rows: MessageView[];
  listRef: React.RefObject<HTMLUListElement | null>;
  selection: Selection | undefined;
}) {
  return (
    <List
      label="Messages, newest first"
      heads={['Status', 'To', 'Subject', 'Template', 'Time']}
      columns={`${selection ? 'md:pl-12' : ''} ${COLUMNS}`}
      listRef={listRef}
    >
      {rows.map((message) => (
        <MessageRow key={message.id} message={message} selection={selection} />
      ))}
    </List>
  );
}

/** A row of 40 px; on phones a card. */
function MessageRow({ message, selection }: { message: MessageView; selection: Selection | undefined }) {
  const selected = selection?.has(message.id) ?? false;
  return (
    <li
      data-message={message.id}
      className={`relative border-line border-b last:border-b-0 ${selected ? 'bg-accent/8' : ''}`}
    >
      {selection && (
        <label className="absolute top-0 left-0 z-10 flex h-12 w-11 items-center justify-center md:h-10">
          <span className="sr-only">Select the message to {message.rcpt}</span>
          <input
            type="checkbox"
            className="size-4 accent-accent"
            title="Select (x)"
            checked={selected}
            onChange={() => selection.toggle(message.id)}
          />
        </label>
      )}
      <Link
        to="/messages/$id"
        params={{ id: message.id }}
        className={`block px-4 py-3 transition-colors hover:bg-sunk focus-visible:bg-sunk focus-visible:-outline-offset-2 md:h-10 md:py-0 ${selection ? 'pl-12 md:pl-12' : ''} ${COLUMNS}`}
      >
        <span className="flex items-center justify-between gap-3 md:contents">
          <span className="flex min-w-0 items-center">
            <StatusTag status={message.status} server={message.server?.name ?? null} />
          </span>
          <span className="shrink-0 text-ink-soft text-sm md:order-last md:text-right">
            <Time at={message.createdAt} />
          </span>
        </span>
        <span className="mt-2 block truncate font-mono text-sm md:mt-0">{message.rcpt}</span>
        <span className="block truncate">
          {message.subject || <span className="text-ink-faint">No subject</span>}
        </span>
        <span className="block truncate font-mono text-ink-soft text-sm">{message.template}</span>
      </Link>
    </li>
  );
}

/** Says whether what is shown is what is. */
function Live({ failing }: { failing: boolean }) {
  return (
    <span className="flex items-center gap-2 text-ink-soft text-sm" role="status">
      <span aria-hidden="true" className={`size-2 rounded-full ${failing ? 'bg-failed' : 'bg-accent'}`} />
      {failing ? 'Not up to date: Mailwright does not answer' : 'Live'}
    </span>
  );
}

function NothingFound({ uncertain }: { uncertain: boolean }) {
  return (
    <Empty
      title={
        uncertain
          ? 'No message is uncertain. One whose server took it and did not confirm it would wait here for you.'
          : 'No message fits these filters.'
      }
      action={
        <ButtonLink to="/messages" search={{}}>
          Clear filters
        </ButtonLink>
      }
    />
  );
}

function NothingYet() {
  const { data: me } = useQuery(meQuery);
  const sandbox = me?.workspace.mode === 'sandbox';
  return (
    <Empty
      title={
        sandbox
          ? 'Every message you send appears here. In the sandbox none leaves this machine.'
          : 'Every message you send appears here, with each attempt to deliver it.'
      }
      action={
        <ButtonLink to="/templates/new" look="primary">
          Create template
        </ButtonLink>
      }
    >
      <CodeBlock
        label="Send a first message"
        code={sendLine(location.origin, { rcpt: me?.user?.email ?? 'you@example.com' })}
      />
      <p className="mt-2 text-ink-soft text-sm">
        Your API key was shown at setup. If it is lost,{' '}
        <Link to="/settings/api-key" className="text-accent underline underline-offset-2">
          regenerate it
        </Link>
        .
      </p>
    </Empty>
  );
}
