import type { Db } from './db.ts';
import { type FileSystemFacts, refuseNetworkFolder } from './file-system.ts';
import { GroupedWriter } from './grouped-writer.ts';
import { LogFlusher } from './log-flusher.ts';
import { kyselyOn, openToRead, openToWrite } from './sqlite-connection.ts';

export interface SqliteParts {
  /** Told that the disk is full. True when there is room now: then the group that failed is run again. */
  whenFull?: () => boolean;
  /** How the system is asked about the folder. */
  facts?: FileSystemFacts;
}

/**
 * Opens the embedded database: write-ahead log, one writing connection and one reading connection. A promise of
 * `write` resolves when its commit is flushed, as with `synchronous=FULL`; the flush runs beside the event loop
 * (docs/decisions/0009-flush-beside-the-loop.md). Durable through power loss where the disk honors flushes.
 * @throws ConfigError when the file cannot be opened or written, or lies on a network file system.
 */
export function openSqlite(file: string, { whenFull = () => false, facts }: SqliteParts = {}): Db {
  refuseNetworkFolder(file, facts);
  const writer = openToWrite(file);
  const reader = openToRead(file);
  const groups = new GroupedWriter(writer, new LogFlusher(`${file}-wal`), whenFull);
  const read = kyselyOn(reader);
  return {
    engine: 'sqlite',
    read,
    write: (work, options) => groups.write(work, options),
    async close() {
      await groups.drained();
      groups.close();
      reader.close();
      writer.close();
    },
  };
}
