/** Sample values as typed, by the name of the variable. */
export type Samples = Record<string, string>;

const KEY = 'samples:';

/** Sample values stay in this browser, so that a preview looks the same the next day. */
export function loadSamples(slug: string): Samples {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY + slug) ?? '{}');
    return Object.fromEntries(
      Object.entries(stored as object).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    );
  } catch {
    return {};
  }
}

export function storeSamples(slug: string, samples: Samples): void {
  localStorage.setItem(KEY + slug, JSON.stringify(samples));
}

/**
 * The variables of a call: dotted names become objects, and what a section asks about may be written as JSON (`true`,
 * a list). Empty samples are left out, so that fallbacks show.
 */
export function variablesOf(samples: Samples, sections: ReadonlySet<string>): Record<string, unknown> {
  const variables: Record<string, unknown> = Object.create(null);
  for (const [name, text] of Object.entries(samples)) {
    if (text !== '') place(variables, name.split('.'), sections.has(name) ? parsed(text) : text);
  }
  return variables;
}

function place(into: Record<string, unknown>, path: string[], value: unknown): void {
  const [first = '', ...rest] = path;
  if (rest.length === 0) {
    into[first] ??= value;
    return;
  }
  const inner = into[first];
  const next: Record<string, unknown> =
    typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : Object.create(null);
  into[first] = next;
  place(next, rest, value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
