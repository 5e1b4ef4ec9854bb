import { newToken } from '../ids.ts';
import { Backlog } from '../messages/backlog.ts';
import type { IntakeParts } from '../messages/intake.ts';
import type { Disk } from '../storage/disk.ts';
import { Pool } from '../transport/pool.ts';
import { Gate } from './gate.ts';
import { HandRoom } from './hand-room.ts';
import { Throttle } from './throttle.ts';
import { Worker, type WorkerParts } from './worker.ts';

/** Carries messages to their servers: in this thread, or in one of its own (sending-thread.ts). */
export interface Sending {
  /** What the intake has to know of it; nothing where another process sends. */
  readonly intake: Pick<IntakeParts, 'backlog' | 'handOver'>;
  /** Something may be due. */
  nudge(): void;
  /** Begins to carry. */
  start(): void;
  /** Finishes what is under way, and gives back the rest. */
  stop(drainMs: number): Promise<void>;
}

export interface SendingParts
  extends Pick<
    WorkerParts,
    'db' | 'clock' | 'log' | 'vault' | 'versions' | 'policy' | 'publicUrl' | 'pages' | 'onExpired'
  > {
  disk: Disk;
}

/** @param answersCalls this program answers calls, too: it balances the two, and hands over what is stored */
export function openSending(parts: SendingParts, answersCalls: boolean): Sending {
  const { clock } = parts;
  const owner = newToken();
  const backlog = new Backlog(clock);
  const room = new HandRoom(clock, owner, {
    arrives: (...args) => worker.hand.arrives(...args),
    receive: (...args) => worker.hand.receive(...args),
  });
  const worker = openWorker({ ...parts, owner, calls: answersCalls ? { room, backlog } : undefined });
  return {
    intake: answersCalls ? { backlog, handOver: room } : {},
    nudge: () => worker.nudge(),
    start: () => worker.start(),
    async stop(drainMs) {
      await room.close();
      await worker.stop(drainMs);
    },
  };
}

export function openWorker({ disk, ...parts }: SendingParts & Pick<WorkerParts, 'owner' | 'calls'>): Worker {
  const gate = new Gate(parts.db, disk);
  return new Worker({ ...parts, gate, pool: new Pool({ clock: parts.clock }), throttle: new Throttle() });
}
