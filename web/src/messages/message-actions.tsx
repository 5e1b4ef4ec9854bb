import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { call } from '../api.ts';
import { Button } from '../ui/button.tsx';
import { Problem } from '../ui/notice.tsx';
import { toast } from '../ui/toast.tsx';
import type { MessageStatus, MessageView } from './queries.ts';

const WAITING: MessageStatus[] = ['scheduled', 'queued', 'deferred'];
/** A message that is being sent, or whose fate is open, is not to be repeated here. */
const OPEN: MessageStatus[] = [...WAITING, 'sending', 'uncertain'];

/** What can be done with the message in its status: take it back, or send its content once more. */
export function MessageActions({ message }: { message: MessageView }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const refresh = () => queryClient.invalidateQueries({ queryKey: ['messages'] });
  const cancel = useMutation({
    mutationFn: () => call('POST', `/v1/messages/${message.id}/cancel`),
    onSuccess: () => toast('The message is canceled.'),
    onSettled: refresh,
  });
  const resend = useMutation({
    mutationFn: () => call<MessageView>('POST', `/v1/messages/${message.id}/resend`),
    onSuccess: async (copy) => {
      toast('A new message with the same content is on its way.');
      await navigate({ to: '/messages/$id', params: { id: copy.id } });
      await refresh();
    },
  });
  const error = cancel.error ?? resend.error;
  return (
    <>
      {error && <Problem error={error} />}
      {WAITING.includes(message.status) && (
        <Button busy={cancel.isPending} onClick={() => cancel.mutate()}>
          Cancel message
        </Button>
      )}
      {!OPEN.includes(message.status) && (
        <Button busy={resend.isPending} onClick={() => resend.mutate()}>
          Send again
        </Button>
      )}
    </>
  );
}
