import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../api.ts';
import { templatesQuery } from '../templates/queries.ts';
import { Button } from '../ui/button.tsx';
import { SelectField } from '../ui/field.tsx';
import { Problem } from '../ui/notice.tsx';
import { Section } from '../ui/page.tsx';
import { toast } from '../ui/toast.tsx';
import { type ServerView, serversQuery } from './queries.ts';

/** Which templates prefer this server, and all of them to another in one act. */
export function TemplateMove({ server }: { server: ServerView }) {
  const queryClient = useQueryClient();
  const { data: templates = [] } = useQuery(templatesQuery);
  const { data: servers = [] } = useQuery(serversQuery);
  const [to, setTo] = useState('');
  const preferring = templates.filter((template) => template.server === server.id);
  const move = useMutation({
    mutationFn: () => call('POST', `/v1/servers/${server.id}/move-templates`, { to: to || null }),
    onSuccess: async () => {
      toast('The templates are moved.');
      await queryClient.invalidateQueries({ queryKey: ['templates'] });
    },
  });

  if (preferring.length === 0) return null;
  return (
    <Section title="Templates that prefer it">
      <ul className="flex flex-wrap gap-x-4 gap-y-1">
        {preferring.map(({ slug }) => (
          <li key={slug}>
            <Link
              to="/templates/$slug"
              params={{ slug }}
              className="font-mono text-accent text-sm hover:underline"
            >
              {slug}
            </Link>
          </li>
        ))}
      </ul>
      <div className="flex items-end gap-2">
        <ServerSelect
          label="Move all of them to"
          servers={servers.filter((one) => one.id !== server.id)}
          value={to}
          onChange={setTo}
        />
        <Button height="field" busy={move.isPending} onClick={() => move.mutate()}>
          Move templates
        </Button>
      </div>
      {move.error && <Problem error={move.error} />}
    </Section>
  );
}

interface ServerSelectProps {
  label: string;
  servers: ServerView[];
  value: string;
  onChange: (id: string) => void;
}

/** A server by its id; empty is the random choice. */
export function ServerSelect({ label, servers, value, onChange }: ServerSelectProps) {
  return (
    <SelectField
      label={label}
      className="min-w-0 flex-1"
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      <option value="">Random choice</option>
      {servers.map((one) => (
        <option key={one.id} value={one.id}>
          {one.name}
        </option>
      ))}
    </SelectField>
  );
}
