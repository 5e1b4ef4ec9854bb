import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../api.ts';
import { Button, ButtonLink } from '../ui/button.tsx';
import { CodeBlock } from '../ui/code.tsx';
import { Empty } from '../ui/empty.tsx';
import { Notice, Problem, type Tone } from '../ui/notice.tsx';
import { LoadingRows, Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { type NoticeView, noticesQuery } from './queries.ts';

/** What needs a person: each notice with its next step. Seen ones stay below, for who looks back. */
export function NoticesPage() {
  const notices = useQuery(noticesQuery);
  const open = notices.data?.filter((one) => one.open) ?? [];
  const past = notices.data?.filter((one) => !one.open) ?? [];
  return (
    <Page title="Notices" actions={open.length > 1 && <AllSeen notices={open} />}>
      {notices.isPending && <LoadingRows rows={3} />}
      {notices.error && !notices.data && (
        <Problem error={notices.error} onRetry={() => void notices.refetch()} />
      )}
      {notices.data && open.length === 0 && (
        <Empty title="Nothing needs you. A message that is uncertain, a code that came too late, or a server that stops is told here.">
          <CodeBlock
            label="Ask from a program"
            code={`curl ${location.origin}/v1/notices \\\n  -H "Authorization: Bearer <API key>"`}
          />
        </Empty>
      )}
      <ul className="space-y-3">
        {open.map((one) => (
          <li key={one.id}>
            <OpenNotice notice={one} />
          </li>
        ))}
      </ul>
      {past.length > 0 && (
        <section className="mt-8">
          <h2 className="mb-3 font-semibold">Earlier</h2>
          <ul className="overflow-hidden rounded-card border border-line bg-surface">
            {past.map((one) => (
              <PastNotice key={one.id} notice={one} />
            ))}
          </ul>
        </section>
      )}
    </Page>
  );
}

const TONES: Record<NoticeView['kind'], Tone> = {
  message_uncertain: 'uncertain',
  priority_expired: 'failed',
  server_attention: 'failed',
  server_blocklisted: 'deferred',
};

function OpenNotice({ notice }: { notice: NoticeView }) {
  const seen = useSeen();
  return (
    <Notice
      tone={TONES[notice.kind]}
      title={notice.title}
      actions={
        <>
          <NextStep notice={notice} />
          <Button look="quiet" busy={seen.isPending} onClick={() => seen.mutate([notice.id])}>
            Mark as seen
          </Button>
        </>
      }
    >
      <p>{notice.nextStep}</p>
      {notice.reason && <p className="mt-1 break-words text-sm">Last reason: {notice.reason}</p>}
      <p className="mt-1 text-sm">
        <Times notice={notice} />
      </p>
      {seen.error && <Problem error={seen.error} />}
    </Notice>
  );
}

function NextStep({ notice: { kind, server } }: { notice: NoticeView }) {
  if (server !== null)
    return (
      <ButtonLink to="/settings/email-servers/$id" params={{ id: server }}>
        Open server
      </ButtonLink>
    );
  return (
    <ButtonLink to="/messages" search={{ status: kind === 'message_uncertain' ? 'uncertain' : 'expired' }}>
      {kind === 'message_uncertain' ? 'Decide uncertain messages' : 'Show expired messages'}
    </ButtonLink>
  );
}

function PastNotice({ notice }: { notice: NoticeView }) {
  return (
    <li className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1 border-line border-b px-4 py-2.5 last:border-b-0">
      <span className="min-w-0">{notice.title}</span>
      <span className="text-ink-soft text-sm">
        {notice.over && 'over · '}
        <Time at={notice.lastAt} />
      </span>
    </li>
  );
}

function Times({ notice: { count, firstAt, lastAt } }: { notice: NoticeView }) {
  if (count === 1 || firstAt === lastAt) return <Time at={lastAt} />;
  return (
    <>
      First <Time at={firstAt} />, last <Time at={lastAt} />
    </>
  );
}

function AllSeen({ notices }: { notices: NoticeView[] }) {
  const seen = useSeen();
  return (
    <Button busy={seen.isPending} onClick={() => seen.mutate(notices.map((one) => one.id))}>
      Mark all as seen
    </Button>
  );
}

function useSeen() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (ids: string[]) =>
      Promise.all(ids.map((id) => call('POST', `/v1/notices/${encodeURIComponent(id)}/seen`))),
    onSettled: async () => {
      await queryClient.invalidateQueries({ queryKey: noticesQuery.queryKey });
      await queryClient.invalidateQueries({ queryKey: ['me'] });
    },
  });
}
