import { parentPort, workerData } from 'node:worker_threads';
import { LogAge } from '../engine/log-age.ts';
import { serveSending } from '../engine/sending-thread.ts';
import type { Intent, Taken } from '../messages/intake.ts';

// The thread of sending-thread.test.ts: the workspace of a call says what becomes of it.

/** What it is told: a place that says when it was closed. */
export interface Told {
  closed: SharedArrayBuffer;
}

if (parentPort) {
  const { closed, age: shared } = workerData as Told & { age: SharedArrayBuffer };
  const age = new LogAge(shared);
  const { promise: nudged, resolve: nudge } = Promise.withResolvers<void>();
  let isStarted = false;
  const take = async ({ workspaceId, now }: Intent): Promise<Taken> => {
    if (workspaceId === 'full') throw Object.assign(new Error('The disk is full.'), { code: 'SQLITE_FULL' });
    if (workspaceId === 'late') age.oldest = now;
    if (workspaceId === 'held') await nudged;
    return { isRepeat: isStarted, blocked: [workspaceId] };
  };
  serveSending(parentPort, {
    sending: {
      intake: { take },
      nudge,
      start: () => {
        isStarted = true;
      },
      stop: async () => {},
    },
    caughtUp: async () => {
      age.oldest = undefined;
    },
    close: async () => {
      Atomics.store(new Int32Array(closed), 0, 1);
    },
  });
}
