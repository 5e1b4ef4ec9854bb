import { useState } from 'react';
import { ChoiceField, SelectField, TextField } from '../ui/field.tsx';
import { type Security, type ServerDraft, SUGGESTED_PORTS, withSecurity } from './draft.ts';
import type { ServerTypeView } from './queries.ts';

interface ConnectionFieldsProps {
  type: ServerTypeView;
  draft: ServerDraft;
  /** A stored password is kept while its field is empty. */
  passwordKept: boolean;
  errorOf: (field: string) => string | undefined;
  onChange: (draft: ServerDraft) => void;
}

type TextName = Exclude<keyof ServerDraft, 'security' | 'region'>;

/** What the service type asks for, with where to find it. */
export function ConnectionFields(props: ConnectionFieldsProps) {
  return props.type.fields.map(({ name }) => <ConnectionField key={name} name={name} {...props} />);
}

function ConnectionField({
  name,
  type,
  draft,
  passwordKept,
  errorOf,
  onChange,
}: ConnectionFieldsProps & { name: string }) {
  const field = type.fields.find((one) => one.name === name);
  const label = field?.label ?? name;
  const error = errorOf(name);
  switch (name) {
    case 'region':
      return (
        <RegionField
          type={type}
          value={draft.region}
          error={error}
          onChange={(region) => onChange({ ...draft, region })}
        />
      );
    case 'security':
      return (
        <SecurityField
          value={draft.security}
          error={error}
          onChange={(security) => onChange(withSecurity(draft, security))}
        />
      );
    case 'port':
      return (
        <PortField
          label={label}
          value={draft.port}
          error={error}
          onChange={(port) => onChange({ ...draft, port })}
        />
      );
    case 'password':
    case 'token':
      return (
        <TextField
          label={label}
          name={name}
          type="password"
          autoComplete="off"
          mono
          placeholder={passwordKept ? 'Unchanged' : ''}
          hint={passwordKept ? 'Leave it empty to keep the stored one.' : field?.hint}
          error={error}
          value={draft[name]}
          onChange={(event) => onChange({ ...draft, [name]: event.target.value })}
        />
      );
    default:
      return (
        <TextField
          label={label}
          name={name}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          mono
          hint={field?.hint}
          error={error}
          value={draft[name as TextName]}
          onChange={(event) => onChange({ ...draft, [name]: event.target.value })}
        />
      );
  }
}

const OTHER = 'other';

function RegionField({
  type,
  value,
  error,
  onChange,
}: {
  type: ServerTypeView;
  value: string;
  error: string | undefined;
  onChange: (region: string) => void;
}) {
  const regions = type.regions ?? [];
  const listed = regions.some((one) => one.region === value);
  const [other, setOther] = useState(value !== '' && !listed);
  const hint = type.fields.find((one) => one.name === 'region')?.hint;
  return (
    <div className="space-y-3">
      <SelectField
        label="Region"
        name={other ? undefined : 'region'}
        hint={other ? undefined : hint}
        error={other ? undefined : error}
        value={other ? OTHER : value}
        onChange={(event) => {
          setOther(event.target.value === OTHER);
          onChange(event.target.value === OTHER ? '' : event.target.value);
        }}
      >
        <option value="">Choose a region</option>
        {regions.map((one) => (
          <option key={one.region} value={one.region}>
            {one.name} · {one.region}
          </option>
        ))}
        <option value={OTHER}>Other region</option>
      </SelectField>
      {other && (
        <TextField
          label="Region code"
          name="region"
          mono
          hint="As AWS writes it, such as eu-central-2."
          error={error}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </div>
  );
}

function PortField({
  label,
  value,
  error,
  onChange,
}: {
  label: string;
  value: string;
  error: string | undefined;
  onChange: (port: string) => void;
}) {
  return (
    <div>
      <TextField
        label={label}
        name="port"
        inputMode="numeric"
        mono
        error={error}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      <div className="mt-2 flex flex-wrap items-center gap-1.5 text-ink-soft text-sm">
        <span className="mr-1">Usual ports</span>
        {SUGGESTED_PORTS.map((port) => (
          <button
            key={port}
            type="button"
            className="h-8 rounded-control border border-line px-2.5 font-mono hover:bg-sunk aria-pressed:border-accent aria-pressed:bg-accent/8 aria-pressed:text-ink md:h-7"
            aria-pressed={value === port}
            onClick={() => onChange(port)}
          >
            {port}
          </button>
        ))}
      </div>
    </div>
  );
}

const SECURITIES: { value: Security; label: string; hint: string }[] = [
  {
    value: 'starttls',
    label: 'Use STARTTLS',
    hint: 'Connects in the clear, then encrypts. Usual on port 587.',
  },
  { value: 'ssl', label: 'Use SSL', hint: 'Encrypted from the first byte (SSL/TLS). Usual on port 465.' },
  { value: 'none', label: 'No encryption', hint: 'Only for your own server in a private network.' },
];

function SecurityField({
  value,
  error,
  onChange,
}: {
  value: Security;
  error: string | undefined;
  onChange: (security: Security) => void;
}) {
  return (
    <ChoiceField
      label="Encryption"
      name="security"
      value={value}
      choices={SECURITIES}
      error={error}
      onChange={onChange}
    />
  );
}
