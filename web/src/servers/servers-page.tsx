import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useRef } from 'react';
import { useRowKeys } from '../keys.ts';
import { templatesQuery } from '../templates/queries.ts';
import { ButtonLink } from '../ui/button.tsx';
import { Empty } from '../ui/empty.tsx';
import { Problem } from '../ui/notice.tsx';
import { LoadingRows, Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { HealthTag } from './health-tag.tsx';
import { type ServerView, serversQuery, serverTypesQuery } from './queries.ts';
import { TypeMark } from './type-mark.tsx';

export function ServersPage() {
  const servers = useQuery(serversQuery);
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(() => [...(list.current?.querySelectorAll<HTMLElement>('a') ?? [])]);
  const add = (
    <ButtonLink to="/settings/email-servers/new" look="primary" icon={<Plus aria-hidden="true" />}>
      Add server
    </ButtonLink>
  );
  return (
    <Page
      title="Email Servers"
      intro="A template may prefer one of them. Without a preference, one is drawn at random for each message."
      actions={servers.data && servers.data.length > 0 && add}
    >
      {servers.isPending && <LoadingRows rows={3} />}
      {servers.error && <Problem error={servers.error} onRetry={() => void servers.refetch()} />}
      {servers.data?.length === 0 && (
        <Empty
          title="Your own servers carry the mail: AWS SES, Gmail, Postmark, or anything that speaks SMTP."
          action={add}
        />
      )}
      {servers.data && servers.data.length > 0 && (
        <ul ref={list} className="overflow-hidden rounded-card border border-line bg-surface">
          {servers.data.map((server) => (
            <ServerRow key={server.id} server={server} />
          ))}
        </ul>
      )}
    </Page>
  );
}

const ENCRYPTION: Record<ServerView['security'], string> = {
  ssl: 'SSL',
  starttls: 'STARTTLS',
  none: 'no encryption',
};

function ServerRow({ server }: { server: ServerView }) {
  const { data: types } = useQuery(serverTypesQuery);
  const { data: templates } = useQuery(templatesQuery);
  const preferring = templates?.filter((template) => template.server === server.id).length;
  const typeName = types?.find((one) => one.type === server.type)?.name;
  return (
    <li className="border-line border-b last:border-b-0">
      <Link
        to="/settings/email-servers/$id"
        params={{ id: server.id }}
        className="grid grid-cols-[auto_1fr] items-center gap-x-3 gap-y-1 px-4 py-3 transition-colors hover:bg-sunk focus-visible:-outline-offset-2 md:grid-cols-[auto_minmax(0,1.2fr)_minmax(0,1.6fr)_9rem_7rem]"
      >
        <TypeMark type={server.type} />
        <span className="min-w-0">
          <span className="block truncate font-medium">{server.name}</span>
          {typeName !== server.name && (
            <span className="block truncate text-ink-soft text-sm">{typeName}</span>
          )}
        </span>
        <span className="col-start-2 min-w-0 md:col-start-auto">
          <span className="block truncate font-mono text-sm">
            {server.host}:{server.port}
          </span>
          <span className="block text-ink-soft text-sm">{ENCRYPTION[server.security]}</span>
        </span>
        <span className="col-start-2 text-ink-soft text-sm tabular-nums md:col-start-auto">
          {preferring === undefined ? '' : preferredWords(preferring)}
        </span>
        <span className="col-start-2 md:col-start-auto">
          <HealthTag health={server.health} />
        </span>
      </Link>
      {server.health.status === 'waiting' && server.health.reason && (
        <p className="px-4 pb-3 text-ink-soft text-sm md:pl-16">
          {server.health.reason} It is tried again {server.health.until && <Time at={server.health.until} />}.
        </p>
      )}
    </li>
  );
}

function preferredWords(count: number): string {
  if (count === 0) return 'no template prefers it';
  return count === 1 ? '1 template prefers it' : `${count} templates prefer it`;
}
