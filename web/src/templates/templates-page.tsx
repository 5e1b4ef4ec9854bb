import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useRef } from 'react';
import { useRowKeys } from '../keys.ts';
import { serversQuery } from '../servers/queries.ts';
import { ButtonLink } from '../ui/button.tsx';
import { CodeBlock } from '../ui/code.tsx';
import { Empty } from '../ui/empty.tsx';
import { List } from '../ui/list.tsx';
import { Problem } from '../ui/notice.tsx';
import { LoadingRows, Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { sendLine } from '../workspaces/curl.ts';
import { meQuery } from '../workspaces/queries.ts';
import { type TemplateView, templatesQuery } from './queries.ts';

export function TemplatesPage() {
  const templates = useQuery(templatesQuery);
  const create = (
    <ButtonLink to="/templates/new" look="primary" icon={<Plus aria-hidden="true" />}>
      Create template
    </ButtonLink>
  );
  return (
    <Page title="Templates" actions={templates.data && templates.data.length > 0 && create}>
      {templates.isPending && <LoadingRows />}
      {templates.error && <Problem error={templates.error} onRetry={() => void templates.refetch()} />}
      {templates.data?.length === 0 && <NoTemplates create={create} />}
      {templates.data && templates.data.length > 0 && <TemplateList templates={templates.data} />}
    </Page>
  );
}

function NoTemplates({ create }: { create: React.ReactNode }) {
  const { data: me } = useQuery(meQuery);
  const rcpt = me?.user?.email ?? 'you@example.com';
  return (
    <Empty
      title="A template is a mail with blanks. Your programs name it by its slug and fill in the blanks."
      action={create}
    >
      <CodeBlock
        label="Send one"
        code={sendLine(location.origin, { rcpt, templateSlug: 'welcome', variables: { name: 'Ada' } })}
      />
    </Empty>
  );
}

const COLUMNS =
  'md:grid md:grid-cols-[minmax(0,1.2fr)_minmax(0,1fr)_minmax(0,1.6fr)_minmax(0,9rem)_6.5rem] md:items-center md:gap-4';

function TemplateList({ templates }: { templates: TemplateView[] }) {
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(() => [...(list.current?.querySelectorAll<HTMLElement>('a') ?? [])]);
  return (
    <List
      label="Templates"
      heads={['Name', 'Slug', 'Subject', 'Preferred server', 'Saved']}
      columns={COLUMNS}
      listRef={list}
    >
      {templates.map((template) => (
        <TemplateRow key={template.id} template={template} />
      ))}
    </List>
  );
}

function TemplateRow({ template }: { template: TemplateView }) {
  const { data: servers } = useQuery(serversQuery);
  const preferred = template.server
    ? servers?.find((one) => one.id === template.server)?.name
    : 'Random choice';
  return (
    <li className="border-line border-b last:border-b-0">
      <Link
        to="/templates/$slug"
        params={{ slug: template.slug }}
        className={`block px-4 py-3 transition-colors hover:bg-sunk focus-visible:bg-sunk focus-visible:-outline-offset-2 md:h-10 md:py-0 ${COLUMNS}`}
      >
        <span className="block truncate font-medium">{template.name}</span>
        <span className="block truncate font-mono text-ink-soft text-sm">{template.slug}</span>
        <span className="block truncate">{template.subject}</span>
        <span className="block truncate text-ink-soft text-sm">{preferred}</span>
        <span className="hidden text-right text-ink-soft text-sm md:block">
          <Time at={template.updatedAt} />
        </span>
      </Link>
    </li>
  );
}
