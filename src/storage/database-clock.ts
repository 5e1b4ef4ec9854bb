import { sql } from 'kysely';
import type { Clock } from '../clock.ts';
import type { Db } from './db.ts';

/** How often the distance to the database's clock is measured anew. */
const MEASURE_EVERY_MS = 60_000;

/**
 * The time that all processes on one PostgreSQL agree on: this machine's clock, corrected by its distance to the
 * database's. A lease taken by one process is judged by another, so their own clocks must not matter. On SQLite there
 * is one machine and nothing to correct.
 */
export async function databaseClock(db: Db, clock: Clock): Promise<{ clock: Clock; stop: () => void }> {
  if (db.engine === 'sqlite') return { clock, stop: () => {} };
  let offset = await distance(db, clock);
  const timer = setInterval(() => {
    // A database that does not answer keeps the last distance; whoever needs it now fails by itself.
    distance(db, clock).then(
      (measured) => {
        offset = measured;
      },
      () => {},
    );
  }, MEASURE_EVERY_MS).unref();
  return {
    clock: { now: () => Math.round(clock.now() + offset), monotonic: () => clock.monotonic() },
    stop: () => clearInterval(timer),
  };
}

/** Milliseconds by which the database is ahead; half of the round trip is taken for the way there. */
export async function distance(db: Db, clock: Clock): Promise<number> {
  const asked = clock.now();
  const { rows } = await sql<{
    now: number;
  }>`select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`.execute(db.read);
  return rows[0]!.now - (asked + clock.now()) / 2;
}
