import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call, query } from '../api.ts';
import { templatesQuery } from '../templates/queries.ts';
import { Button } from '../ui/button.tsx';
import { Confirm, Dialog } from '../ui/dialog.tsx';
import { Problem } from '../ui/notice.tsx';
import { type RetiredView, type ServerView, serversQuery } from './queries.ts';
import { ServerSelect } from './template-move.tsx';

interface DeleteServerProps {
  server: ServerView;
  open: boolean;
  onClose: () => void;
}

/** Says what else changes before it asks, and lists what changed afterwards. */
export function DeleteServer({ server, open, onClose }: DeleteServerProps) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const { data: servers = [] } = useQuery(serversQuery);
  const { data: templates = [] } = useQuery(templatesQuery);
  const [moveTo, setMoveTo] = useState('');
  const remove = useMutation({
    mutationFn: () => call<RetiredView>('DELETE', `/v1/servers/${server.id}${query({ moveTo })}`),
  });
  const others = servers.filter((one) => one.id !== server.id);
  const preferring = templates.filter((template) => template.server === server.id).map(({ slug }) => slug);

  async function leave() {
    await navigate({ to: '/settings/email-servers' });
    await queryClient.invalidateQueries();
  }

  if (remove.data) {
    return (
      <Dialog title={`${server.name} is deleted`} open onClose={leave}>
        <Consequences
          deleted={remove.data}
          movedTo={others.find((one) => one.id === remove.data.movedTo)?.name}
        />
        <div className="mt-6 flex justify-end">
          <Button look="primary" onClick={leave}>
            Back to servers
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Confirm
      title={`Delete ${server.name}?`}
      open={open}
      onClose={onClose}
      action="Delete server"
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
    >
      {preferring.length === 0 ? (
        <p>No template prefers it.</p>
      ) : (
        <p>
          It is preferred by <Slugs slugs={preferring} />.
        </p>
      )}
      {preferring.length > 0 && others.length > 0 && (
        <div className="text-ink">
          <ServerSelect
            label="These templates then use"
            servers={others}
            value={moveTo}
            onChange={setMoveTo}
          />
        </div>
      )}
      {others.length === 0 ? (
        <p>
          It is your last server. The workspace goes back to the sandbox: new mail is kept here, and queued
          mail waits for a server.
        </p>
      ) : (
        <p>Queued mail goes out through the other servers. Nothing is lost.</p>
      )}
      {remove.error && <Problem error={remove.error} />}
    </Confirm>
  );
}

function Consequences({ deleted, movedTo }: { deleted: RetiredView; movedTo: string | undefined }) {
  const { clearedTemplates, waiting, mode } = deleted;
  return (
    <div className="space-y-3 text-ink-soft">
      {clearedTemplates.length > 0 && (
        <p>
          <Slugs slugs={clearedTemplates} /> {clearedTemplates.length === 1 ? 'now uses' : 'now use'}{' '}
          {movedTo ?? 'the random choice'}.
        </p>
      )}
      {waiting > 0 && (
        <p>{waiting === 1 ? '1 message waits' : `${waiting} messages wait`} for a server. Nothing is lost.</p>
      )}
      <p>
        {mode === 'sandbox'
          ? 'The workspace is in the sandbox: new mail is kept here.'
          : 'Messages it carried keep its name in their history.'}
      </p>
    </div>
  );
}

function Slugs({ slugs }: { slugs: string[] }) {
  return slugs.map((slug, at) => (
    <span key={slug}>
      {at > 0 && ', '}
      <code className="font-mono text-ink text-sm">{slug}</code>
    </span>
  ));
}
