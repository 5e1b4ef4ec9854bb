import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sql } from 'kysely';
import { type Clock, iso } from '../clock.ts';
import { newToken } from '../ids.ts';
import type { Db, Engine, Tx } from './db.ts';
import { forUpdate } from './lease.ts';
import { keepSetting, readSetting } from './settings.ts';
import { SharedFlag } from './shared-flag.ts';

/** A backup that is at least this much older than the last work done is known as such when it is restored. */
const BEAT_EVERY_MS = 5_000;
const FILE = 'heartbeat.json';

/** How far an installation had got. */
export interface Beat {
  epoch: string;
  beat: number;
  /** ms */
  at: number;
}

/** Why the database is known not to be the one that last worked here. */
export interface Restored {
  reason: string;
  /** The last moment at which the lost part may have sent, ms. */
  until: number;
}

/**
 * Tells a restored database from the one that was running. The database counts beats; a file beside it repeats the
 * count, each time strictly after the commit. So the file is never ahead of its own database, whatever kills the
 * process, and a file that is ahead proves that the database is an older copy. (docs/decisions/0010)
 */
export class Heartbeat {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #file: string;
  readonly #onRestored: (found: Restored) => Promise<void>;
  /** Up when something was sent, or may have been: another thread may raise it, too. */
  readonly worked = new SharedFlag();
  #last = 0;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();

  constructor(db: Db, clock: Clock, dataDir: string, onRestored: (found: Restored) => Promise<void>) {
    this.#db = db;
    this.#clock = clock;
    this.#file = join(dataDir, FILE);
    this.#onRestored = onRestored;
  }

  /** Compares database and file, before anything is accepted or sent. */
  async begin(): Promise<void> {
    const { stored, file } = await this.#read();
    if (stored === undefined) await this.#firstBeat();
    else {
      const found = judge(this.#db.engine, stored, file, this.#clock.now());
      if (found) {
        await this.#onRestored(found);
        await this.#db.write((tx) => raiseBeat(tx, Math.max(stored.beat, file?.beat ?? 0)));
      }
    }
    await this.#beat();
  }

  /** Beats go on while there is work; an idle installation writes nothing. */
  start(): void {
    this.#timer = setInterval(() => this.#tick(), BEAT_EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#tick();
    await this.#beating;
  }

  #tick(): void {
    if (!this.worked.lower()) return;
    // A database or a disk that fails now leaves the file behind, which is the side without a false alarm.
    this.#beating = this.#beating.then(() => this.#beat()).catch(() => {});
  }

  /** Another process may be at its first beat: what the file says is only judged by what the database said later. */
  async #read(): Promise<{ stored: Omit<Beat, 'at'> | undefined; file: Beat | undefined }> {
    const file = readBeat(this.#file);
    const stored = await storedBeat(this.#db.read);
    // The first file is there before the database knows the epoch: one that has just appeared is no reason to doubt.
    if (file === undefined && stored !== undefined && readBeat(this.#file) !== undefined) return this.#read();
    return { stored, file };
  }

  /** The file comes first: after a crash in between, a database without an epoch has not sent anything yet. */
  async #firstBeat(): Promise<void> {
    const epoch = newToken();
    await writeBeat(this.#file, { epoch, beat: 0, at: this.#clock.now() });
    await this.#db.write(async (tx) => {
      await keepSetting(tx, 'instance_epoch', epoch);
      await keepSetting(tx, 'instance_beat', '0');
    });
  }

  async #beat(): Promise<void> {
    const at = this.#clock.now();
    const stored = await this.#db.write((tx) => nextBeat(tx));
    if (stored === undefined) return;
    // Restored, or failed over to a copy that lagged behind, while this process was running.
    if (stored.beat <= this.#last) {
      await this.#onRestored({ reason: OLDER(at), until: at });
      await this.#db.write((tx) => raiseBeat(tx, this.#last));
      return this.#beat();
    }
    this.#last = stored.beat;
    await writeBeat(this.#file, { ...stored, at });
  }
}

const OLDER = (at: number) =>
  `The database is older than this installation was at ${iso(at)}: a backup was restored.`;

function judge(
  engine: Engine,
  stored: Omit<Beat, 'at'>,
  file: Beat | undefined,
  now: number,
): Restored | undefined {
  if (file === undefined) {
    // Beside PostgreSQL a new machine, or a container, begins with an empty folder.
    if (engine === 'postgres') return undefined;
    return {
      reason: `The database was moved or restored without its ${FILE}, so how far it had got is not known.`,
      until: now,
    };
  }
  // Two first starts at the same moment: one of them lost, and its file says nothing yet.
  if (file.beat === 0) return undefined;
  if (file.epoch !== stored.epoch)
    return { reason: `The database belongs to another installation than the ${FILE} beside it.`, until: now };
  return file.beat > stored.beat ? { reason: OLDER(file.at), until: file.at } : undefined;
}

async function storedBeat(tx: Tx): Promise<Omit<Beat, 'at'> | undefined> {
  const [epoch, beat] = [
    await readSetting({ read: tx }, 'instance_epoch'),
    await readSetting({ read: tx }, 'instance_beat'),
  ];
  return epoch === undefined || beat === undefined ? undefined : { epoch, beat: Number(beat) };
}

async function nextBeat(tx: Tx): Promise<Omit<Beat, 'at'> | undefined> {
  await sql`select value from settings where name = 'instance_beat' ${forUpdate(tx)}`.execute(tx);
  const before = await storedBeat(tx);
  if (before === undefined) return undefined;
  await setBeat(tx, before.beat + 1);
  return { ...before, beat: before.beat + 1 };
}

async function raiseBeat(tx: Tx, to: number): Promise<void> {
  const before = await storedBeat(tx);
  if (before !== undefined && before.beat < to) await setBeat(tx, to);
}

async function setBeat(tx: Tx, beat: number): Promise<void> {
  await tx
    .updateTable('settings')
    .set({ value: String(beat) })
    .where('name', '=', 'instance_beat')
    .execute();
}

/** Undefined also for a file that somebody damaged: then it proves nothing. */
function readBeat(file: string): Beat | undefined {
  try {
    const { epoch, beat, at } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Beat>;
    if (typeof epoch !== 'string' || !Number.isSafeInteger(beat) || !Number.isFinite(at)) return undefined;
    return { epoch, beat: beat!, at: at! };
  } catch {
    return undefined;
  }
}

/** Whole or not at all: written beside, flushed, then renamed. */
async function writeBeat(file: string, beat: Beat): Promise<void> {
  const unfinished = `${file}.${newToken()}`;
  const handle = await open(unfinished, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(beat)}\n`);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(unfinished, file);
  await flushFolder(file);
}

/** So that the file is found after a power cut, too; a system that does not open folders has another way of its own. */
async function flushFolder(file: string): Promise<void> {
  const folder = await open(dirname(file), 'r').catch(() => undefined);
  if (folder === undefined) return;
  await folder.sync().catch(() => {});
  await folder.close();
}
