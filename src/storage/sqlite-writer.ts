import { parentPort, workerData } from 'node:worker_threads';
import { type Ask, BEGIN, type Replies, type Reply, SqliteFile } from './sqlite-file.ts';

// The thread of the one connection that writes. It runs what it is told, in order, and knows nothing of what it means.

const port = parentPort!;
const file = new SqliteFile(workerData as string);

port.on('message', (asks: Ask[]) => {
  if (asks.length === 0) {
    file.close();
    port.close();
    return;
  }
  const replies = asks.map(replyTo);
  port.postMessage({ replies, inTransaction: file.inTransaction } satisfies Replies);
});

function replyTo(ask: Ask): Reply {
  try {
    // What was sent behind a transaction that could not begin, or that a full disk ended, would be one of its own.
    if (!file.inTransaction && ask.sql !== BEGIN) throw new Error('There is no transaction any more.');
    return file.run(ask);
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    return { error: { message, code } };
  }
}
