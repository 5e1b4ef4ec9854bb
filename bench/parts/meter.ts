import { cpuMicros } from './processes.ts';
import type { Records, ServerWork } from './records.ts';

/** What one message cost. */
export interface Spent {
  /** Microseconds of CPU: of the product, of the sink, and of the database's server where it is a process of its own. */
  cpu: number;
  sinkCpu: number;
  databaseCpu: number | undefined;
  /** Of that server. */
  work: ServerWork | undefined;
  /** What the counter rose by. */
  counted: number;
}

export interface Metered {
  productPid: number;
  sinkPid: number;
  records: Records;
  counter: () => number;
}

/** Begins to meter. @returns reads the meters, once, for so many messages */
export async function startMeter({ productPid, sinkPid, records, counter }: Metered) {
  const databasePid = await records.serverPid();
  const read = async () => ({
    cpu: cpuMicros(productPid),
    sinkCpu: cpuMicros(sinkPid),
    databaseCpu: databasePid === undefined ? 0 : cpuMicros(databasePid),
    work: await records.work(),
    counted: counter(),
  });
  const before = await read();
  return async (messages: number): Promise<Spent> => {
    const after = await read();
    return {
      cpu: (after.cpu - before.cpu) / messages,
      sinkCpu: (after.sinkCpu - before.sinkCpu) / messages,
      databaseCpu:
        databasePid === undefined ? undefined : (after.databaseCpu - before.databaseCpu) / messages,
      work: perMessage(before.work, after.work, messages),
      counted: (after.counted - before.counted) / messages,
    };
  };
}

function perMessage(
  before: ServerWork | undefined,
  after: ServerWork | undefined,
  messages: number,
): ServerWork | undefined {
  if (!before || !after) return undefined;
  return {
    transactions: (after.transactions - before.transactions) / messages,
    logBytes: (after.logBytes - before.logBytes) / messages,
  };
}
