import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../api.ts';
import { Button } from '../ui/button.tsx';
import { Notice, Problem } from '../ui/notice.tsx';
import { toast } from '../ui/toast.tsx';
import type { MessageRecordView } from './queries.ts';

/** What is known about a message that was sent but not confirmed, and the two things a person can do. */
export function UncertainDecision({ message }: { message: MessageRecordView }) {
  const queryClient = useQueryClient();
  const server = message.server?.name ?? 'The server';
  const decide = useMutation({
    mutationFn: (as: 'sent' | 'resend') => call('POST', `/v1/messages/${message.id}/resolve`, { as }),
    onSuccess: async (_, as) => {
      toast(as === 'sent' ? 'The message is marked as sent.' : 'The message goes out again.');
      await queryClient.invalidateQueries({ queryKey: ['messages'] });
      await queryClient.invalidateQueries({ queryKey: ['me'] });
    },
  });
  return (
    <div className="mb-4 space-y-3">
      <Notice
        tone="uncertain"
        title={`${server} took the whole message but did not confirm it.`}
        actions={
          <>
            <Button busy={decide.isPending} onClick={() => decide.mutate('resend')}>
              Send again
            </Button>
            <Button busy={decide.isPending} onClick={() => decide.mutate('sent')}>
              Mark as sent
            </Button>
          </>
        }
      >
        It may have arrived. We do not send it again on our own, because {message.rcpt} could get two copies.
        The log of {server} or the recipient can tell.
      </Notice>
      {decide.error && <Problem error={decide.error} />}
    </div>
  );
}
