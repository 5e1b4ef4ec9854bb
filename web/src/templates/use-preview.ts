import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { PreviewView } from '../../../src/templates/routes.ts';
import { call } from '../api.ts';
import type { TemplateDraft } from './draft.ts';
import { type Samples, variablesOf } from './samples.ts';

const TYPING_PAUSE_MS = 300;

/** What a reader would see of the draft, a moment after the typing stops. The last good one stays meanwhile. */
export function usePreview({ subject, html, text, preheader }: TemplateDraft, samples: Samples) {
  const content = useSettled(JSON.stringify({ subject, html, preheader, ...(text.trim() && { text }) }));
  const values = useSettled(JSON.stringify(samples));
  const [sections, setSections] = useState<ReadonlySet<string>>(new Set());
  const preview = useQuery({
    queryKey: ['preview', content, values, [...sections]],
    queryFn: ({ signal }) =>
      call<PreviewView>(
        'POST',
        '/v1/templates/preview',
        { ...JSON.parse(content), variables: variablesOf(JSON.parse(values), sections) },
        signal,
      ),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });

  const lastGood = useRef<PreviewView>(undefined);
  if (preview.data) lastGood.current = preview.data;
  const shown = preview.data ?? lastGood.current;

  // Which samples are read as JSON follows from the template, which the preview reads for us.
  const names = shown?.variables.flatMap((one) => (one.section ? [one.name] : [])).join('\n') ?? '';
  useEffect(() => setSections(new Set(names.split('\n').filter(Boolean))), [names]);
  return { shown, sections, error: preview.error ?? undefined };
}

function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
