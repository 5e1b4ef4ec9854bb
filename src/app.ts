import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { audienceRoutes } from './audience/routes.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Config, ConfigError } from './config.ts';
import { Gate } from './engine/gate.ts';
import { behindLog, LoggedPages } from './engine/logged-pages.ts';
import { StoredPages } from './engine/page.ts';
import { recoverLog } from './engine/recover.ts';
import { Throttle } from './engine/throttle.ts';
import { Worker } from './engine/worker.ts';
import { armFailPoints } from './failpoint.ts';
import { openApiDocument } from './http/openapi.ts';
import { type Route, route } from './http/route.ts';
import { createHttp, type Listening, listen } from './http/server.ts';
import { staticFiles } from './http/static.ts';
import type { Log } from './log.ts';
import { Backlog } from './messages/backlog.ts';
import { Intake } from './messages/intake.ts';
import { composeNotice } from './messages/letter.ts';
import { messageRoutes } from './messages/routes.ts';
import { NoticeMailer } from './notices/mailer.ts';
import { noticeRoutes } from './notices/routes.ts';
import { pauseOf, pauseRestored } from './queue/pause.ts';
import { freeAllLeases } from './queue/queue.ts';
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
import { migrate } from './storage/migrate.ts';
import { suppressionRoutes } from './suppressions/routes.ts';
import { VersionCache } from './templates/render.ts';
import { templateRoutes } from './templates/routes.ts';
import { Pool } from './transport/pool.ts';
import { authenticate } from './workspaces/authenticate.ts';
import { workspaceRoutes } from './workspaces/routes.ts';

/** The embedded database, in the data folder. */
export const DATABASE_FILE = 'mailwright.db';

/** The thread that writes the embedded database. */
const WRITER = new URL('./writer.ts', import.meta.url);

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
  /** What every message needs is written by a thread of its own. Tests do without: they arm fail-points in this one. */
  writesBeside?: boolean;
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

/** Opens the database of the settings as it is. @throws ConfigError */
export async function connectDatabase(config: Config, disk?: Disk, writesBeside = false): Promise<Db> {
  makeDataFolder(config.dataDir);
  // Each engine brings a driver; only the one in use is loaded.
  if (config.databaseUrl !== undefined)
    return (await import('./storage/postgres.ts')).openPostgres(config.databaseUrl);
  const { openSqlite } = await import('./storage/sqlite.ts');
  return openSqlite(join(config.dataDir, DATABASE_FILE), {
    ...(disk ? { whenFull: () => disk.full() } : {}),
    ...(writesBeside ? { thread: { entry: WRITER, data: { selfTest: config.selfTest } } } : {}),
  });
}

/** Opens and migrates the database of the settings. @throws ConfigError */
export async function openDatabase(
  config: Config,
  clock: Clock,
  disk?: Disk,
  writesBeside?: boolean,
): Promise<Db> {
  const db = await connectDatabase(config, disk, writesBeside);
  try {
    await migrate(db, clock.now());
  } catch (error) {
    await db.close();
    throw error;
  }
  return db;
}

function makeDataFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ConfigError(
      `The data folder ${dataDir} cannot be made (${(error as Error).message}). Set DATA_DIR to a folder this user can write.`,
    );
  }
}

/** The composition root: every part is made and wired here, and nowhere else. Tests build the same program. */
export async function createApp(
  config: Config,
  {
    log,
    version,
    webRoot,
    onSettled,
    freeSpace,
    restored,
    writesBeside,
    clock: machineClock = systemClock,
  }: AppParts,
): Promise<App> {
  armFailPoints(config.selfTest);
  const disk = new Disk(config.dataDir, freeSpace);
  let db = await openDatabase(config, machineClock, disk, writesBeside);
  const { clock, stop: stopClock } = await databaseClock(db, machineClock);
  let lock: ProcessLock | undefined;
  try {
    // Of workers on SQLite there is one; on PostgreSQL any number share the queue.
    const worksAlone = config.role !== 'api' && db.engine === 'sqlite';
    lock = worksAlone ? (await import('./storage/lock.ts')).lockDataFolder(config.dataDir) : undefined;
    const vault = await openVault(config, db);
    const policy = addressPolicy(config);
    const versions = new VersionCache();
    const { publicUrl } = config;
    const onRestored = (found: Restored) => pauseRestored(db, found, clock.now());
    const heartbeat = new Heartbeat(db, clock, config.dataDir, onRestored);
    if (restored) await onRestored({ reason: 'Started with --restored.', until: clock.now() });
    const inFolder = { db, clock, log, folder: config.dataDir };
    if (lock) await recoverLog({ ...inFolder, onLost: onRestored }, clock.now());
    const onEnded = (messageId: string) => {
      heartbeat.worked();
      onSettled?.(messageId);
    };
    const onStored = (ids: readonly string[]) => ids.forEach(onEnded);
    // Where another process answers calls, it would not know what is in the log while this one is dead.
    const logs = worksAlone && config.role === 'all' && writesBeside;
    const logged = logs ? await LoggedPages.open({ ...inFolder, onStored }) : undefined;
    if (logged) db = behindLog(db, logged);
    const memo = new Memo(db);
    // Only where one process both answers calls and sends can it balance the two.
    const backlog = config.role === 'all' ? new Backlog(clock) : undefined;
    const worker = new Worker({
      backlog,
      db,
      clock,
      log,
      vault,
      versions,
      pool: new Pool({ clock }),
      policy,
      publicUrl,
      throttle: new Throttle(),
      gate: new Gate(db, disk),
      pages: logged ?? new StoredPages(db, onStored),
      onExpired: onEnded,
    });
    // What is stored in the process that sends it needs not be looked for.
    const handOver = config.role === 'all' ? worker.hand : undefined;
    const intake = new Intake(db, { backlog, handOver, nudge: () => worker.nudge() });
    const accept = { db, clock, vault, versions, memo, disk, intake, backlog, nudge: () => worker.nudge() };
    const routes: Route[] = [
      ...workspaceRoutes({ db, clock, config, version, disk }),
      ...serverRoutes({ db, clock, log, vault, policy, publicUrl, checkLimit: new CheckLimit() }),
      ...templateRoutes(accept),
      ...audienceRoutes({ db, clock }),
      ...messageRoutes(accept),
      ...statisticRoutes({ db, clock }),
      ...suppressionRoutes({ db, clock }),
      ...noticeRoutes({ db, clock }),
    ];
    routes.push(...programRoutes(db, disk, routes, version));
    const http = createHttp({
      routes,
      authenticate: (request) => authenticate({ db, clock, memo }, request),
      fallback: staticFiles(webRoot),
      clock,
      log,
    });
    const { systemSmtp: system } = config;
    const mailer = system && new NoticeMailer({ db, clock, log, publicUrl, system, compose: composeNotice });
    return running({ config, db, disk, heartbeat, lock, worker, mailer, http, clock, stopClock });
  } catch (error) {
    stopClock();
    lock?.release();
    await db.close();
    throw error;
  }
}

interface Running {
  config: Config;
  db: Db;
  disk: Disk;
  heartbeat: Heartbeat;
  lock: ProcessLock | undefined;
  worker: Worker;
  mailer: NoticeMailer | undefined;
  http: ReturnType<typeof createHttp>;
  clock: Clock;
  stopClock: () => void;
}

function running(parts: Running): App {
  const { config, db, disk, heartbeat, lock, worker, mailer, http, clock, stopClock } = parts;
  let listening: Listening | undefined;
  return {
    db,
    disk,
    request: (input, init) => http.request(input, init),
    nudge: () => worker.nudge(),
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
        worker.start();
        mailer?.start();
      }
      return { port: listening?.port ?? 0 };
    },
    async stop() {
      await listening?.close();
      await worker.stop(DRAIN_MS);
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
