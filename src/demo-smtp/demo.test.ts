import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { verifyEndpoint } from '../transport/verify.ts';
import { type Demo, demoSmtpCommand, startDemo } from './demo.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'demo-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

async function start(): Promise<Demo> {
  const demo = await startDemo({ port: 0, caFile: join(folder(), 'ca.pem'), slowMs: 20 });
  onTestFinished(() => demo.stop());
  return demo;
}

test('entered as it is told, each server leads to what it is there for', async () => {
  const demo = await start();
  const tlsCa = readFileSync(demo.caFile, 'utf8');
  const results = demo.servers.map(async ({ name, host, port, security, username, password }) => {
    const signIn = username === null || password === null ? {} : { username, password };
    const endpoint = { host, port, security, ...signIn, heloName: '', tlsCa, allowAddress: () => true };
    const verified = await verifyEndpoint(endpoint, { timeouts: { probeAfter: 300 } });
    return [name, verified.ok ? 'works' : verified.outcome.code];
  });
  expect(Object.fromEntries(await Promise.all(results))).toEqual({
    good: 'works',
    ssl: 'works',
    'wrong-password': 'auth_rejected',
    'tls-mismatch': 'tls_mode_should_be_ssl',
    slow: 'works',
    open: 'works',
  });
});

test('a port that is taken ends the start, and leaves none of the others open', async () => {
  const demo = await start();
  const taken = demo.servers.at(-1)!.port;
  const first = taken - 5;
  await expect(startDemo({ port: first, caFile: demo.caFile })).rejects.toThrow('EADDRINUSE');
  const again = startDemo({ port: first, caFile: demo.caFile });
  await expect(again).rejects.toThrow(String(taken)); // it came as far as before
});

test('the command explains itself, and refuses a port that is none', async () => {
  const printed: string[] = [];
  const io = { print: (line: string): void => void printed.push(line) };
  expect(await demoSmtpCommand(['--help'], io)).toBe(0);
  expect(printed.join('\n')).toContain('--ledger FILE');
  expect(await demoSmtpCommand(['--port', '70000'], io)).toBe(64);
});
