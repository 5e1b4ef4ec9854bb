import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useRef } from 'react';
import { useRowKeys } from '../keys.ts';
import { Button, ButtonLink } from '../ui/button.tsx';
import { CodeBlock } from '../ui/code.tsx';
import { Empty } from '../ui/empty.tsx';
import { Problem } from '../ui/notice.tsx';
import { LoadingRows, Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { sendLine } from '../workspaces/curl.ts';
import { meQuery } from '../workspaces/queries.ts';
import { Filters } from './filters.tsx';
import { type MessageView, messagesQuery } from './queries.ts';
import { StatusTag } from './status.tsx';

export function MessagesPage() {
  const filters = useSearch({ from: '/framed/messages' });
  const messages = useInfiniteQuery(messagesQuery(filters));
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(() => [...(list.current?.querySelectorAll<HTMLElement>('a') ?? [])]);
  const rows = messages.data?.pages.flatMap((page) => page.data);
  const filtered = Object.values(filters).some(Boolean);
  return (
    <Page title="Messages" actions={rows && rows.length > 0 && <Live failing={messages.isRefetchError} />}>
      {(filtered || (rows && rows.length > 0)) && <Filters />}
      {messages.isPending && <LoadingRows rows={10} />}
      {messages.error && !rows && <Problem error={messages.error} onRetry={() => void messages.refetch()} />}
      {rows && rows.length > 0 && <MessageList rows={rows} listRef={list} />}
      {rows?.length === 0 && (filtered ? <NothingFound /> : <NothingYet />)}
      {messages.hasNextPage && (
        <div className="mt-3 flex justify-center">
          <Button busy={messages.isFetchingNextPage} onClick={() => void messages.fetchNextPage()}>
            Show older messages
          </Button>
        </div>
      )}
    </Page>
  );
}

const COLUMNS =
  'md:grid md:grid-cols-[12.5rem_minmax(0,1fr)_minmax(0,1.4fr)_minmax(0,9rem)_6.5rem] md:items-center md:gap-4';

function MessageList({
  rows,
  listRef,
}: {
  rows: MessageView[];
  listRef: React.RefObject<HTMLUListElement | null>;
}) {
  return (
    <div className="overflow-hidden rounded-card border border-line bg-surface">
      <div
        aria-hidden="true"
        className={`hidden h-8 border-line border-b bg-sunk px-4 text-ink-soft text-xs ${COLUMNS}`}
      >
        <span>Status</span>
        <span>To</span>
        <span>Subject</span>
        <span>Template</span>
        <span className="text-right">Time</span>
      </div>
      <ul ref={listRef} aria-label="Messages, newest first">
        {rows.map((message) => (
          <MessageRow key={message.id} message={message} />
        ))}
      </ul>
    </div>
  );
}

/** A row of 40 px; on phones a card. */
function MessageRow({ message }: { message: MessageView }) {
  return (
    <li className="border-line border-b last:border-b-0">
      <Link
        to="/messages/$id"
        params={{ id: message.id }}
        className={`block px-4 py-3 transition-colors hover:bg-sunk focus-visible:bg-sunk focus-visible:-outline-offset-2 md:h-10 md:py-0 ${COLUMNS}`}
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

function NothingFound() {
  return (
    <Empty
      title="No message fits these filters."
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
