import { AlertDialog } from '@base-ui/react/alert-dialog';
import { Dialog as BaseDialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button, IconButton } from './button.tsx';

const BACKDROP =
  'fixed inset-0 z-40 bg-[oklch(0.15_0.02_250/0.5)] transition-opacity data-starting-style:opacity-0 data-ending-style:opacity-0';
/** A full sheet on phones. */
const POPUP =
  'fixed inset-0 z-50 flex flex-col overflow-y-auto bg-surface p-5 transition-[opacity,scale] data-starting-style:scale-98 data-starting-style:opacity-0 data-ending-style:opacity-0 sm:inset-auto sm:top-1/2 sm:left-1/2 sm:max-h-[85dvh] sm:w-[min(480px,calc(100vw-32px))] sm:-translate-x-1/2 sm:-translate-y-1/2 sm:rounded-card sm:border sm:border-line sm:shadow-float';

interface DialogProps {
  title: string;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** Focus moves in, Esc closes, focus returns. */
export function Dialog({ title, open, onClose, children }: DialogProps) {
  return (
    <BaseDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <BaseDialog.Portal>
        <BaseDialog.Backdrop className={BACKDROP} />
        <BaseDialog.Popup className={POPUP}>
          <div className="mb-4 flex items-start justify-between gap-4">
            <BaseDialog.Title className="font-semibold text-md">{title}</BaseDialog.Title>
            <BaseDialog.Close render={<IconButton label="Close" className="-mt-1.5 -mr-2" />}>
              <X />
            </BaseDialog.Close>
          </div>
          {children}
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}

interface ConfirmProps extends DialogProps {
  /** A verb with its object. */
  action: string;
  busy: boolean;
  /** What can be undone is no danger. */
  look?: 'danger' | 'primary';
  onConfirm: () => void;
}

/** Asks before something with consequences, and says what else changes. */
export function Confirm({
  title,
  open,
  onClose,
  children,
  action,
  busy,
  look = 'danger',
  onConfirm,
}: ConfirmProps) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={BACKDROP} />
        <AlertDialog.Popup className={POPUP}>
          <AlertDialog.Title className="mb-3 font-semibold text-md">{title}</AlertDialog.Title>
          <AlertDialog.Description render={<div />} className="space-y-3 text-ink-soft">
            {children}
          </AlertDialog.Description>
          <div className="mt-auto flex justify-end gap-2 pt-6">
            <AlertDialog.Close render={<Button />}>Cancel</AlertDialog.Close>
            <Button look={look} busy={busy} onClick={onConfirm}>
              {action}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
