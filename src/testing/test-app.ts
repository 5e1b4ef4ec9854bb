import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, createApp } from '../app.ts';
import { type Clock, systemClock } from '../clock.ts';
import { readConfig } from '../config.ts';
import { createLog } from '../log.ts';
import type { Engine } from '../storage/db.ts';
import type { FreeSpace } from '../storage/disk.ts';
import { postgresUrlFor } from '../storage/testing.ts';
import { setup } from '../workspaces/setup.ts';

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
  body: any;
  headers: Headers;
}

export interface TestApp {
  app: App;
  dataDir: string;
  apiKey: string;
  workspaceId: string;
  /** Port of the API when `listen` was asked for, else 0. */
  port: number;
  /** Calls the API with the workspace's key, without a socket. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Waits, by the worker's signal and not by the clock, until a message has one of these statuses. */
  until(id: string, ...statuses: string[]): Promise<Answer['body']>;
  /** Waits until a condition holds; looked at after every settled message. */
  untilTrue(condition: () => Promise<boolean> | boolean): Promise<void>;
  /** Stops the program and, unless `keep` is set, removes its data. */
  stop(keep?: { keep: boolean }): Promise<void>;
}

export const OWNER = { email: 'owner@example.com', password: 'a long enough password', workspace: 'Example' };

export interface TestAppOptions {
  clock?: Clock;
  env?: Record<string, string>;
  /** Opens a free port and starts the worker; without it only `call` works. */
  start?: boolean;
  dataDir?: string;
  /** The embedded database unless said otherwise. */
  engine?: Engine;
  /** An installation that was set up before, in `dataDir`. */
  known?: { apiKey: string; workspaceId: string };
  /** In place of the disk of this machine. */
  freeSpace?: FreeSpace;
  restored?: boolean;
  /** With the threads that `serve` has. Then nothing signals that a message was settled. */
  hasThreads?: boolean;
}

/** The same program as `mailwright serve`, on a database of its own in a temporary folder. */
export async function testApp({
  clock = systemClock,
  env = {},
  start = true,
  dataDir,
  engine = 'sqlite',
  known,
  freeSpace,
  restored = false,
  hasThreads = false,
}: TestAppOptions = {}): Promise<TestApp> {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 'mailwright-'));
  const database = engine === 'postgres' ? { DATABASE_URL: await postgresUrlFor(folder) } : {};
  const config = readConfig(
    { PORT: '0', DATA_DIR: folder, LOG_LEVEL: 'silent', ...database, ...env },
    folder,
  );
  const waiting = new Set<() => void>();
  const app = await createApp(config, {
    clock,
    log: createLog(config.logLevel),
    version: 'test',
    restored,
    hasThreads,
    ...(freeSpace ? { freeSpace } : {}),
    webRoot: join(import.meta.dirname, '..', '..', 'web', 'dist'),
    onSettled: () => {
      for (const look of waiting) look();
    },
  });
  const { apiKey, workspaceId } = known ?? (await setup(app.db, clock, OWNER));
  const { port } = start ? await app.start() : { port: 0 };
  const call = caller(app, apiKey);

  const untilTrue = (condition: () => Promise<boolean> | boolean) =>
    new Promise<void>((resolve, reject) => {
      const look = () =>
        Promise.resolve(condition()).then((holds) => {
          if (!holds) return;
          waiting.delete(look);
          resolve();
        }, reject);
      waiting.add(look);
      look();
    });

  return {
    app,
    dataDir: folder,
    apiKey,
    workspaceId,
    port,
    call,
    untilTrue,
    async until(id, ...statuses) {
      let record: Answer['body'];
      await untilTrue(async () => {
        record = (await call('GET', `/v1/messages/${id}`)).body;
        return statuses.includes(record.status);
      });
      return record;
    },
    async stop({ keep } = { keep: false }) {
      await app.stop();
      if (!keep) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function caller(app: App, apiKey: string): TestApp['call'] {
  return async (method, path, body, headers = {}) => {
    const response = await app.request(path, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, body: json ? JSON.parse(text) : text, headers: response.headers };
  };
}
