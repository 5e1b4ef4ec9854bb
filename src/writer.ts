import { parentPort, workerData } from 'node:worker_threads';
import { armFailPoints, type FailPlan } from './failpoint.ts';
import { giveBackMemory } from './memory.ts';
import { serveWriter, type WriterData } from './storage/writer-thread.ts';
import './engine/page.ts';
import './messages/intake.ts';

// The thread that writes the embedded database (storage/writer-thread.ts), with the procedures of the rooms.

const { selfTest, ...data } = workerData as WriterData & { selfTest: FailPlan | undefined };
armFailPoints(selfTest);
serveWriter(parentPort!, data);
giveBackMemory();
