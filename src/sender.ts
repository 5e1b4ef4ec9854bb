import { parentPort, workerData } from 'node:worker_threads';
import { systemClock as clock } from './clock.ts';
import type { Config } from './config.ts';
import { connectDatabase } from './database.ts';
import { behindLog } from './engine/behind-log.ts';
import { CallsBeside } from './engine/calls-beside.ts';
import { LogAge } from './engine/log-age.ts';
import { LoggedPages } from './engine/logged-pages.ts';
import { StoredPages } from './engine/page.ts';
import { openWorker } from './engine/sending.ts';
import { serveWorker } from './engine/sending-thread.ts';
import { armFailPoints } from './failpoint.ts';
import { newToken } from './ids.ts';
import { createLog } from './log.ts';
import { giveBackMemory } from './memory.ts';
import { addressPolicy } from './servers/address-policy.ts';
import type { SharedWrites } from './storage/db.ts';
import { Disk } from './storage/disk.ts';
import { openVault } from './storage/master-key.ts';
import { Patience } from './storage/patience.ts';
import { SharedFlag } from './storage/shared-flag.ts';
import { VersionCache } from './templates/render.ts';

// The thread that carries messages (engine/sending-thread.ts), on the embedded database.

export interface SenderData {
  config: Config;
  shared: SharedWrites;
  /** Flags of the thread that started this one: the disk is nearly full; something was sent. */
  low: SharedArrayBuffer;
  worked: SharedArrayBuffer;
}

const { config, shared, low, worked, age: sharedAge } = workerData as SenderData & { age: SharedArrayBuffer };
armFailPoints(config.selfTest);
const log = createLog(config.logLevel);
const disk = new Disk(config.dataDir, undefined, new SharedFlag(low));
const flag = new SharedFlag(worked);
const onEnded = () => flag.raise();
const age = new LogAge(sharedAge);

const stored = await connectDatabase(config, { disk, shared });
const logged = await LoggedPages.open({
  db: stored,
  clock,
  log,
  folder: config.dataDir,
  age,
  patience: new Patience(clock),
  onStored: onEnded,
});
const db = logged ? behindLog(stored, logged) : stored;
const owner = newToken();
const worker = openWorker({
  owner,
  calls: new CallsBeside((news) => parentPort!.postMessage({ news })),
  db,
  clock,
  log,
  vault: await openVault(config, db),
  versions: new VersionCache(),
  policy: addressPolicy(config),
  publicUrl: config.publicUrl,
  pages: logged ?? new StoredPages(db, onEnded),
  onExpired: onEnded,
  disk,
});
serveWorker(parentPort!, {
  owner,
  worker,
  caughtUp: async () => logged?.ready(),
  close: () => stored.close(),
});
giveBackMemory();
