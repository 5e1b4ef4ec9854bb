import { Backlog } from '../messages/backlog.ts';
import { GroupedIntake, type Intake } from '../messages/intake.ts';
import type { Disk } from '../storage/disk.ts';
import { Pool } from '../transport/pool.ts';
import { Gate } from './gate.ts';
import { Throttle } from './throttle.ts';
import { Worker, type WorkerParts } from './worker.ts';

/** Takes messages in and carries them to their servers: in this thread, or in one of its own (sending-thread.ts). */
export interface Sending {
  readonly intake: Intake;
  /** Something may be due. */
  nudge(): void;
  /** Begins to carry. Before, messages are taken in only. */
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
  /** This program answers calls, too: it balances the two, and hands over what is stored. */
  answersCalls: boolean;
}

export function openSending({ answersCalls, disk, ...parts }: SendingParts): Sending {
  const { db, clock } = parts;
  const backlog = answersCalls ? new Backlog(clock) : undefined;
  const worker = new Worker({
    ...parts,
    backlog,
    pool: new Pool({ clock }),
    throttle: new Throttle(),
    gate: new Gate(db, disk),
  });
  const nudge = () => worker.nudge();
  return {
    intake: new GroupedIntake(db, { backlog, handOver: answersCalls ? worker.hand : undefined, nudge }),
    nudge,
    start: () => worker.start(),
    stop: (drainMs) => worker.stop(drainMs),
  };
}
