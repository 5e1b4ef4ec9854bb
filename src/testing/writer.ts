import { parentPort, workerData } from 'node:worker_threads';
import { type Procedure, procedure } from '../storage/procedure.ts';
import { putSetting, readSetting } from '../storage/settings.ts';
import { serveWriter, type WriterData } from '../storage/writer-thread.ts';

// The thread of writer-thread.test.ts, and its procedures, which procedure-port.test.ts has run without it.

export const addOne = procedure('add one', async (tx, { name }: { name: string }) => {
  const next = Number((await readSetting({ read: tx }, name as never)) ?? 0) + 1;
  await putSetting(tx, name as never, String(next));
  return next;
});

export const fail = procedure('fail', async (tx, { code }: { code: string }) => {
  await putSetting(tx, 'failed' as never, 'yes');
  throw Object.assign(new Error('It failed.'), { code });
});

/** As a disk that is full until room was made. */
let tries = 0;
export const needRoom: Procedure<null, number> = procedure('need room', async () => {
  tries++;
  if (tries === 1) throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
  return tries;
});

/** The places of the signals of `hold`. */
export const HELD = 0;
export const GO_ON = 1;

/** Writes, says so, and holds its transaction open until it is told to go on. */
export const hold = procedure('hold', async (tx, { signals }: { signals: Int32Array<SharedArrayBuffer> }) => {
  await putSetting(tx, 'held' as never, 'yes');
  raise(signals, HELD);
  await raised(signals, GO_ON);
});

export function raise(signals: Int32Array<SharedArrayBuffer>, at: number): void {
  Atomics.store(signals, at, 1);
  Atomics.notify(signals, at);
}

export async function raised(signals: Int32Array<SharedArrayBuffer>, at: number): Promise<void> {
  await Atomics.waitAsync(signals, at, 0).value;
}

if (parentPort) serveWriter(parentPort, workerData as WriterData);
