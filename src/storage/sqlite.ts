import type { Db } from './db.ts';
import { type FileSystemFacts, refuseNetworkFolder } from './file-system.ts';
import { GroupedWriter } from './grouped-writer.ts';
import { LogFlusher } from './log-flusher.ts';
import type { Procedure } from './procedure.ts';
import { kyselyOn, openToRead, openToWrite } from './sqlite-connection.ts';
import { WriteTurn } from './write-turn.ts';
import { type SharedWrites, WriterThread } from './writer-thread.ts';

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
  const share = (): SharedWrites => ({ turn: turn.shared, flushes: log.share() });
  const groups = new GroupedWriter(writer, log, whenFull, turn);
  const beside =
    thread &&
    new Beside(() => new WriterThread(thread.entry, { ...thread.data, file, shared: share() }), whenFull);
  const db: Db = {
    engine: 'sqlite',
    read: kyselyOn(reader),
    write: (work, options) => groups.write(work, options),
    share,
    async close() {
      await groups.drained();
      await beside?.close();
      groups.close();
      reader.close();
      writer.close();
    },
  };
  if (beside)
    db.call = (procedure, args) =>
      beside.call(procedure, args) ?? groups.write((tx) => procedure.run(tx, args));
  return db;
}

/** The thread that writes beside this one. It is started by the first procedure: who only looks at a database has none. */
class Beside {
  readonly #start: () => WriterThread;
  readonly #whenFull: () => boolean;
  #thread: WriterThread | undefined;

  constructor(start: () => WriterThread, whenFull: () => boolean) {
    this.#start = start;
    this.#whenFull = whenFull;
  }

  /** @returns undefined while it is not ready yet */
  call<Args, Result>(procedure: Procedure<Args, Result>, args: Args): Promise<Result> | undefined {
    this.#thread ??= this.#start();
    return this.#thread.isReady ? this.#called(this.#thread, procedure, args) : undefined;
  }

  async #called<Args, Result>(thread: WriterThread, procedure: Procedure<Args, Result>, args: Args) {
    try {
      return await thread.call(procedure, args);
    } catch (error) {
      if ((error as { code?: string }).code !== 'SQLITE_FULL') throw error;
      this.#whenFull();
      return thread.call(procedure, args); // there is room now, or it says so once more
    }
  }

  async close(): Promise<void> {
    await this.#thread?.close();
  }
}
