import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { ApiError } from '../api.ts';
import { ButtonLink } from '../ui/button.tsx';
import { Notice, Problem } from '../ui/notice.tsx';
import { Fact, LoadingRows, Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { MessageActions } from './message-actions.tsx';
import { type MessageRecordView, messageQuery } from './queries.ts';
import { STATUSES, StatusTag } from './status.tsx';
import { timelineOf } from './timeline.ts';
import { TimelineList } from './timeline-list.tsx';
import { UncertainDecision } from './uncertain-decision.tsx';

export function MessagePage() {
  const { id } = useParams({ from: '/framed/messages/$id' });
  const message = useQuery(messageQuery(id));
  if (message.data) return <Message message={message.data} />;

  const gone = message.error instanceof ApiError && message.error.status === 404;
  return (
    <Page title="Message" back={<Link to="/messages">Messages</Link>}>
      {message.isPending && <LoadingRows />}
      {gone && <Notice tone="stopped" title="There is no message with this id in this workspace." />}
      {message.error && !gone && <Problem error={message.error} onRetry={() => void message.refetch()} />}
    </Page>
  );
}

function Message({ message }: { message: MessageRecordView }) {
  return (
    <Page
      title={message.subject || 'No subject'}
      back={<Link to="/messages">Messages</Link>}
      heading={
        <span className="flex flex-wrap items-center gap-3">
          <StatusTag status={message.status} server={message.server?.name ?? null} />
          <span className="min-w-0 break-words">{message.subject || 'No subject'}</span>
        </span>
      }
      actions={<MessageActions key={message.id} message={message} />}
    >
      {message.status === 'uncertain' ? (
        <UncertainDecision message={message} />
      ) : (
        <Reason message={message} />
      )}
      <Facts message={message} />
      <div className="mt-6 grid gap-8 lg:grid-cols-[minmax(0,1fr)_380px]">
        <section aria-label="Mail">
          <Letter message={message} />
        </section>
        <section aria-label="Timeline">
          <h2 className="mb-4 font-semibold">Timeline</h2>
          <TimelineList entries={timelineOf(message)} />
        </section>
      </div>
    </Page>
  );
}

/** Accepted and captured mail needs no explanation; everything else is told why, in one sentence. */
function Reason({ message: { status, reason, code, rcpt, sandbox } }: { message: MessageRecordView }) {
  if (!reason || ['sent', 'delivered', 'captured'].includes(status)) return null;
  return (
    <div className="mb-4">
      <Notice
        tone={STATUSES[status].tone}
        title={reason}
        actions={
          (status === 'blocked' || (status === 'bounced' && !sandbox)) && (
            <ButtonLink to="/audience/blocked" search={{ q: rcpt }}>
              Show the block
            </ButtonLink>
          )
        }
      >
        {code && <code className="font-mono text-sm">{code}</code>}
      </Notice>
    </div>
  );
}

function Facts({ message }: { message: MessageRecordView }) {
  const { template, sendAt, finalAt } = message;
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-3 rounded-card border border-line bg-surface px-4 py-3">
      <Fact label="To">
        <span className="break-all font-mono text-sm">{message.rcpt}</span>
      </Fact>
      <Fact label="From">
        <span className="break-all font-mono text-sm">{message.from}</span>
      </Fact>
      {template && (
        <Fact label="Template">
          <Link
            to="/templates/$slug"
            params={{ slug: template }}
            className="font-mono text-accent text-sm hover:underline"
          >
            {template}
          </Link>
        </Fact>
      )}
      <Fact label="Type">
        <span className="capitalize">{message.type}</span>
      </Fact>
      <Fact label="Created">
        <Time at={message.createdAt} />
      </Fact>
      {sendAt && (
        <Fact label="Scheduled for">
          <Time at={sendAt} />
        </Fact>
      )}
      {!finalAt && message.status !== 'uncertain' && (
        <Fact label="Expires">
          <Time at={message.expiresAt} />
        </Fact>
      )}
      {message.tags.length > 0 && <Fact label="Tags">{message.tags.join(', ')}</Fact>}
      <Fact label="Id">
        <span className="break-all font-mono text-sm">{message.id}</span>
      </Fact>
    </dl>
  );
}

/** The mail as its reader sees it, in a frame where nothing of it can run. */
function Letter({ message }: { message: MessageRecordView }) {
  if (message.variables === null) {
    return (
      <Notice tone="stopped" title="The content was forgotten.">
        Its template is sensitive: variables and body are kept only until the message is final.
      </Notice>
    );
  }
  return (
    <>
      <iframe
        title="The mail as its reader sees it"
        sandbox=""
        src={`/v1/messages/${encodeURIComponent(message.id)}/preview`}
        className="h-[420px] w-full rounded-card border border-line bg-paper lg:h-[640px]"
      />
      {message.attachments.length > 0 && (
        <p className="mt-2 text-ink-soft text-sm">
          Attached: {message.attachments.map((one) => one.filename).join(', ')}
        </p>
      )}
    </>
  );
}
