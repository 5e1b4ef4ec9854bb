import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Engine } from '../../src/storage/db.ts';
import type { Bench } from './bench.ts';
import { type Size, templateOf, variablesOf } from './letter.ts';
import { end, keep, root } from './processes.ts';
import { type Records, recordsOf } from './records.ts';
import type { Sink } from './sink.ts';

export const CONNECTIONS = 10;
export const TEMPLATE = 'bench';

/** One running process of the product. */
export interface Program {
  url: string;
  pid: number;
  child: ChildProcess;
  stop(): Promise<void>;
}

export interface StartOptions {
  role?: 'all' | 'api' | 'worker';
  env?: Record<string, string>;
  nodeArgs?: readonly string[];
}

/** The product on a database of its own, with a workspace, one server and one template. */
export interface Installation {
  engine: Engine;
  env: Record<string, string>;
  apiKey: string;
  records: Records;
  start(options?: StartOptions): Promise<Program>;
}

/** Makes an empty installation; `env` goes to every process of it. */
export async function install(bench: Bench, engine: Engine, extra: Record<string, string> = {}) {
  const dataDir = mkdtempSync(join(bench.folder, `${engine}-`));
  const database: Record<string, string> =
    engine === 'postgres' ? { DATABASE_URL: await bench.postgresDatabase(extra) } : {};
  const env = { DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'error', ...database, ...extra };
  const setup = [
    'setup',
    '--email',
    'owner@example.com',
    '--workspace',
    'Bench',
    '--password-stdin',
    '--json',
  ];
  const done = spawnSync(process.execPath, [...NODE, ...setup], {
    env: { ...process.env, ...env },
    input: 'a long enough password',
    encoding: 'utf8',
  });
  if (done.status !== 0) throw new Error(`setup failed: ${done.stderr}`);
  const { apiKey } = JSON.parse(done.stdout) as { apiKey: string };
  return {
    engine,
    env,
    apiKey,
    records: recordsOf(engine, dataDir, database.DATABASE_URL),
    start: (options?: StartOptions) => startProgram(env, options),
  } satisfies Installation;
}

const MAIN = join(root, 'src', 'main.ts');
/** As bin/run starts it. */
const NODE = ['--disable-warning=ExperimentalWarning', '--expose-gc', '--max-semi-space-size=16', MAIN];

async function startProgram(
  env: Record<string, string>,
  { role = 'all', env: more, nodeArgs = [] }: StartOptions = {},
) {
  const child = keep(
    spawn(process.execPath, [...nodeArgs, ...NODE, 'serve'], {
      env: { ...process.env, UV_THREADPOOL_SIZE: '16', ...env, ROLE: role, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  child.stderr.on('data', (chunk) => {
    const said = String(chunk);
    if (!said.startsWith('Stopping:')) process.stderr.write(`the product says: ${said}`);
  });
  let url = '';
  for await (const line of createInterface({ input: child.stdout })) {
    url = /running at (\S+)/.exec(line)?.[1] ?? url;
    if (url !== '' || line.includes('working on the queue')) break;
  }
  child.stdout.resume();
  if (child.exitCode !== null) throw new Error('The product did not start.');
  return { url, pid: child.pid!, child, stop: () => end(child) } satisfies Program;
}

/** Connects the sink as the only server, and saves the template. */
export async function furnish(
  { apiKey }: Installation,
  { url }: Program,
  sink: Sink,
  size: Size,
): Promise<void> {
  await call(url, apiKey, '/v1/servers', {
    type: 'generic',
    name: 'Sink',
    host: '127.0.0.1',
    port: sink.port,
    security: sink.security,
    ...(sink.security === 'none' ? {} : { tlsCa: sink.caPem }),
    allowPrivate: true,
    maxConnections: CONNECTIONS,
  });
  await call(url, apiKey, '/v1/templates', { slug: TEMPLATE, ...templateOf(size) });
}

/** @throws Error unless the answer is a success */
export async function call(url: string, apiKey: string, path: string, body: unknown) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

const BATCH = 500;

/** Puts `count` messages into the queue, in full batches. */
export async function fill({ apiKey }: Installation, { url }: Program, count: number): Promise<void> {
  for (let at = 0; at < count; at += BATCH) {
    const messages = Array.from({ length: Math.min(BATCH, count - at) }, (_, n) => ({
      rcpt: `fill${at + n}@example.com`,
      templateSlug: TEMPLATE,
      variables: variablesOf(at + n),
    }));
    const { results } = await call(url, apiKey, '/v1/messages/batch', { messages });
    if (results.some((one: { error?: unknown }) => one.error)) throw new Error('a message was refused');
  }
}
