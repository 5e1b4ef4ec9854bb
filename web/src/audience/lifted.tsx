import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../api.ts';
import { Button } from '../ui/button.tsx';
import { Notice, Problem } from '../ui/notice.tsx';

/** Confirms what was lifted, and the way back. */
export function Lifted({ email, onDone }: { email: string; onDone: () => void }) {
  const queryClient = useQueryClient();
  const block = useMutation({
    mutationFn: () => call('POST', '/v1/suppressions', { email }),
    onSuccess: async () => {
      onDone();
      await queryClient.invalidateQueries({ queryKey: ['blocked'] });
    },
  });
  return (
    <div className="mb-3 space-y-3" role="status">
      <Notice
        tone="sent"
        title={
          <>
            Mail goes to <span className="break-all font-mono">{email}</span> again.
          </>
        }
        actions={
          <>
            <Button busy={block.isPending} onClick={() => block.mutate()}>
              Block again
            </Button>
            <Button look="quiet" onClick={onDone}>
              Close
            </Button>
          </>
        }
      />
      {block.error && <Problem error={block.error} />}
    </div>
  );
}
