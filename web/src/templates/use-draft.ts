import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { ApiError, call, get } from '../api.ts';
import { draftOf, isSame, NEW_DRAFT, type TemplateDraft, templateBody } from './draft.ts';
import { type TemplateView, templatePath } from './queries.ts';

interface Save {
  sent: TemplateDraft;
  /** The version the author started from. Another one overwrites what somebody saved meanwhile. */
  version: number | undefined;
}

/** The draft of one template: what is typed, what is saved, and how the two come together. */
export function useDraft(initial: TemplateView | undefined, onSaved: (template: TemplateView) => void) {
  const queryClient = useQueryClient();
  const [saved, setSaved] = useState(initial);
  const [draft, setDraft] = useState(() => (initial ? draftOf(initial) : NEW_DRAFT));
  const current = useRef(draft);
  current.current = draft;

  function take(template: TemplateView) {
    setSaved(template);
    void queryClient.invalidateQueries({ queryKey: ['templates', 'list'] });
  }

  const save = useMutation({
    mutationFn: ({ sent, version }: Save) =>
      saved
        ? call<TemplateView>('PATCH', templatePath(saved.slug), { ...templateBody(sent), version })
        : call<TemplateView>('POST', '/v1/templates', templateBody(sent)),
    onSuccess: (template, { sent }) => {
      // What was typed while the save was under way stays, and stays unsaved.
      if (isSame(current.current, sent)) setDraft(draftOf(template));
      take(template);
      onSaved(template);
    },
  });

  const reload = useMutation({
    mutationFn: () => get<TemplateView>(templatePath(saved?.slug ?? draft.slug)),
    onSuccess: (template) => {
      save.reset();
      setDraft(draftOf(template));
      take(template);
    },
  });

  const conflict =
    save.error instanceof ApiError && save.error.code === 'version_conflict'
      ? Number(save.error.detail.version)
      : undefined;
  const unsaved = !isSame(draft, saved ? draftOf(saved) : NEW_DRAFT);
  useSaveKey(() => unsaved && !save.isPending && save.mutate({ sent: draft, version: saved?.version }));
  return {
    draft,
    saved,
    unsaved,
    change: (part: Partial<TemplateDraft>) => {
      setDraft((before) => ({ ...before, ...part }));
      if (save.isError && conflict === undefined) save.reset();
    },
    save: () => save.mutateAsync({ sent: draft, version: saved?.version }),
    overwrite: (version: number) => save.mutate({ sent: draft, version }),
    reload: () => reload.mutate(),
    saving: save.isPending || reload.isPending,
    error: save.error ?? reload.error,
    /** The version that somebody saved meanwhile. */
    conflict,
  };
}

export type DraftState = ReturnType<typeof useDraft>;

/** Ctrl S and Cmd S save, wherever the focus is. */
function useSaveKey(save: () => void): void {
  const latest = useRef(save);
  latest.current = save;
  useEffect(() => {
    function press(event: KeyboardEvent) {
      if (event.key !== 's' || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      event.preventDefault();
      latest.current();
    }
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);
}
