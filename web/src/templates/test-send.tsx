import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { call } from '../api.ts';
import type { MessageStatus } from '../messages/queries.ts';
import { STATUSES } from '../messages/status.tsx';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/field.tsx';
import { intoView, Notice, Problem } from '../ui/notice.tsx';
import { meQuery } from '../workspaces/queries.ts';
import { type TemplateView, templatePath } from './queries.ts';

interface TestSendProps {
  unsaved: boolean;
  /** Saves the draft when it differs, and answers what is stored. */
  ensureSaved: () => Promise<TemplateView>;
  variables: () => Record<string, unknown>;
}

/** Sends what is saved, with the sample values: the same way that every message takes. */
export function TestSend({ unsaved, ensureSaved, variables }: TestSendProps) {
  const { data: me } = useQuery(meQuery);
  const [typed, setTyped] = useState<string>();
  const rcpt = typed ?? me?.user?.email ?? '';
  const send = useMutation({
    mutationFn: async () => {
      const { slug } = await ensureSaved();
      return call<{ id: string; status: MessageStatus }>('POST', `${templatePath(slug)}/test`, {
        rcpt,
        variables: variables(),
      });
    },
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    send.mutate();
  }

  return (
    <section aria-label="Test send">
      <form onSubmit={submit} className="flex items-end gap-2">
        <TextField
          label="Send a test to"
          type="email"
          required
          mono
          className="min-w-0 flex-1"
          value={rcpt}
          onChange={(event) => setTyped(event.target.value)}
        />
        <Button type="submit" height="field" busy={send.isPending}>
          {unsaved ? 'Save and send test' : 'Send test'}
        </Button>
      </form>
      <div key={send.status} ref={intoView} className="mt-3 empty:hidden">
        {send.error && <Problem error={send.error} />}
        {send.data && (
          <Notice
            tone={STATUSES[send.data.status].tone}
            alert
            title={`The test is ${STATUSES[send.data.status].word.toLowerCase()}.`}
          >
            <Link
              to="/messages/$id"
              params={{ id: send.data.id }}
              className="text-ink underline underline-offset-2"
            >
              View message
            </Link>
          </Notice>
        )}
      </div>
    </section>
  );
}
