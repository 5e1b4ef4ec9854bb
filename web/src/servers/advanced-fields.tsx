import { type ChangeEvent, useEffect, useState } from 'react';
import { TextArea, TextField } from '../ui/field.tsx';
import { Fold } from '../ui/page.tsx';
import type { ServerDraft } from './draft.ts';

const ADVANCED: { name: Exclude<keyof ServerDraft, 'security'>; label: string; hint: string; long?: true }[] =
  [
    {
      name: 'name',
      label: 'Name',
      hint: 'What this server is called in Mailwright. Empty takes the service or the host.',
    },
    {
      name: 'allowedFrom',
      label: 'From allow-list',
      hint: 'Domains as @example.com, or addresses, separated by commas. Empty allows every From.',
    },
    {
      name: 'maxConnections',
      label: 'Connections at most',
      hint: 'How many at the same time. 5 when empty.',
    },
    { name: 'heloName', label: 'HELO name', hint: 'The full host name we introduce ourselves with.' },
    {
      name: 'tlsCa',
      label: 'CA certificate',
      hint: 'As PEM, when the server’s certificate comes from your own authority.',
      long: true,
    },
    {
      name: 'tlsFingerprint',
      label: 'Certificate fingerprint',
      hint: 'SHA-256, 64 hex digits. Only this certificate is then accepted.',
    },
    {
      name: 'tlsServerName',
      label: 'TLS name',
      hint: 'The name in the certificate, when it differs from the host.',
    },
  ];

interface AdvancedFieldsProps {
  draft: ServerDraft;
  errorOf: (field: string) => string | undefined;
  onChange: (draft: ServerDraft) => void;
}

/** Folded away, and opened when something in it is wrong. */
export function AdvancedFields({ draft, errorOf, onChange }: AdvancedFieldsProps) {
  const wrong = ADVANCED.some(({ name }) => errorOf(name) !== undefined);
  const [open, setOpen] = useState(wrong);
  useEffect(() => {
    if (wrong) setOpen(true);
  }, [wrong]);
  return (
    <Fold summary="Advanced" open={open} onToggle={setOpen}>
      <div className="mt-4 space-y-4">
        {ADVANCED.map(({ name, label, hint, long }) => {
          const Field = long ? TextArea : TextField;
          return (
            <Field
              key={name}
              label={label}
              name={name}
              optional
              autoComplete="off"
              spellCheck={false}
              hint={hint}
              error={errorOf(name)}
              value={draft[name]}
              onChange={(event: ChangeEvent<HTMLInputElement & HTMLTextAreaElement>) =>
                onChange({ ...draft, [name]: event.target.value })
              }
            />
          );
        })}
      </div>
    </Fold>
  );
}
