import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { staticFiles } from './static.ts';

function site() {
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-web-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const root = join(folder, 'dist');
  mkdirSync(join(root, 'assets'), { recursive: true });
  writeFileSync(join(root, 'index.html'), 'the app');
  writeFileSync(join(root, 'assets', 'app-1a2b.js'), 'code');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  mkdirSync(join(folder, 'dist-other'));
  writeFileSync(join(folder, 'dist-other', 'secret.txt'), 'secret');
  const get = staticFiles(root);
  return (path: string, method = 'GET') => get(new Request('http://localhost/', { method }), path);
}

test.each(['/', '/servers', '/messages/msg_1', '/index.html'])('%s is the app', async (path) => {
  const response = await site()(path);
  expect(await response!.text()).toBe('the app');
  expect(response!.headers.get('content-type')).toContain('text/html');
  expect(response!.headers.get('cache-control')).toBe('no-cache');
  expect(response!.headers.get('content-security-policy')).toContain("default-src 'self'");
});

test('a built file is kept forever', async () => {
  const response = await site()('/assets/app-1a2b.js');
  expect(await response!.text()).toBe('code');
  expect(response!.headers.get('content-type')).toContain('text/javascript');
  expect(response!.headers.get('cache-control')).toContain('immutable');
});

test.each([
  '/v1',
  '/v1/nothing',
  '/healthz',
  '/readyz',
  '/metrics',
  '/hooks/x',
  '/assets/gone.js',
  '/favicon.ico',
])('%s is not a page of the app', async (path) => {
  expect(await site()(path)).toBeUndefined();
});

test.each([
  '/../secret.txt',
  '/..%2fsecret.txt',
  '/%2e%2e/secret.txt',
  '/assets/..%2f..%2f..%2fsecret.txt',
  '/..%2fdist-other%2fsecret.txt',
  '/..%5csecret.txt',
  '/secret.txt%00.js',
  '/%',
  '/%ff.js',
])('%s leads nowhere', async (path) => {
  const response = await site()(path);
  expect(response === undefined ? '' : await response.text()).not.toContain('secret');
});

test('only reading is answered', async () => {
  expect(await site()('/', 'POST')).toBeUndefined();
  expect((await site()('/', 'HEAD'))!.status).toBe(200);
});

test('before the app is built, the page says how to build it', async () => {
  const get = staticFiles(join(tmpdir(), 'mailwright-never-built'));
  const response = await get(new Request('http://localhost/'), '/');
  expect(await response!.text()).toContain('npm run build');
});
