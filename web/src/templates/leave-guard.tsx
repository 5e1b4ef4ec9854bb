import { useBlocker } from '@tanstack/react-router';
import { Confirm } from '../ui/dialog.tsx';

/** Asks before unsaved changes are left behind, within the app and when the tab is closed. */
export function LeaveGuard({ unsaved }: { unsaved: boolean }) {
  const blocker = useBlocker({
    shouldBlockFn: () => unsaved,
    enableBeforeUnload: () => unsaved,
    withResolver: true,
  });
  return (
    <Confirm
      title="Leave without saving?"
      open={blocker.status === 'blocked'}
      onClose={() => blocker.reset?.()}
      action="Drop changes"
      busy={false}
      onConfirm={() => blocker.proceed?.()}
    >
      <p>Your changes since the last save would be lost.</p>
    </Confirm>
  );
}
