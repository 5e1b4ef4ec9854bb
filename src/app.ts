import { z } from 'zod';
import { audienceRoutes } from './audience/routes.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { openDatabase } from './database.ts';
import { behindLog } from './engine/behind-log.ts';
import { StoredPages } from './engine/page.ts';
import { recoverLog } from './engine/recover.ts';
import { openSending, type Sending } from './engine/sending.ts';
import { SendingThread } from './engine/sending-thread.ts';
import { armFailPoints } from './failpoint.ts';
import { openApiDocument } from './http/openapi.ts';
import { type Route, route } from './http/route.ts';
import { createHttp, type Listening, listen } from './http/server.ts';
import { staticFiles } from './http/static.ts';
import type { Log } from './log.ts';
import { GroupedIntake } from './messages/intake.ts';
import { composeNotice } from './messages/letter.ts';
import { messageRoutes } from './messages/routes.ts';
import type { SendParts } from './messages/send.ts';
import { NoticeMailer } from './notices/mailer.ts';
import { noticeRoutes } from './notices/routes.ts';
import { pauseOf, pauseRestored } from './queue/pause.ts';
import { freeAllLeases } from './queue/queue.ts';
import type { SenderData } from './sender.ts';
import { addressPolicy } from './servers/address-policy.ts';
import { CheckLimit } from './servers/check-limit.ts';
import { serverRoutes } from './servers/routes.ts';
import { statisticRoutes } from './statistics/routes.ts';
import { databaseClock } from './storage/database-clock.ts';
import type { Db } from './storage/db.ts';
import { Disk, type FreeSpace } from './storage/disk.ts';
import { Heartbeat, type Restored } from './storage/heartbeat.ts';
import type { ProcessLock } from './storage/lock.ts';
import { openVault } from './storage/master-key.ts';
import { Memo } from './storage/memo.ts';
import { suppressionRoutes } from './suppressions/routes.ts';
import { VersionCache } from './templates/render.ts';
import { templateRoutes } from './templates/routes.ts';
import type { Vault } from './vault.ts';
import { authenticate } from './workspaces/authenticate.ts';
import { workspaceRoutes } from './workspaces/routes.ts';

/** The thread that carries messages. */
const SENDER = new URL('./sender.ts', import.meta.url);

/** Messages under way get this long to finish when the program is asked to stop. */
const DRAIN_MS = 30_000;

export interface AppParts {
  log: Log;
  version: string;
  /** The folder of the built web app. */
  webRoot: string;
  clock?: Clock;
  /** Told after each commit that settled a message. */
  onSettled?: (messageId: string) => void;
  /** How much space is left for the data; tests answer in place of the system. */
  freeSpace?: FreeSpace;
  /** The database is a restored copy, whatever it looks like: sending begins paused. */
  restored?: boolean;
  /** Sending and writing have threads of their own where that helps. Tests do without: they arm fail-points in this one. */
  hasThreads?: boolean;
}

export interface App {
  db: Db;
  disk: Disk;
  /** Answers a request without a socket. */
  request: (input: string, init?: RequestInit) => Response | Promise<Response>;
  /** Opens the port and starts the worker. Port 0 takes a free one. */
  start(): Promise<{ port: number }>;
  /** Lets the worker look at the queue now, as a test does after it moved the clock. */
  nudge(): void;
  /** Answers what is under way, lets messages past their envelope finish, closes everything. */
  stop(): Promise<void>;
}

/** The composition root: every part is made and wired here, and nowhere else. Tests build the same program. */
export async function createApp(config: Config, parts: AppParts): Promise<App> {
  const {
    log,
    version,
    webRoot,
    freeSpace,
    restored,
    hasThreads = false,
    clock: machineClock = systemClock,
  } = parts;
  armFailPoints(config.selfTest);
  const disk = new Disk(config.dataDir, freeSpace);
  // Where another process answers calls, it would not know what is in the log of the worker while this one is dead.
  const sendsBeside = hasThreads && config.role === 'all' && config.databaseUrl === undefined;
  const stored = await openDatabase(config, machineClock, { disk, writesBeside: hasThreads && !sendsBeside });
  const { clock, stop: stopClock } = await databaseClock(stored, machineClock);
  let lock: ProcessLock | undefined;
  try {
    // Of workers on SQLite there is one; on PostgreSQL any number share the queue.
    const worksAlone = config.role !== 'api' && stored.engine === 'sqlite';
    lock = worksAlone ? (await import('./storage/lock.ts')).lockDataFolder(config.dataDir) : undefined;
    const base = { config, db: stored, clock, log, disk, vault: await openVault(config, stored) };
    const onRestored = (found: Restored) => pauseRestored(stored, found, clock.now());
    const heartbeat = new Heartbeat(stored, clock, config.dataDir, onRestored);
    if (restored) await onRestored({ reason: 'Started with --restored.', until: clock.now() });
    if (lock) await recoverLog({ db: stored, log, folder: config.dataDir, onLost: onRestored }, clock.now());
    const versions = new VersionCache();
    const onEnded = (messageId: string) => {
      heartbeat.worked.raise();
      parts.onSettled?.(messageId);
    };
    const { db, sending } = sendsBeside
      ? await sendingBeside(base, heartbeat)
      : { db: stored, sending: sendingHere({ ...base, versions }, onEnded) };
    const memo = new Memo(db);
    const nudge = () => sending.nudge();
    const intake = new GroupedIntake(stored, { ...sending.intake, nudge });
    const routes = allRoutes({ ...base, db, versions, memo, intake, nudge }, version);
    const http = createHttp({
      routes,
      authenticate: (request) => authenticate({ db, clock, memo }, request),
      fallback: staticFiles(webRoot),
      clock,
      log,
    });
    const { publicUrl, systemSmtp: system } = config;
    const mailer = system && new NoticeMailer({ db, clock, log, publicUrl, system, compose: composeNotice });
    return running({ config, db, disk, heartbeat, lock, sending, mailer, http, clock, stopClock });
  } catch (error) {
    stopClock();
    lock?.release();
    await stored.close();
    throw error;
  }
}

/** What every part of the program is made of. */
interface Base {
  config: Config;
  db: Db;
  clock: Clock;
  log: Log;
  disk: Disk;
  vault: Vault;
}

function sendingHere(
  { config, ...base }: Base & { versions: VersionCache },
  onEnded: (messageId: string) => void,
): Sending {
  const onStored = (ids: readonly string[]) => ids.forEach(onEnded);
  const parts = {
    ...base,
    policy: addressPolicy(config),
    publicUrl: config.publicUrl,
    pages: new StoredPages(base.db, onStored),
    onExpired: onEnded,
  };
  return openSending(parts, config.role === 'all');
}

/** Sending in its own thread, and the database as this one may write it. */
async function sendingBeside({ config, db, clock, disk }: Base, { worked }: Heartbeat) {
  const shared = db.share!();
  const data: SenderData = {
    config,
    shared,
    low: disk.lowFlag.shared,
    worked: worked.shared,
  };
  const sending = await SendingThread.open(SENDER, { data, ports: [shared.procedures!] }, clock);
  return { db: behindLog(db, sending), sending };
}

/** The calls of all rooms, and those of the program itself. */
function allRoutes({ config, ...parts }: Base & SendParts & { nudge: () => void }, version: string): Route[] {
  const { db, clock, log, vault, disk } = parts;
  const { publicUrl } = config;
  const policy = addressPolicy(config);
  const routes: Route[] = [
    ...workspaceRoutes({ db, clock, config, version, disk }),
    ...serverRoutes({ db, clock, log, vault, policy, publicUrl, checkLimit: new CheckLimit() }),
    ...templateRoutes(parts),
    ...audienceRoutes({ db, clock }),
    ...messageRoutes(parts),
    ...statisticRoutes({ db, clock }),
    ...suppressionRoutes({ db, clock }),
    ...noticeRoutes({ db, clock }),
  ];
  routes.push(...programRoutes(db, disk, routes, version));
  return routes;
}

interface Running {
  config: Config;
  db: Db;
  disk: Disk;
  heartbeat: Heartbeat;
  lock: ProcessLock | undefined;
  sending: Sending;
  mailer: NoticeMailer | undefined;
  http: ReturnType<typeof createHttp>;
  clock: Clock;
  stopClock: () => void;
}

function running(parts: Running): App {
  const { config, db, disk, heartbeat, lock, sending, mailer, http, clock, stopClock } = parts;
  let listening: Listening | undefined;
  return {
    db,
    disk,
    request: (input, init) => http.request(input, init),
    nudge: () => sending.nudge(),
    async start() {
      await heartbeat.begin();
      if (db.engine === 'sqlite') {
        await disk.look();
        disk.start();
      }
      if (config.role !== 'worker') listening = await listen(http, config.host, config.port);
      if (config.role !== 'api') {
        // With the lock ours no other worker is alive: what was held when it died is due now.
        if (lock) await freeAllLeases(db, clock.now());
        heartbeat.start();
        sending.start();
        mailer?.start();
      }
      return { port: listening?.port ?? 0 };
    },
    async stop() {
      await listening?.close();
      await sending.stop(DRAIN_MS);
      disk.stop();
      await heartbeat.stop();
      await mailer?.stop();
      stopClock();
      await db.close();
      lock?.release();
    },
  };
}

/** What belongs to the program rather than to a room. */
function programRoutes(db: Db, disk: Disk, routes: readonly Route[], version: string): Route[] {
  const up = z.object({ status: z.literal('ok') });
  const alive = async () => ({ body: { status: 'ok' as const } });
  const own: Route[] = [
    route({
      method: 'GET',
      path: '/healthz',
      access: 'public',
      tag: 'Program',
      summary: 'The process is alive',
      answers: { 200: { description: 'Alive', schema: up } },
      handle: alive,
    }),
    route({
      method: 'GET',
      path: '/readyz',
      access: 'public',
      tag: 'Program',
      summary: 'The database answers, and whether messages are sent',
      answers: {
        200: { description: 'Ready', schema: up.extend({ sending: z.enum(['on', 'paused', 'disk_full']) }) },
      },
      handle: async () => {
        const pause = await pauseOf(db, '');
        const sending = pause ? 'paused' : disk.low ? 'disk_full' : 'on';
        return { body: { status: 'ok' as const, sending } };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/openapi.json',
      access: 'public',
      tag: 'Program',
      summary: 'This description of the API',
      answers: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({}) } },
      handle: async () => ({ body: openApiDocument([...routes], version) }),
    }),
  ];
  return own;
}
