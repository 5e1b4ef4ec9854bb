import { Monitor, Smartphone } from 'lucide-react';
import { useState } from 'react';
import type { PreviewView } from '../../../src/templates/routes.ts';
import { IconButton } from '../ui/button.tsx';
import { Problem } from '../ui/notice.tsx';

interface PreviewPaneProps {
  preview: PreviewView | undefined;
  /** An error that no field of the form shows. */
  error: Error | undefined;
  preheader: string;
}

const PHONE_PX = 375;

/** The mail as its reader sees it, in a frame where nothing of it can run. */
export function PreviewPane({ preview, error, preheader }: PreviewPaneProps) {
  const [phone, setPhone] = useState(false);
  return (
    <section aria-label="Preview">
      <div className="mb-2 flex items-center justify-between">
        <h2 className="font-semibold">Preview</h2>
        <div className="flex">
          <IconButton
            label="Desktop width"
            aria-pressed={!phone}
            className="aria-pressed:bg-line/80 aria-pressed:text-ink"
            onClick={() => setPhone(false)}
          >
            <Monitor />
          </IconButton>
          <IconButton
            label="Phone width"
            aria-pressed={phone}
            className="aria-pressed:bg-line/80 aria-pressed:text-ink"
            onClick={() => setPhone(true)}
          >
            <Smartphone />
          </IconButton>
        </div>
      </div>
      {error && (
        <div className="mb-2">
          <Problem error={error} />
        </div>
      )}
      <div className="overflow-hidden rounded-card border border-line bg-surface">
        <div className="border-line border-b px-4 py-2.5">
          <p className="truncate font-medium">
            {preview?.subject || <span className="text-ink-faint">The subject appears here</span>}
          </p>
          {preheader && <p className="truncate text-ink-soft text-sm">{preheader}</p>}
        </div>
        <div className="flex justify-center bg-sunk">
          <iframe
            title="Preview of the mail"
            sandbox=""
            srcDoc={preview?.html ?? ''}
            className="h-[min(440px,45dvh)] w-full bg-paper"
            style={phone ? { maxWidth: PHONE_PX } : undefined}
          />
        </div>
      </div>
    </section>
  );
}
