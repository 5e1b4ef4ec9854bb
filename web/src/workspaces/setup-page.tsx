import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { ApiError, call } from '../api.ts';
import { Button, ButtonLink } from '../ui/button.tsx';
import { Secret } from '../ui/code.tsx';
import { TextField } from '../ui/field.tsx';
import { Notice, Problem } from '../ui/notice.tsx';
import { Gate } from './gate.tsx';
import { setupQuery } from './queries.ts';

/** The first minute: an account and a workspace, then the API key, then a server or the sandbox. */
export function SetupPage() {
  const { token } = useSearch({ from: '/setup' });
  const setup = useQuery(setupQuery);
  const [apiKey, setApiKey] = useState<string>();

  if (apiKey) return <Welcome apiKey={apiKey} />;
  if (setup.error)
    return (
      <Gate title="Set up Mailwright">
        <Problem error={setup.error} onRetry={() => void setup.refetch()} />
      </Gate>
    );
  if (!setup.data) return null;
  if (!setup.data.needed) return <AlreadyDone />;
  if (!token) return <LinkMissing />;
  return <SetupForm token={token} onDone={setApiKey} />;
}

function SetupForm({ token, onDone }: { token: string; onDone: (apiKey: string) => void }) {
  const queryClient = useQueryClient();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [workspace, setWorkspace] = useState('');
  const create = useMutation({
    mutationFn: () => call<{ apiKey: string }>('POST', '/v1/setup', { token, email, password, workspace }),
    onSuccess: ({ apiKey }) => {
      onDone(apiKey);
      queryClient.clear();
    },
  });
  const errorOf = (field: string) =>
    create.error instanceof ApiError && create.error.field === field ? create.error.message : undefined;
  const elsewhere = create.error && !['email', 'password', 'workspace'].some(errorOf);

  function submit(event: FormEvent) {
    event.preventDefault();
    create.mutate();
  }

  return (
    <Gate title="Set up Mailwright" intro="You make the first account and own the workspace.">
      <form onSubmit={submit} className="space-y-4">
        <TextField
          label="Email"
          type="email"
          autoComplete="username"
          required
          autoFocus
          error={errorOf('email')}
          hint="Also the first From address. You can change that later."
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <TextField
          label="Password"
          type="password"
          autoComplete="new-password"
          required
          error={errorOf('password')}
          hint="A sentence of your own is easy to keep and hard to guess."
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <TextField
          label="Workspace"
          required
          error={errorOf('workspace')}
          hint="The name of your product or company."
          value={workspace}
          onChange={(event) => setWorkspace(event.target.value)}
        />
        {elsewhere && <Problem error={create.error} />}
        <Button type="submit" look="primary" className="w-full" busy={create.isPending}>
          Create workspace
        </Button>
      </form>
    </Gate>
  );
}

function Welcome({ apiKey }: { apiKey: string }) {
  return (
    <Gate
      title="Your workspace is ready"
      intro="This is your API key. It is shown once; keep it where you keep passwords."
    >
      <Secret label="API key" value={apiKey} />
      <p className="mt-6 text-ink-soft">
        Mail goes out through your own email server. Until one is connected, everything works but stays here.
      </p>
      <div className="mt-4 flex flex-col gap-2">
        <ButtonLink to="/settings/email-servers/new" look="primary">
          Add server
        </ButtonLink>
        <ButtonLink to="/messages">Try the sandbox first</ButtonLink>
      </div>
    </Gate>
  );
}

function AlreadyDone() {
  return (
    <Gate title="Mailwright is set up" intro="The first account exists already.">
      <ButtonLink to="/sign-in" look="primary" className="w-full">
        Sign in
      </ButtonLink>
    </Gate>
  );
}

function LinkMissing() {
  return (
    <Gate title="Set up Mailwright">
      <Notice tone="captured" title="Open the first-run link">
        Mailwright printed it when it started. It ends in{' '}
        <code className="font-mono text-sm">/setup?token=…</code> and proves that this installation is yours.
      </Notice>
    </Gate>
  );
}
