import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { ApiError } from '../api.ts';
import { Button } from '../ui/button.tsx';
import { intoView, Notice, Problem } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { LeaveGuard } from './leave-guard.tsx';
import { PreviewPane } from './preview-pane.tsx';
import type { TemplateView } from './queries.ts';
import { loadSamples, type Samples, storeSamples, variablesOf } from './samples.ts';
import { TemplateActions } from './template-actions.tsx';
import { ContentFields, DeliveryFields, EnvelopeFields } from './template-fields.tsx';
import { TestSend } from './test-send.tsx';
import { type DraftState, useDraft } from './use-draft.ts';
import { usePreview } from './use-preview.ts';
import { VariablesPane } from './variables-pane.tsx';

/** Left the document, right what a reader would see of it; above, whether it is saved. */
export function TemplateEditor({ template }: { template: TemplateView | undefined }) {
  const navigate = useNavigate();
  const state = useDraft(template, ({ slug }) => {
    storeSamples(slug, samples);
    if (slug !== template?.slug)
      void navigate({ to: '/templates/$slug', params: { slug }, replace: true, ignoreBlocker: true });
  });
  const [samples, setSamples] = useState<Samples>(() => (template ? loadSamples(template.slug) : {}));
  const { draft, saved, unsaved, error } = state;
  const preview = usePreview(draft, samples);
  const errorOf = (field: string) => fieldError(error, field) ?? fieldError(preview.error, field);
  const elsewhere = preview.error instanceof ApiError && preview.error.field ? undefined : preview.error;

  // A refused save shows where it was refused, however far the page is scrolled.
  const form = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!error) return;
    const control = form.current?.querySelector<HTMLElement>('[aria-invalid=true]');
    control?.focus();
    control?.scrollIntoView({ block: 'center' });
  }, [error]);

  function changeSamples(next: Samples) {
    setSamples(next);
    if (saved) storeSamples(saved.slug, next);
  }

  return (
    <Page
      title={saved?.name ?? 'New template'}
      width="full"
      back={<Link to="/templates">Templates</Link>}
      actions={
        <>
          <SavedState state={state} />
          {saved && <TemplateActions template={saved} />}
          <Button
            look="primary"
            busy={state.saving}
            disabled={!unsaved}
            title="Save (Ctrl S)"
            onClick={() => void state.save().catch(() => undefined)}
          >
            Save template
          </Button>
        </>
      }
    >
      <LeaveGuard unsaved={unsaved} />
      <SaveProblem state={state} />
      <div className="grid gap-8 lg:grid-cols-[minmax(0,1fr)_minmax(0,46%)]">
        <div ref={form} className="min-w-0">
          <EnvelopeFields draft={draft} errorOf={errorOf} onChange={state.change} isNew={!saved} />
          <ContentFields
            draft={draft}
            errorOf={errorOf}
            onChange={state.change}
            syntax={syntaxOf(preview.error)}
            shownText={preview.shown?.text ?? ''}
            generatedText={saved?.html === draft.html ? saved.text : undefined}
          />
          <DeliveryFields draft={draft} errorOf={errorOf} onChange={state.change} />
        </div>
        <div className="min-w-0 space-y-6 lg:sticky lg:top-16 lg:max-h-[calc(100dvh-4rem)] lg:self-start lg:overflow-y-auto lg:px-1 lg:pb-6">
          <PreviewPane preview={preview.shown} error={elsewhere} preheader={draft.preheader} />
          {preview.shown && (
            <VariablesPane preview={preview.shown} samples={samples} onChange={changeSamples} />
          )}
          {saved ? (
            <TestSend
              unsaved={unsaved}
              ensureSaved={async () => (unsaved ? state.save() : saved)}
              variables={() => variablesOf(samples, preview.sections)}
            />
          ) : (
            <p className="text-ink-soft">Save the template to send a test.</p>
          )}
        </div>
      </div>
    </Page>
  );
}

/** The saved state is always visible. */
function SavedState({ state: { saved, unsaved, saving } }: { state: DraftState }) {
  return (
    <span role="status" className="flex items-center gap-2 self-center text-ink-soft text-sm">
      <span aria-hidden="true" className={`size-2 rounded-full ${unsaved ? 'bg-deferred' : 'bg-accent'}`} />
      {saving ? (
        'Saving'
      ) : unsaved ? (
        'Unsaved changes'
      ) : saved ? (
        <span>
          Saved <Time at={saved.updatedAt} /> · version {saved.version}
        </span>
      ) : (
        'Nothing to save yet'
      )}
    </span>
  );
}

/** A refused save that no field shows, and the choice when somebody else saved meanwhile. */
function SaveProblem({ state: { draft, error, conflict, reload, overwrite } }: { state: DraftState }) {
  if (!error || (error instanceof ApiError && error.field !== undefined && error.field in draft)) return null;
  return (
    <div ref={intoView} className="mb-5 scroll-mt-24">
      {conflict === undefined ? (
        <Problem error={error} />
      ) : (
        <Notice
          alert
          tone="deferred"
          title={`Somebody saved version ${conflict} while you were writing.`}
          actions={
            <>
              <Button onClick={reload}>Load version {conflict}</Button>
              <Button onClick={() => overwrite(conflict)}>Save mine over it</Button>
            </>
          }
        >
          Loading it drops your changes. Saving yours keeps version {conflict} in the history.
        </Notice>
      )}
    </div>
  );
}

function fieldError(error: Error | null | undefined, field: string): string | undefined {
  return error instanceof ApiError && error.field === field ? error.message : undefined;
}

function syntaxOf(error: Error | undefined): { field: string; line: number } | undefined {
  if (!(error instanceof ApiError) || !error.field || typeof error.detail.line !== 'number') return undefined;
  return { field: error.field, line: error.detail.line };
}
