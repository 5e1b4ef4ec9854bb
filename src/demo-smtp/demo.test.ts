import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { verifyEndpoint } from '../transport/verify.ts';
import { type Demo, demoSmtpCommand, startDemo } from './demo.ts';
import type { Script } from './script.ts';

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

test('the good server plays the faults it is given', async () => {
  const script: Script = [{ stage: 'auth', fault: '4xx' }];
  const demo = await startDemo({ port: 0, caFile: join(folder(), 'ca.pem'), script });
  onTestFinished(() => demo.stop());
  const { host, port, security } = demo.servers[0]!;
  const tlsCa = readFileSync(demo.caFile, 'utf8');
  const signIn = { username: 'demo', password: 'demo' };
  const endpoint = { host, port, security, ...signIn, heloName: '', tlsCa, allowAddress: () => true };
  expect(await verifyEndpoint(endpoint)).toMatchObject({ ok: false, outcome: { code: 'auth_temporary' } });
});

test('a port that is taken ends the start, and leaves none of the others open', async () => {
  const { free, taken } = await neighbors();
  const starting = startDemo({ port: free, caFile: join(folder(), 'ca.pem') });
  await expect(starting).rejects.toThrow(`EADDRINUSE: address already in use 127.0.0.1:${taken}`);
  await listen(free); // rejects if the first server were still there
});

test('the command explains itself, and refuses a port that is none', async () => {
  const printed: string[] = [];
  const io = { print: (line: string): void => void printed.push(line) };
  expect(await demoSmtpCommand(['--help'], io)).toBe(0);
  expect(printed.join('\n')).toContain('--ledger FILE');
  expect(await demoSmtpCommand(['--port', '70000'], io)).toBe(64);
  expect(await demoSmtpCommand(['--fault', 'dot:explode'], io)).toBe(64);
  expect(printed.at(-1)).toContain('"dot:explode"');
});

/** A port in use, and the one before it, which is not. */
async function neighbors(): Promise<{ free: number; taken: number }> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const taken = await listen(0);
    const before = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      before.once('error', () => resolve(false));
      before.listen(taken - 1, '127.0.0.1', () => before.close(() => resolve(true)));
    });
    if (isFree) return { free: taken - 1, taken };
  }
  throw new Error('There are no two ports side by side.');
}

async function listen(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
