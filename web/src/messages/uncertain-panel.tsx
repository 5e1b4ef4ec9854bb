import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { ResolvedResult } from '../../../src/messages/routes.ts';
import { call } from '../api.ts';
import { Button } from '../ui/button.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { Notice, Problem } from '../ui/notice.tsx';
import { toast } from '../ui/toast.tsx';
import type { Selection } from './selection.ts';

/** What is known of uncertain messages, and the decision for those that are selected. */
export function UncertainPanel({ selection, shown }: { selection: Selection; shown: number }) {
  const [asking, setAsking] = useState(false);
  const decide = useDecision(selection);
  const { ids } = selection;
  const none = ids.length === 0;
  const title = none ? 'Select messages to decide them.' : undefined;
  return (
    <>
      <Notice tone="uncertain" title="A server took these messages whole, and its answer could not be read.">
        Each may have arrived, or not. None is sent again by itself, because its reader could get two copies.
        The server’s log or the reader can tell; then decide.
      </Notice>
      <div className="sticky top-0 z-20 mb-1 flex flex-wrap items-center gap-2 bg-ground py-2">
        <label className="flex h-9 w-full items-center gap-3 pr-3 pl-4 sm:w-auto md:h-8">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            checked={ids.length === shown}
            ref={(box) => {
              if (box) box.indeterminate = !none && ids.length < shown;
            }}
            onChange={selection.toggleAll}
          />
          {none ? `Select all ${shown} shown` : `${ids.length} selected`}
        </label>
        <Button disabled={none} title={title} busy={decide.isPending} onClick={() => setAsking(true)}>
          Send again
        </Button>
        <Button
          disabled={none}
          title={title}
          busy={decide.isPending}
          onClick={() => decide.mutate({ ids, as: 'sent' })}
        >
          Mark as sent
        </Button>
      </div>
      {decide.error && (
        <div className="mb-3">
          <Problem error={decide.error} />
        </div>
      )}
      <Refused results={decide.data ?? []} />
      <Confirm
        title={ids.length === 1 ? 'Send this message again?' : `Send ${ids.length} messages again?`}
        open={asking}
        onClose={() => setAsking(false)}
        action="Send again"
        look="primary"
        busy={decide.isPending}
        onConfirm={() => decide.mutate({ ids, as: 'resend' }, { onSettled: () => setAsking(false) })}
      >
        <p>
          {ids.length === 1
            ? 'If the first copy arrived, its reader gets a second one.'
            : 'Readers whose first copy arrived get a second one.'}{' '}
          Both carry the same Message-ID, so that many mail programs show them as one.
        </p>
      </Confirm>
    </>
  );
}

function useDecision(selection: Selection) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (body: { ids: string[]; as: 'sent' | 'resend' }) =>
      (await call<{ results: ResolvedResult[] }>('POST', '/v1/messages/resolve', body)).results,
    onSuccess: async (results, { as }) => {
      const done = results.filter((one) => !('error' in one)).length;
      if (done > 0) toast(doneWords(done, as));
      selection.clear();
      await queryClient.invalidateQueries({ queryKey: ['messages'] });
      await queryClient.invalidateQueries({ queryKey: ['me'] });
    },
  });
}

function doneWords(count: number, as: 'sent' | 'resend'): string {
  const what = count === 1 ? '1 message' : `${count} messages`;
  if (as === 'resend') return `${what} ${count === 1 ? 'goes' : 'go'} out again.`;
  return `${what} ${count === 1 ? 'is' : 'are'} marked as sent.`;
}

/** What could not be decided, each reason once. */
function Refused({ results }: { results: ResolvedResult[] }) {
  const errors = results.flatMap((one) => ('error' in one ? [one.error.message] : []));
  if (errors.length === 0) return null;
  return (
    <div className="mb-3">
      <Notice
        alert
        tone="deferred"
        title={
          errors.length === 1 ? '1 message was not decided.' : `${errors.length} messages were not decided.`
        }
      >
        {[...new Set(errors)].map((message) => (
          <p key={message}>{message}</p>
        ))}
      </Notice>
    </div>
  );
}
