import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { RefreshCw, Trash2 } from 'lucide-react';
import { useRef, useState } from 'react';
import { ApiError } from '../api.ts';
import { Button } from '../ui/button.tsx';
import { Notice, Problem } from '../ui/notice.tsx';
import { LoadingRows, Page, Section } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { toast } from '../ui/toast.tsx';
import { useCheck } from './check.ts';
import { DeleteServer } from './delete-server.tsx';
import { changeBody, draftOf } from './draft.ts';
import { HealthTag } from './health-tag.tsx';
import { type ServerTypeView, type ServerView, serversQuery, serverTypesQuery } from './queries.ts';
import { ServerForm } from './server-form.tsx';
import { cameFromSession, replyOf } from './steps.ts';
import { StepsPanel } from './steps-panel.tsx';
import { TemplateMove } from './template-move.tsx';
import { TypeMark } from './type-mark.tsx';

export function ServerPage() {
  const { id } = useParams({ from: '/framed/settings/email-servers/$id' });
  const servers = useQuery(serversQuery);
  const types = useQuery(serverTypesQuery);
  // A server that has just been deleted stays until its page has told what that changed.
  const last = useRef<ServerView>(undefined);
  const server =
    servers.data?.find((one) => one.id === id) ?? (last.current?.id === id ? last.current : undefined);
  last.current = server;
  const type = types.data?.find((one) => one.type === server?.type);
  if (server && type) return <Server key={server.id} server={server} type={type} />;

  const error = servers.error ?? types.error;
  const gone = servers.data && !server;
  return (
    <Page title="Email server" width="form" back={<Link to="/settings/email-servers">Email Servers</Link>}>
      {error && (
        <Problem error={error} onRetry={() => void Promise.all([servers.refetch(), types.refetch()])} />
      )}
      {gone && (
        <Notice
          tone="stopped"
          title="This server is not connected any more. Messages it carried keep its name."
        />
      )}
      {!error && !gone && <LoadingRows rows={4} />}
    </Page>
  );
}

function Server({ server, type }: { server: ServerView; type: ServerTypeView }) {
  const navigate = useNavigate();
  const [deleting, setDeleting] = useState(false);
  // What is sent is the difference to what the form was opened with, not to what a colleague saved since.
  const [opened] = useState(server);
  return (
    <Page
      title={server.name}
      width="form"
      back={<Link to="/settings/email-servers">Email Servers</Link>}
      heading={
        <span className="flex flex-wrap items-center gap-3">
          <TypeMark type={server.type} />
          {server.name}
          <HealthTag health={server.health} />
        </span>
      }
    >
      <Section title="Health">
        <Health server={server} />
      </Section>
      <Section title="Connection" intro={type.name}>
        <ServerForm
          type={type}
          initial={draftOf(opened)}
          passwordKept={server.hasPassword}
          callFor={(draft) => ({
            method: 'PATCH',
            path: `/v1/servers/${server.id}`,
            body: changeBody(opened, draft),
          })}
          onSaved={(saved) => {
            toast(`${saved.name} is saved.`);
            void navigate({ to: '/settings/email-servers' });
          }}
        />
      </Section>
      <TemplateMove server={server} />
      <Section title="Delete" intro="The history of messages keeps the server’s name.">
        <Button look="danger" icon={<Trash2 aria-hidden="true" />} onClick={() => setDeleting(true)}>
          Delete server
        </Button>
        <DeleteServer server={server} open={deleting} onClose={() => setDeleting(false)} />
      </Section>
    </Page>
  );
}

/** How it is doing, and a check on request: a real session that signs in and sends nothing. */
function Health({ server }: { server: ServerView }) {
  const check = useCheck<ServerView>(() => toast(`${server.name} is well.`));
  const error = check.error;
  const failure =
    error instanceof ApiError && cameFromSession(error)
      ? { message: error.message, reply: replyOf(error), actions: null }
      : undefined;
  return (
    <>
      {server.health.status === 'waiting' && server.health.reason && (
        <Notice tone="deferred" title={server.health.reason}>
          Messages for it wait. It is tried again {server.health.until && <Time at={server.health.until} />}.
        </Notice>
      )}
      <div className="flex flex-wrap items-center gap-3">
        <Button
          icon={<RefreshCw aria-hidden="true" />}
          busy={check.running}
          onClick={() => check.begin({ method: 'POST', path: `/v1/servers/${server.id}/verify` })}
        >
          Check again
        </Button>
        <span className="text-ink-soft text-sm">
          Last signed in <Time at={server.validatedAt} />
        </span>
      </div>
      {(check.running || check.answer || failure) && <StepsPanel steps={check.steps} failure={failure} />}
      {error && !failure && <Problem error={error} />}
    </>
  );
}
