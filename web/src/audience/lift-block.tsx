import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api.ts';
import { Button } from '../ui/button.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { Problem } from '../ui/notice.tsx';
import type { SuppressionView } from './queries.ts';

/** The button, and what lifting means. */
export function LiftBlock({ block, onLifted }: { block: SuppressionView; onLifted: () => void }) {
  const queryClient = useQueryClient();
  const [asking, setAsking] = useState(false);
  const lift = useMutation({
    mutationFn: () => call('DELETE', `/v1/suppressions/${encodeURIComponent(block.email)}`),
    onSuccess: async () => {
      setAsking(false);
      onLifted();
      await queryClient.invalidateQueries({ queryKey: ['blocked'] });
    },
  });
  return (
    <>
      <Button aria-label={`Lift the block of ${block.email}`} onClick={() => setAsking(true)}>
        Lift
      </Button>
      <Confirm
        title="Lift this block?"
        open={asking}
        onClose={() => setAsking(false)}
        action="Lift block"
        look="primary"
        busy={lift.isPending}
        onConfirm={() => lift.mutate()}
      >
        <p>
          Mail goes to <span className="break-all font-mono text-ink text-sm">{block.email}</span> again from
          now on. {block.reason === 'bounce' && 'The bounced flag of the contact goes with the block.'}
        </p>
        <p>{AFTER[block.reason]} What was blocked meanwhile is not sent by itself.</p>
        {lift.error && <Problem error={lift.error} />}
      </Confirm>
    </>
  );
}

const AFTER: Record<SuppressionView['reason'], string> = {
  bounce: 'If a server refuses it for good once more, it is blocked again.',
  complaint: 'Another complaint can harm how all your mail is received.',
  manual: 'If a server refuses it for good, it is blocked again.',
};
