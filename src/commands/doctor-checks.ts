import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { readPosition } from '../engine/log-position.ts';
import { errorText } from '../errors.ts';
import { pausesOf } from '../queue/pause.ts';
import { listAllServers } from '../servers/servers.ts';
import { distance } from '../storage/database-clock.ts';
import type { Db } from '../storage/db.ts';
import { FLOOR_BYTES, freeSpaceOf } from '../storage/disk.ts';
import { type EngineFacts, engineFacts, queueFacts } from '../storage/facts.ts';
import { type FileSystem, fileSystemOf } from '../storage/file-system.ts';
import { flushesPerSecond } from '../storage/flush-rate.ts';
import { type KeyFacts, keyFacts } from '../storage/master-key.ts';
import { schemaState } from '../storage/migrate.ts';
import { lockIfFree } from './with-database.ts';

/** One line of the report. `advice` says what to do. */
export interface Finding {
  check: string;
  status: 'ok' | 'warn' | 'bad';
  value: string;
  advice?: string;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const MB = 1024 * 1024;

/** No disk flushes so often; a fast enterprise SSD with a capacitor reaches some 20,000. */
const IMPLAUSIBLE_FLUSHES = 30_000;
/** Each connection needs two commits a message at most; below this, a busy sender waits for the disk. */
const SLOW_FLUSHES = 50;
/** So much above the floor that a growing database does not meet it unawares. */
const ROOMY_BYTES = 10 * FLOOR_BYTES;
const SKEW_MS = 5 * SECOND;
/** Times are corrected by the distance; one of this size means that a clock is simply wrong. */
const WRONG_CLOCK_MS = 5 * MINUTE;
/** A worker takes what is due within seconds, unless a server rests or a limit holds. */
const LONG_WAIT_MS = 15 * MINUTE;
/** A lease ends after one minute; five more and no worker is looking. */
const LEASE_OVER_MS = 5 * MINUTE;
const SECRET_MODES = 0o077;

export function programCheck(version: string): Finding {
  return {
    check: 'program',
    status: 'ok',
    value: `Mailwright ${version} on Node.js ${process.versions.node}`,
  };
}

/** The disk below the embedded database; PostgreSQL has its own, which is not seen from here. */
export async function diskChecks(config: Config, clock: Clock): Promise<Finding[]> {
  if (config.databaseUrl !== undefined)
    return [{ check: 'disk', status: 'ok', value: 'The data is in PostgreSQL, on its own disk' }];
  try {
    return [
      fileSystemFinding(fileSystemOf(config.dataDir), config.dataDir),
      flushFinding(flushesPerSecond(config.dataDir, clock)),
      spaceFinding(await freeSpaceOf(config.dataDir)()),
    ];
  } catch (error) {
    const advice = `Give this user write access to ${config.dataDir}.`;
    return [{ check: 'disk', status: 'bad', value: `It cannot be written: ${errorText(error)}`, advice }];
  }
}

export function fileSystemFinding({ name, reach }: FileSystem, folder: string): Finding {
  const check = 'file system';
  if (reach === 'network')
    return {
      check,
      status: 'bad',
      value: `${name}, on a network`,
      advice: `SQLite's locks do not hold there. Move ${folder} to a local disk, or use PostgreSQL.`,
    };
  if (reach === 'memory')
    return {
      check,
      status: 'bad',
      value: `${name}, in memory`,
      advice: `All is lost when the machine stops. Set DATA_DIR to a folder on a disk.`,
    };
  if (reach === 'unknown')
    return {
      check,
      status: 'warn',
      value: name,
      advice: 'It is not known. Make sure that it is a local disk.',
    };
  return { check, status: 'ok', value: `${name}, local` };
}

export function flushFinding(perSecond: number): Finding {
  const check = 'flushes';
  const value = `${perSecond.toLocaleString('en-US')} a second`;
  if (perSecond > IMPLAUSIBLE_FLUSHES)
    return {
      check,
      status: 'warn',
      value,
      advice:
        'No disk is so fast: flushes may not reach it, and a power cut may lose what was answered. Check its write cache.',
    };
  if (perSecond < SLOW_FLUSHES)
    return { check, status: 'warn', value, advice: 'The disk is slow, and so is accepting and sending.' };
  return { check, status: 'ok', value };
}

export function spaceFinding(free: number): Finding {
  const value = `${Math.floor(free / MB).toLocaleString('en-US')} MB free`;
  if (free < FLOOR_BYTES)
    return {
      check: 'space',
      status: 'bad',
      value,
      advice: `Below ${FLOOR_BYTES / MB} MB nothing is accepted or sent. Free some space.`,
    };
  if (free < ROOMY_BYTES)
    return {
      check: 'space',
      status: 'warn',
      value,
      advice: `At ${FLOOR_BYTES / MB} MB accepting and sending stop. Free some space soon.`,
    };
  return { check: 'space', status: 'ok', value };
}

export async function databaseChecks(db: Db, clock: Clock): Promise<Finding[]> {
  const findings = [engineFinding(db.engine, await engineFacts(db)), schemaFinding(await schemaState(db))];
  if (db.engine === 'postgres') findings.push(clockFinding(await distance(db, clock)));
  return findings;
}

/** What must stand so that an answered commit outlives a power cut. */
const DURABLE: Record<Db['engine'], Record<string, readonly string[]>> = {
  // Each commit is flushed by storage/log-flusher.ts, beside the event loop: `normal` is what it sets for that.
  sqlite: { journal_mode: ['wal'], synchronous: ['normal', 'full', 'extra'] },
  postgres: {
    fsync: ['on'],
    full_page_writes: ['on'],
    synchronous_commit: ['on', 'local', 'remote_write', 'remote_apply'],
  },
};

export function engineFinding(engine: Db['engine'], { version, settings }: EngineFacts): Finding {
  const said = Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
  const own = engine === 'sqlite' ? ', each commit flushed by Mailwright' : '';
  const value = `${engine === 'sqlite' ? 'SQLite' : 'PostgreSQL'} ${version}, ${said}${own}`;
  const weak = Object.entries(DURABLE[engine]).find(([name, fine]) => !fine.includes(settings[name] ?? ''));
  if (!weak) return { check: 'database', status: 'ok', value };
  const advice = `With ${weak[0]}=${settings[weak[0]]} a power cut may lose what was answered. Set it to ${weak[1][0]}.`;
  return { check: 'database', status: 'bad', value, advice };
}

export function schemaFinding({ current, newest }: { current: number; newest: number }): Finding {
  const value = `${current} of ${newest}`;
  if (current === newest) return { check: 'schema', status: 'ok', value };
  return current < newest
    ? { check: 'schema', status: 'warn', value, advice: 'Start this version, or run: mailwright migrate' }
    : { check: 'schema', status: 'bad', value, advice: 'A newer Mailwright wrote it. Use that one.' };
}

export function clockFinding(skewMs: number): Finding {
  const value = `${Math.round(Math.abs(skewMs))} ms ${skewMs < 0 ? 'ahead of' : 'behind'} the database`;
  if (Math.abs(skewMs) > WRONG_CLOCK_MS)
    return { check: 'clock', status: 'bad', value, advice: 'One of the two is wrong. Set it, with NTP.' };
  if (Math.abs(skewMs) > SKEW_MS)
    return { check: 'clock', status: 'warn', value, advice: 'It is corrected for; NTP on both is better.' };
  return { check: 'clock', status: 'ok', value };
}

export async function keyCheck(config: Config, db: Db): Promise<Finding> {
  return keyFinding(await keyFacts(config, db), config.masterKeyFile);
}

export function keyFinding({ source, state, mode, reason }: KeyFacts, file: string): Finding {
  const check = 'master key';
  const where = source === 'environment' ? 'from MASTER_KEY' : `in ${file}`;
  if (state === 'new') return { check, status: 'ok', value: 'none yet; the first start makes it' };
  if (state === 'missing')
    return {
      check,
      status: 'bad',
      value: `missing: ${file} does not exist`,
      advice: 'Put the key of this database there; without it stored passwords cannot be read.',
    };
  if (state === 'wrong')
    return {
      check,
      status: 'bad',
      value: `${where}, and it does not open this database`,
      advice: reason ?? 'Put the right key there. Nothing was changed.',
    };
  if (mode !== undefined && (mode & SECRET_MODES) !== 0)
    return {
      check,
      status: 'warn',
      value: `${where}, mode ${mode.toString(8).padStart(4, '0')}`,
      advice: `Other users of this machine can read it: chmod 600 ${file}`,
    };
  return {
    check,
    status: 'ok',
    value: `${where}${mode === undefined ? '' : `, mode ${mode.toString(8).padStart(4, '0')}`}`,
  };
}

/** What a killed program left in its log the database does not know yet. Looked at, not worked in. */
export async function logCheck(config: Config, db: Db): Promise<Finding[]> {
  if (db.engine !== 'sqlite' || (await schemaState(db)).current === 0) return [];
  const position = await readPosition(db);
  const check = 'log';
  if (position === undefined) return [{ check, status: 'ok', value: 'no killed program left one' }];
  const lock = lockIfFree(config);
  if (!lock) return [{ check, status: 'ok', value: 'in use by the running program' }];
  lock.release();
  const { name } = position;
  if (!existsSync(join(config.dataDir, name)))
    return [
      {
        check,
        status: 'bad',
        value: `${name} is missing`,
        advice:
          'Put it back before the next start: it says what was sent last. Without it sending begins paused.',
      },
    ];
  return [
    {
      check,
      status: 'warn',
      value: `${name} says what was sent last; the database does not know it yet`,
      advice: 'The next start works it in, and so does mailwright audit. Do not delete it.',
    },
  ];
}

export async function queueChecks(db: Db, now: number): Promise<Finding[]> {
  const { current } = await schemaState(db);
  if (current === 0) return [];
  const facts = await queueFacts(db, now, now - LEASE_OVER_MS);
  const pauses = await pausesOf(db);
  const resting = (await listAllServers(db)).filter((server) => (server.health.waitingUntil ?? 0) > now);
  return [
    pauses.size === 0
      ? { check: 'sending', status: 'ok', value: 'not paused' }
      : {
          check: 'sending',
          status: 'warn',
          value: [...pauses].map(([id, pause]) => `paused${id && ` for ${id}`}: ${pause.reason}`).join(' '),
          advice: 'mailwright queue release ends a pause.',
        },
    oldestFinding(facts.queued, facts.oldestDue === null ? 0 : now - facts.oldestDue),
    facts.leasesOver === 0 || pauses.has('')
      ? { check: 'leases', status: 'ok', value: `${facts.leasesOver} long over` }
      : {
          check: 'leases',
          status: 'bad',
          value: `${facts.leasesOver} long over, and nobody took the messages`,
          advice: 'No worker is running. Start one: npm start, or ROLE=worker.',
        },
    facts.uncertain === 0
      ? { check: 'uncertain', status: 'ok', value: 'none' }
      : {
          check: 'uncertain',
          status: 'warn',
          value: `${facts.uncertain} messages`,
          advice: 'Decide them on the page Messages, or look for evidence: mailwright audit --against LOG',
        },
    resting.length === 0
      ? { check: 'servers', status: 'ok', value: 'none is resting' }
      : {
          check: 'servers',
          status: 'warn',
          value: resting.map((server) => `${server.name}: ${server.health.reason ?? 'resting'}`).join(' '),
          advice: 'See the page Email Servers. mailwright queue retry asks them again now.',
        },
  ];
}

export function oldestFinding(queued: number, waitedMs: number): Finding {
  const value = `${queued} messages, the oldest due one for ${Math.round(waitedMs / MINUTE)} minutes`;
  if (waitedMs < LONG_WAIT_MS) return { check: 'queue', status: 'ok', value };
  return {
    check: 'queue',
    status: 'warn',
    value,
    advice: 'mailwright queue list says what each one waits for.',
  };
}
