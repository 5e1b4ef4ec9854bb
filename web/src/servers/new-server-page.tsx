import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { ButtonLink } from '../ui/button.tsx';
import { Problem } from '../ui/notice.tsx';
import { LoadingRows, Page } from '../ui/page.tsx';
import { DefaultFromOffer } from './default-from-offer.tsx';
import { emptyDraft, newServerBody } from './draft.ts';
import { type ServerTypeView, type ServerView, serverTypesQuery } from './queries.ts';
import { ServerForm } from './server-form.tsx';
import { TypeMark } from './type-mark.tsx';

/** First the service, then only the fields it needs. */
export function NewServerPage() {
  const { type } = useSearch({ from: '/framed/settings/email-servers/new' });
  const types = useQuery(serverTypesQuery);
  const chosen = types.data?.find((one) => one.type === type);
  if (chosen) return <NewServer key={chosen.type} type={chosen} />;
  return (
    <Page
      title="Add server"
      intro="Which service will carry your mail? It stays your account there, with its reputation and its price."
      back={<Link to="/settings/email-servers">Email Servers</Link>}
    >
      {types.isPending && <LoadingRows rows={3} />}
      {types.error && <Problem error={types.error} onRetry={() => void types.refetch()} />}
      <ul className="grid gap-3 sm:grid-cols-2 lg:grid-cols-3">
        {types.data?.map((one) => (
          <TypeCard key={one.type} type={one} />
        ))}
      </ul>
    </Page>
  );
}

function TypeCard({ type }: { type: ServerTypeView }) {
  return (
    <li>
      <Link
        to="/settings/email-servers/new"
        search={{ type: type.type }}
        className="flex h-full items-start gap-3 rounded-card border border-line bg-surface p-4 transition-colors hover:border-accent"
      >
        <TypeMark type={type.type} />
        <span className="min-w-0">
          <span className="block font-medium">{type.name}</span>
          <span className="block text-ink-soft text-sm">{asksFor(type)}</span>
        </span>
      </Link>
    </li>
  );
}

/** A preset is told by its credentials; a free choice by what it is for. */
function asksFor(type: ServerTypeView): string | undefined {
  return type.host || type.regions ? type.fields.map((field) => field.label).join(' · ') : type.hints[0];
}

function NewServer({ type }: { type: ServerTypeView }) {
  return (
    <Page
      title={`Add ${type.name}`}
      width="form"
      heading={
        <span className="flex items-center gap-3">
          <TypeMark type={type.type} />
          {type.name}
        </span>
      }
      back={
        <Link to="/settings/email-servers/new" search={{}}>
          Add server
        </Link>
      }
    >
      <ServerForm
        type={type}
        initial={emptyDraft(type)}
        passwordKept={false}
        callFor={(draft) => ({ method: 'POST', path: '/v1/servers', body: newServerBody(type, draft) })}
        renderSaved={(server) => <Connected server={server} />}
      >
        <TypeNotes type={type} />
      </ServerForm>
    </Page>
  );
}

/** What to know about the service before its credentials are typed. */
function TypeNotes({ type }: { type: ServerTypeView }) {
  return (
    <ul className="list-disc space-y-1 pl-5 text-ink-soft text-sm marker:text-ink-faint">
      {type.hints.map((hint) => (
        <li key={hint}>{hint}</li>
      ))}
      {(type.host || type.regions) && <li>{type.limits.text}</li>}
    </ul>
  );
}

function Connected({ server }: { server: ServerView }) {
  return (
    <div className="animate-appear">
      <h2 className="font-semibold text-md">{server.name} is connected</h2>
      <p className="mt-1 text-ink-soft">
        {server.username ? 'It accepted the sign-in.' : 'It needs no sign-in.'} New messages go out through
        it; none was sent for this check.
      </p>
      <DefaultFromOffer server={server} />
      <div className="mt-5 flex flex-wrap gap-2">
        <ButtonLink to="/templates/new" look="primary">
          Create template
        </ButtonLink>
        <ButtonLink to="/settings/email-servers">View servers</ButtonLink>
      </div>
    </div>
  );
}
