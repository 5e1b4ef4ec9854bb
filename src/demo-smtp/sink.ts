import { createInterface } from 'node:readline';
import type { SinkAddress, SinkOptions } from './process.ts';
import type { Script } from './script.ts';
import { type FakeServer, startFakeServer } from './server.ts';

// The scriptable server as a process. On stdin: one line of options, then a line for each new script; the end of
// stdin is the end of the parent, and of this process. On stdout: one line with the address, then `{}` for each script.

let server: FakeServer | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  if (server) {
    server.setScript(JSON.parse(line) as Script);
    tell({});
  } else {
    server = await startFakeServer({ ...(JSON.parse(line) as SinkOptions), keepContent: false });
    const { host, port, caPem, fingerprint } = server;
    tell({ host, port, caPem, fingerprint });
  }
}
process.exit(0);

function tell(value: SinkAddress | Record<string, never>): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
