import type { PreviewView } from '../../../src/templates/routes.ts';
import { TextField } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import type { Samples } from './samples.ts';

interface VariablesPaneProps {
  preview: PreviewView;
  samples: Samples;
  onChange: (samples: Samples) => void;
}

const BUILT_IN = 'unsubscribe_link';

/** The variables of the draft with sample values, and what a reader would miss. */
export function VariablesPane({ preview, samples, onChange }: VariablesPaneProps) {
  const asked = preview.variables.filter(
    (one) => one.within === null && one.name !== BUILT_IN && one.name !== '.',
  );
  const missing = preview.missing.filter((name) => name !== BUILT_IN);
  return (
    <section aria-label="Variables" className="space-y-3">
      <h2 className="font-semibold">Variables</h2>
      {asked.length === 0 ? (
        <p className="text-ink-soft">
          None yet. Write <code className="font-mono text-sm">{'{{ name | "there" }}'}</code> where a value
          belongs.
        </p>
      ) : (
        <div className="grid gap-3 sm:grid-cols-2">
          {asked.map((one) => (
            <TextField
              key={one.name}
              label={<code className="font-mono">{one.name}</code>}
              placeholder={
                one.section
                  ? 'true, or a list as JSON'
                  : one.fallback !== null
                    ? `“${one.fallback}” without a value`
                    : 'sample value'
              }
              value={samples[one.name] ?? ''}
              onChange={(event) => onChange({ ...samples, [one.name]: event.target.value })}
            />
          ))}
        </div>
      )}
      {missing.length > 0 && (
        <Notice tone="deferred" title="Some values are missing">
          <code className="font-mono text-sm">{missing.join(', ')}</code> would print nothing. Send a value
          with every message, or write a fallback.
        </Notice>
      )}
      <p className="text-ink-soft text-sm">
        {preview.hasUnsubscribeLink ? (
          'It contains an unsubscribe link.'
        ) : (
          <>
            No <code className="font-mono">{'{{ unsubscribe_link }}'}</code>. Mail that somebody asked for,
            such as a receipt, needs none.
          </>
        )}
      </p>
    </section>
  );
}
