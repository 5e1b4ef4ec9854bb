import { readFile, stat } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
};

/** The app talks to nobody but us; previews are frames with a policy of their own. */
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https: http:; font-src 'self'; connect-src 'self'; frame-src 'self' data: blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

const NOT_BUILT = `<!doctype html><meta charset="utf-8"><title>Mailwright</title><p>The web app is not built. Run <code>npm run build</code>, or start with <code>npm start</code>.</p>`;

/** Serves the built web app. Unknown pages get the app itself, which has its own routes. */
export function staticFiles(root: string): (request: Request, path: string) => Promise<Response | undefined> {
  return async (request, path) => {
    if (!['GET', 'HEAD'].includes(request.method) || /^\/(v1|hooks|healthz|readyz|metrics)(\/|$)/.test(path))
      return undefined;
    const file = await fileAt(root, path);
    if (file) return respond(await readFile(file), file, path.startsWith('/assets/'));
    // A missing file is missing; a page's own address may have a dot in it, and a browser asks for pages as HTML.
    if (extname(path) !== '' && !request.headers.get('accept')?.includes('text/html')) return undefined;
    const page = await readFile(join(root, 'index.html')).catch(() => Buffer.from(NOT_BUILT));
    return respond(page, 'index.html', false);
  };
}

async function fileAt(root: string, path: string): Promise<string | undefined> {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  if (decoded.includes('\0')) return undefined;
  const file = normalize(join(root, decoded));
  if (!file.startsWith(root + sep)) return undefined;
  return (await stat(file).catch(() => undefined))?.isFile() ? file : undefined;
}

function respond(content: Buffer, file: string, forever: boolean): Response {
  return new Response(new Uint8Array(content), {
    headers: {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      // Built files carry a hash in their name; the page that names them is asked for again each time.
      'cache-control': forever ? 'public, max-age=31536000, immutable' : 'no-cache',
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'x-frame-options': 'DENY',
    },
  });
}
