import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../api.ts';
import { Button } from '../ui/button.tsx';
import { Notice, Problem } from '../ui/notice.tsx';
import { meQuery } from '../workspaces/queries.ts';
import type { ServerView } from './queries.ts';

/** A user name that is an address is likely the From that the server accepts. Offered with the first server only. */
export function DefaultFromOffer({ server }: { server: ServerView }) {
  const queryClient = useQueryClient();
  const { data: me } = useQuery(meQuery);
  const address = server.username ?? '';
  const choose = useMutation({
    mutationFn: () => call('PATCH', '/v1/workspace', { defaultFrom: address }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: meQuery.queryKey }),
  });

  if (choose.isSuccess)
    return <p className="mt-4 text-ink-soft">Messages without a From now go out as {address}.</p>;
  if (!me || me.state.servers > 1 || !/^\S+@\S+\.\S+$/.test(address) || me.workspace.defaultFrom === address)
    return null;
  return (
    <div className="mt-4 space-y-3">
      <Notice
        tone="captured"
        title={`Send as ${address}?`}
        actions={
          <Button busy={choose.isPending} onClick={() => choose.mutate()}>
            Use this From
          </Button>
        }
      >
        Messages without a From go out as {me.workspace.defaultFrom ?? 'nobody yet'}. This server may only
        accept its own address.
      </Notice>
      {choose.error && <Problem error={choose.error} />}
    </div>
  );
}
