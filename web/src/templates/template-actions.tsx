import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Copy, Trash2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { ApiError, call } from '../api.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Confirm, Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/field.tsx';
import { Problem } from '../ui/notice.tsx';
import { toast } from '../ui/toast.tsx';
import { type TemplateView, templatePath } from './queries.ts';

export function TemplateActions({ template }: { template: TemplateView }) {
  const [open, setOpen] = useState<'duplicate' | 'delete'>();
  const close = () => setOpen(undefined);
  return (
    <>
      <IconButton label="Duplicate template" onClick={() => setOpen('duplicate')}>
        <Copy />
      </IconButton>
      <IconButton label="Delete template" onClick={() => setOpen('delete')}>
        <Trash2 />
      </IconButton>
      <Dialog title={`Duplicate ${template.name}`} open={open === 'duplicate'} onClose={close}>
        <Duplicate template={template} />
      </Dialog>
      <Delete template={template} open={open === 'delete'} onClose={close} />
    </>
  );
}

function Duplicate({ template }: { template: TemplateView }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [slug, setSlug] = useState(`${template.slug}-copy`);
  const duplicate = useMutation({
    mutationFn: () => call<TemplateView>('POST', `${templatePath(template.slug)}/duplicate`, { slug }),
    onSuccess: async (copy) => {
      await queryClient.invalidateQueries({ queryKey: ['templates', 'list'] });
      await navigate({ to: '/templates/$slug', params: { slug: copy.slug } });
    },
  });
  const atField = duplicate.error instanceof ApiError && duplicate.error.field === 'slug';

  function submit(event: FormEvent) {
    event.preventDefault();
    duplicate.mutate();
  }

  return (
    <form onSubmit={submit} className="space-y-4">
      <TextField
        label="Slug of the copy"
        mono
        hint="The copy is made from the last saved version."
        error={atField ? duplicate.error?.message : undefined}
        value={slug}
        onChange={(event) => setSlug(event.target.value)}
      />
      {duplicate.error && !atField && <Problem error={duplicate.error} />}
      <div className="flex justify-end">
        <Button type="submit" look="primary" busy={duplicate.isPending}>
          Duplicate template
        </Button>
      </div>
    </form>
  );
}

function Delete({ template, open, onClose }: { template: TemplateView; open: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => call('DELETE', templatePath(template.slug)),
    onSuccess: async () => {
      await navigate({ to: '/templates', ignoreBlocker: true });
      toast(`${template.name} is deleted.`);
      await queryClient.invalidateQueries({ queryKey: ['templates'] });
    },
  });
  return (
    <Confirm
      title={`Delete ${template.name}?`}
      open={open}
      onClose={onClose}
      action="Delete template"
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
    >
      <p>
        Programs that send <code className="font-mono text-ink text-sm">{template.slug}</code> get an error
        from then on. Messages already accepted keep the version they use.
      </p>
      {remove.error && <Problem error={remove.error} />}
    </Confirm>
  );
}
