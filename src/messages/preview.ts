import type { Rendered } from '../templates/render.ts';

/**
 * What may run in a preview: nothing. Mail is somebody else's HTML; it gets images and its own styles, no scripts, no
 * forms, no frames, and no origin.
 */
const POLICY =
  "default-src 'none'; img-src https: http: data: cid:; style-src 'unsafe-inline'; font-src https: data:; base-uri 'none'; form-action 'none'; sandbox allow-popups";

/** The message as a page of its own, for an iframe. A text-only message is shown as text. */
export function previewPage(rendered: Rendered): Response {
  const body =
    rendered.html ??
    `<pre style="white-space:pre-wrap;font:14px/1.5 ui-monospace,monospace;margin:16px">${escapeText(rendered.text ?? '')}</pre>`;
  return new Response(body, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    },
  });
}

function escapeText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
