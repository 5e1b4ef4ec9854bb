import type { Db } from '../storage/db.ts';

/** The same database, for all who might change a message of which only the log of the worker knows how it ended. */
export function behindLog(db: Db, log: { ready(): Promise<void> }): Db {
  return {
    ...db,
    async write(work, options) {
      await log.ready();
      return db.write(work, options);
    },
  };
}
