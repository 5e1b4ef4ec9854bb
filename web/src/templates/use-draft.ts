import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { ApiError, call, get } from '../api.ts';
import { draftOf, isSame, NEW_DRAFT, type TemplateDraft, templateBody } from './draft.ts';
import { type TemplateView, templatePath, templateQuery } from './queries.ts';

/** The draft of one template: what is typed, what is saved, and how the two come together. */
export function useDraft(initial: TemplateView | undefined, onSaved: (template: TemplateView) => void) {
  const queryClient = useQueryClient();
  const [saved, setSaved] = useState(initial);
  const [draft, setDraft] = useState(() => (initial ? draftOf(initial) : NEW_DRAFT));
  const current = useRef(draft);
  current.current = draft;

  function take(template: TemplateView) {
    setSaved(template);
    queryClient.setQueryData(templateQuery(template.slug).queryKey, template);
    void queryClient.invalidateQueries({ queryKey: ['templates', 'list'] });
  }

  const save = useMutation({
    /** `version` is the one the author started from; another one overwrites what somebody saved meanwhile. */
    mutationFn: (version: number | undefined) =>
      saved
        ? call<TemplateView>('PATCH', templatePath(saved.slug), {
            ...templateBody(draft),
            version: version ?? saved.version,
          })
        : call<TemplateView>('POST', '/v1/templates', templateBody(draft)),
    onSuccess: (template) => {
      // What was typed while the save was under way stays, and stays unsaved.
      if (isSame(current.current, draft)) setDraft(draftOf(template));
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

  const unsaved = !isSame(draft, saved ? draftOf(saved) : NEW_DRAFT);
  useSaveKey(() => unsaved && !save.isPending && save.mutate(undefined));
  return {
    draft,
    saved,
    unsaved,
    change: (part: Partial<TemplateDraft>) => setDraft((before) => ({ ...before, ...part })),
    save: () => save.mutateAsync(undefined),
    overwrite: (version: number) => save.mutate(version),
    reload: () => reload.mutate(),
    saving: save.isPending || reload.isPending,
    error: save.error ?? reload.error,
    /** The version that somebody saved meanwhile. */
    conflict:
      save.error instanceof ApiError && save.error.code === 'version_conflict'
        ? Number(save.error.detail.version)
        : undefined,
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
