import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { serversQuery } from '../servers/queries.ts';
import { Button } from '../ui/button.tsx';
import { SelectField, TextArea, TextField } from '../ui/field.tsx';
import { Section } from '../ui/page.tsx';
import { meQuery } from '../workspaces/queries.ts';
import { slugOf, type TemplateDraft } from './draft.ts';
import { SourceField } from './source-field.tsx';
import { UncertainField } from './uncertain-field.tsx';

export interface FieldsProps {
  draft: TemplateDraft;
  errorOf: (field: string) => string | undefined;
  onChange: (part: Partial<TemplateDraft>) => void;
}

export function EnvelopeFields({ draft, errorOf, onChange, isNew }: FieldsProps & { isNew: boolean }) {
  const { data: me } = useQuery(meQuery);
  // Until the slug is typed by hand it follows the name of a new template.
  const follows = isNew && draft.slug === slugOf(draft.name);
  return (
    <Section title="Message">
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label="Name"
          autoFocus={isNew}
          error={errorOf('name')}
          value={draft.name}
          onChange={({ target }) =>
            onChange({ name: target.value, ...(follows && { slug: slugOf(target.value) }) })
          }
        />
        <TextField
          label="Slug"
          mono
          hint={
            isNew
              ? 'The name your programs use.'
              : 'Programs that use the old slug stop working when you change it.'
          }
          error={errorOf('slug')}
          value={draft.slug}
          onChange={({ target }) => onChange({ slug: target.value })}
        />
      </div>
      <TextField
        label="Subject"
        error={errorOf('subject')}
        value={draft.subject}
        onChange={({ target }) => onChange({ subject: target.value })}
      />
      <TextField
        label="Preheader"
        optional
        hint="The line that inboxes show after the subject."
        error={errorOf('preheader')}
        value={draft.preheader}
        onChange={({ target }) => onChange({ preheader: target.value })}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label="From"
          optional
          mono
          placeholder={me?.workspace.defaultFrom ?? ''}
          error={errorOf('from')}
          value={draft.from}
          onChange={({ target }) => onChange({ from: target.value })}
        />
        <TextField
          label="Reply-To"
          optional
          mono
          error={errorOf('replyTo')}
          value={draft.replyTo}
          onChange={({ target }) => onChange({ replyTo: target.value })}
        />
      </div>
    </Section>
  );
}

interface ContentProps extends FieldsProps {
  /** Where the template's language was not understood. */
  syntax: { field: string; line: number } | undefined;
  /** The text part as a reader gets it. */
  shownText: string;
  /** The text part with its variables, made from the HTML when that was saved; the start of one written by hand. */
  generatedText: string | undefined;
}

export function ContentFields({ draft, errorOf, onChange, syntax, shownText, generatedText }: ContentProps) {
  const [started, setStarted] = useState(false);
  const byHand = started || draft.text !== '';

  function switchText() {
    setStarted(!byHand);
    onChange({ text: byHand ? '' : (generatedText ?? '') });
  }

  return (
    <Section title="Content">
      <SourceField
        label="HTML"
        error={errorOf('html')}
        errorLine={syntax?.field === 'html' ? syntax.line : undefined}
        value={draft.html}
        onChange={(html) => onChange({ html })}
      />
      <div>
        <TextArea
          label="Text part"
          rows={6}
          readOnly={!byHand}
          className={byHand ? '' : '[&_textarea]:bg-sunk [&_textarea]:text-ink-soft'}
          hint={textHint(byHand, generatedText !== undefined)}
          error={errorOf('text')}
          value={byHand ? draft.text : shownText}
          onChange={({ target }) => onChange({ text: target.value })}
        />
        <Button className="mt-2" disabled={!byHand && generatedText === undefined} onClick={switchText}>
          {byHand ? 'Make it from the HTML' : 'Write it by hand'}
        </Button>
      </div>
    </Section>
  );
}

function textHint(byHand: boolean, saved: boolean): string {
  if (byHand) return 'Written by hand. It does not follow the HTML.';
  return `Made from the HTML, for readers without it. ${saved ? '' : 'Save the HTML to write it by hand.'}`;
}

export function DeliveryFields({ draft, errorOf, onChange }: FieldsProps) {
  const { data: servers = [] } = useQuery(serversQuery);
  return (
    <Section title="Delivery">
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField
          label="Preferred email server"
          error={errorOf('server')}
          value={draft.server}
          onChange={({ target }) => onChange({ server: target.value })}
        >
          <option value="">Random choice</option>
          {servers.map((server) => (
            <option key={server.id} value={server.id}>
              {server.name}
            </option>
          ))}
        </SelectField>
        <SelectField
          label="When that server is unwell"
          disabled={draft.server === ''}
          error={errorOf('failover')}
          value={draft.failover}
          onChange={({ target }) => onChange({ failover: target.value as TemplateDraft['failover'] })}
        >
          <option value="strict">Wait for it</option>
          <option value="any">Use another server</option>
        </SelectField>
        <SelectField
          label="Priority"
          hint={
            draft.priority === 'high'
              ? 'Goes first, and expires after 15 minutes.'
              : 'Expires after 48 hours.'
          }
          error={errorOf('priority')}
          value={draft.priority}
          onChange={({ target }) => onChange({ priority: target.value as TemplateDraft['priority'] })}
        >
          <option value="normal">Normal</option>
          <option value="high">High, for codes and reset links</option>
        </SelectField>
      </div>
      <UncertainField draft={draft} errorOf={errorOf} onChange={onChange} />
    </Section>
  );
}
