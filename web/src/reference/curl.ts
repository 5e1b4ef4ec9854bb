import type { Call } from './calls.ts';

/** A call as a line to paste: what stands in angle brackets is for the reader to fill in. */
export function curlOf(origin: string, { method, path, operation }: Call): string {
  const body = operation.requestBody?.content['application/json'].example;
  const url = origin + path.replace(/\{(\w+)\}/g, '<$1>');
  const parts = [
    `curl ${method === 'GET' ? '' : `-X ${method} `}${path.includes('{') ? quoted(url) : url}`,
    ...(operation['x-access'] === 'public' ? [] : ['-H "Authorization: Bearer <API key>"']),
    ...(body === undefined
      ? []
      : ['-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(body))}`]),
  ];
  return parts.join(' \\\n  ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
