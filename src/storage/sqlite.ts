import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Db, SharedWrites } from './db.ts';
import { type FileSystemFacts, refuseNetworkFolder } from './file-system.ts';
import { GroupedWriter } from './grouped-writer.ts';
import { LogFlusher } from './log-flusher.ts';
import { ProcedurePort, serveProcedures } from './procedure-port.ts';
import { kyselyOn, openToRead, openToWrite } from './sqlite-connection.ts';
import { WriteTurn } from './write-turn.ts';
import { WriterThread } from './writer-thread.ts';

export interface SqliteParts {
  /** Told that the disk is full. True when there is room now: then the group that failed is run again. */
  whenFull?: () => boolean;
  /** How the system is asked about the folder. */
  facts?: FileSystemFacts;
  /** Of another thread of this process, which has opened the same file; see `Db.share`. */
  shared?: SharedWrites | undefined;
  /** Where procedures are to be run by a thread of their own: its entry, and what it is told. */
  thread?: { entry: URL; data: Record<string, unknown> } | undefined;
}

/**
 * Opens the embedded database: write-ahead log, one writing connection and one reading connection. A promise of
 * `write` resolves when its commit is flushed, as with `synchronous=FULL`; the flush runs beside the event loop
 * (docs/decisions/0009-flush-beside-the-loop.md). Durable through power loss where the disk honors flushes.
 * @throws ConfigError when the file cannot be opened or written, or lies on a network file system.
 */
export function openSqlite(
  file: string,
  { whenFull = () => false, facts, shared, thread }: SqliteParts = {},
): Db {
  refuseNetworkFolder(file, facts);
  const writer = openToWrite(file);
  const reader = openToRead(file);
  const turn = new WriteTurn(shared?.turn);
  const log = new LogFlusher(`${file}-wal`);
  if (shared) log.share(shared.flushes);
  const groups = new GroupedWriter(writer, log, whenFull, turn);
  const share = (): SharedWrites => ({ turn: turn.shared, flushes: log.share() });
  const own = thread && new WriterThread(thread.entry, () => ({ ...thread.data, file, shared: share() }));
  const beside = own ?? (shared?.procedures && new ProcedurePort(shared.procedures));
  const db: Db = {
    engine: 'sqlite',
    read: kyselyOn(reader),
    write: (work, options) => groups.write(work, options),
    share: () => ({ ...share(), procedures: own?.port() ?? servedHere(db) }),
    async close() {
      await beside?.close();
      await groups.drained();
      groups.close();
      reader.close();
      writer.close();
    },
  };
  if (beside)
    db.call = async (procedure, args) => {
      try {
        return await beside.call(procedure, args);
      } catch (error) {
        if ((error as { code?: string }).code !== 'SQLITE_FULL') throw error;
        whenFull();
        return beside.call(procedure, args); // there is room now, or it says so once more
      }
    };
  return db;
}

/** A port for another thread, whose procedures are run by this one. It does not keep the program from ending. */
function servedHere({ write }: Db): MessagePort {
  const { port1, port2 } = new MessageChannel();
  serveProcedures(port1, write);
  port1.unref();
  return port2;
}
