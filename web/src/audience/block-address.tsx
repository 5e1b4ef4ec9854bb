import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ApiError, call } from '../api.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/field.tsx';
import { Problem } from '../ui/notice.tsx';
import { toast } from '../ui/toast.tsx';

/** Blocks an address by hand. */
export function BlockAddress() {
  const queryClient = useQueryClient();
  const [open, setOpen] = useState(false);
  const [email, setEmail] = useState('');
  const block = useMutation({
    mutationFn: () => call('POST', '/v1/suppressions', { email: email.trim() }),
    onSuccess: async () => {
      setOpen(false);
      toast(`${email.trim()} gets no more mail.`);
      await queryClient.invalidateQueries({ queryKey: ['blocked'] });
    },
  });
  const inField = block.error instanceof ApiError && block.error.field === 'email' ? block.error : undefined;

  function start() {
    setEmail('');
    block.reset();
    setOpen(true);
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    block.mutate();
  }

  return (
    <>
      <Button look="primary" onClick={start}>
        Block address
      </Button>
      <Dialog title="Block an address" open={open} onClose={() => setOpen(false)}>
        <form onSubmit={submit} className="flex flex-1 flex-col gap-5">
          <TextField
            label="Email"
            mono
            required
            autoComplete="off"
            hint="It gets no mail from this workspace until you lift the block."
            error={inField?.message}
            value={email}
            onChange={({ target }) => setEmail(target.value)}
          />
          {block.error && !inField && <Problem error={block.error} />}
          <div className="mt-auto flex justify-end gap-2">
            <Button onClick={() => setOpen(false)}>Cancel</Button>
            <Button type="submit" look="primary" busy={block.isPending}>
              Block address
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
