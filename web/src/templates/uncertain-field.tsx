import { Button } from '../ui/button.tsx';
import { ChoiceField } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import type { TemplateDraft } from './draft.ts';
import type { FieldsProps } from './template-fields.tsx';
import { isAwaited } from './urgency.ts';

const CHOICES: readonly { value: TemplateDraft['onUncertain']; label: string; hint: string }[] = [
  {
    value: 'hold',
    label: 'Hold it for my decision',
    hint: 'It waits among the uncertain messages. Right for most mail.',
  },
  {
    value: 'resend_once',
    label: 'Send it once more',
    hint: 'After a minute, and never a second time. Its reader may get two copies. Right for codes and reset links.',
  },
  {
    value: 'assume_sent',
    label: 'Count it as sent',
    hint: 'Nobody is asked, and it may never arrive. Right for mail that nobody misses.',
  },
];

/** What becomes of a message that may have gone out. The better rule is suggested, and set only by who decides it. */
export function UncertainField({ draft, errorOf, onChange }: FieldsProps) {
  return (
    <div className="space-y-3">
      <ChoiceField
        label="When a server takes a message and does not confirm it"
        name="onUncertain"
        value={draft.onUncertain}
        choices={CHOICES}
        error={errorOf('onUncertain')}
        onChange={(onUncertain) => onChange({ onUncertain })}
      />
      {draft.onUncertain === 'hold' && isAwaited(draft) && (
        <Notice
          tone="captured"
          title="This looks like a code or a link that somebody waits for."
          actions={
            <Button onClick={() => onChange({ onUncertain: 'resend_once' })}>Send it once more</Button>
          }
        >
          There a second copy does no harm, and a missing one does.
        </Notice>
      )}
    </div>
  );
}
