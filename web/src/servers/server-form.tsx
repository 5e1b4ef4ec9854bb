import { type FormEvent, type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';
import { ApiError } from '../api.ts';
import { Button } from '../ui/button.tsx';
import { Problem } from '../ui/notice.tsx';
import { AdvancedFields } from './advanced-fields.tsx';
import { type CheckCall, useCheck } from './check.ts';
import { ConnectionFields } from './connection-fields.tsx';
import type { ServerDraft } from './draft.ts';
import { type Mend, mendOf } from './mend.ts';
import type { ServerTypeView, ServerView } from './queries.ts';
import { cameFromSession, replyOf } from './steps.ts';
import { StepsPanel } from './steps-panel.tsx';

interface ServerFormProps {
  type: ServerTypeView;
  initial: ServerDraft;
  passwordKept: boolean;
  /** The call that saves the draft. */
  callFor: (draft: ServerDraft) => CheckCall & { body: Record<string, unknown> };
  onSaved?: (server: ServerView) => void;
  /** What takes the place of the fields once the server is saved. */
  renderSaved?: (server: ServerView) => ReactNode;
  /** What stands above the fields. */
  children?: ReactNode;
}

/** Saving is checking: the form turns into three live steps and only a server that let us in is stored. */
export function ServerForm({
  type,
  initial,
  passwordKept,
  callFor,
  onSaved,
  renderSaved,
  children,
}: ServerFormProps) {
  const [draft, setDraft] = useState(initial);
  // The owner's word about a private address holds for this host, through all further tries.
  const [ownHost, setOwnHost] = useState<string>();
  const form = useRef<HTMLFormElement>(null);
  const check = useCheck<ServerView>(onSaved);
  const error = check.error instanceof ApiError ? check.error : undefined;
  const inSession = error !== undefined && cameFromSession(error);
  const errorOf = (field: string) =>
    error && !inSession && error.field === field ? error.message : undefined;
  useFocusOnError(form, error);

  function save(changed: ServerDraft, own = ownHost) {
    const { body, ...where } = callFor(changed);
    setDraft(changed);
    check.begin({ ...where, body: own === changed.host ? { ...body, allowPrivate: true } : body });
  }

  function take(one: Mend) {
    const changed = { ...draft, ...one.change };
    if (one.allowPrivate) setOwnHost(changed.host);
    save(changed, one.allowPrivate ? changed.host : ownHost);
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    save(draft);
  }

  const mend = error && mendOf(error, draft, type.host === undefined && !type.regions);
  const edit = (changed: ServerDraft) => {
    setDraft(changed);
    if (error && !inSession) check.reset();
  };
  if (check.answer && renderSaved) {
    return (
      <div className="space-y-5">
        <StepsPanel steps={check.steps} />
        {renderSaved(check.answer)}
      </div>
    );
  }
  const shownAtField = controlOf(form.current, error?.field) !== undefined;
  const called = check.steps.some((step) => step.status !== 'pending');
  return (
    <form ref={form} onSubmit={submit} noValidate className="space-y-5">
      {children}
      <ConnectionFields
        type={type}
        draft={draft}
        passwordKept={passwordKept}
        errorOf={errorOf}
        onChange={edit}
      />
      <AdvancedFields draft={draft} errorOf={errorOf} onChange={edit} />
      {((check.running && called) || inSession) && (
        <StepsPanel
          steps={check.steps}
          failure={inSession ? failureOf(error, mend, take, form.current) : undefined}
        />
      )}
      {check.error && !inSession && !shownAtField && <Problem error={check.error} />}
      <div className="flex flex-wrap gap-2">
        {mend && !inSession && <MendButton mend={mend} onMend={take} />}
        <Button type="submit" look={mend ? 'plain' : 'primary'} busy={check.running}>
          {check.running ? 'Checking' : 'Save server'}
        </Button>
      </div>
    </form>
  );
}

function failureOf(
  error: ApiError,
  mend: Mend | undefined,
  onMend: (mend: Mend) => void,
  form: HTMLFormElement | null,
) {
  const control = controlOf(form, error.field);
  const words = FIELD_WORDS[error.field ?? ''];
  return {
    asks: mend?.question !== undefined,
    message: mend?.question ?? error.message,
    reply: replyOf(error),
    actions: mend ? (
      <MendButton mend={mend} onMend={onMend} />
    ) : (
      control && words && <Button onClick={() => control.focus()}>Edit {words}</Button>
    ),
  };
}

/** What the fields are called within a sentence. */
const FIELD_WORDS: Record<string, string> = {
  host: 'the host',
  port: 'the port',
  security: 'the encryption',
  username: 'the username',
  password: 'the credentials',
  token: 'the token',
  heloName: 'the HELO name',
  tlsCa: 'the certificate settings',
};

function MendButton({ mend, onMend }: { mend: Mend; onMend: (mend: Mend) => void }) {
  return (
    <Button look="primary" onClick={() => onMend(mend)}>
      {mend.label}
    </Button>
  );
}

/** The field that an answer names gets the focus, so that it can be mended at once. */
function useFocusOnError(form: RefObject<HTMLFormElement | null>, error: ApiError | undefined): void {
  useEffect(() => {
    if (error && !cameFromSession(error)) controlOf(form.current, error.field)?.focus();
  }, [form, error]);
}

/** The control of a field; of a choice the first. A field that is folded away is opened. */
function controlOf(
  form: HTMLFormElement | null,
  field: string | undefined,
): { focus: () => void } | undefined {
  const found = field ? form?.elements.namedItem(field) : null;
  const control = found instanceof RadioNodeList ? found[0] : found;
  if (!(control instanceof HTMLElement)) return undefined;
  return {
    focus: () => {
      control.closest('details')?.setAttribute('open', '');
      control.focus();
    },
  };
}
