import { parentPort, workerData } from 'node:worker_threads';
import { CallsBeside } from '../engine/calls-beside.ts';
import { LogAge } from '../engine/log-age.ts';
import { serveWorker } from '../engine/sending-thread.ts';

// The thread of sending-thread.test.ts: in the place of a worker, one that has room, and tells what it was given.

/** What it is told: a place that says what happened, and since when its log is ahead of the database. */
export interface Told {
  signals: SharedArrayBuffer;
  /** ms */
  oldest: number;
}

/** Places of the signals: how many messages it was given, how many arrived in lanes, whether it carries and is closed. */
export const RECEIVED = 0;
export const ARRIVED = 1;
export const STARTED = 2;
export const CLOSED = 3;

if (parentPort) {
  const port = parentPort;
  const { signals: shared, oldest, age: sharedAge } = workerData as Told & { age: SharedArrayBuffer };
  const signals = new Int32Array(shared);
  const age = new LogAge(sharedAge);
  const calls = new CallsBeside((news) => port.postMessage({ news }));
  const signal = (at: number, count = 1) => {
    Atomics.add(signals, at, count);
    Atomics.notify(signals, at);
  };
  serveWorker(port, {
    owner: 'me',
    worker: {
      hand: {
        arrives: () => {},
        receive(held, arrived) {
          signal(RECEIVED, held.length);
          signal(ARRIVED, arrived.length);
        },
      },
      /** As when it has begun what it was given, and a server took it. */
      nudge() {
        const count = Atomics.load(signals, RECEIVED);
        if (count > 0) {
          calls.room.left('wsp_a', count, 0);
          calls.backlog.taken('wsp_a', count);
          calls.backlog.sent('wsp_a');
        }
        calls.room.openTo(new Set(['wsp_a']));
      },
      start() {
        age.oldest = oldest;
        signal(STARTED);
      },
      stop: async () => {},
    },
    caughtUp: async () => {
      age.oldest = undefined;
    },
    close: async () => signal(CLOSED),
  });
}
