import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Group } from '../parts/bench.ts';
import { SIZES } from '../parts/letter.ts';
import { keep } from '../parts/processes.ts';
import { startSmtpSink } from '../parts/sink.ts';

const CONNECTIONS = 10;

/** What two programs in C do that only push bytes: the yardstick of the other rows. */
export const limit: Group = {
  name: 'limit',
  about: 'smtp-source to smtp-sink, ten kept connections',
  async round(bench) {
    for (const size of SIZES) {
      bench.say(`  smtp-source, ${size.name}`);
      const messages = bench.quick ? 30_000 : 100_000;
      const sink = await startSmtpSink(bench.folder);
      const began = performance.now();
      const args = ['-d', '-s', String(CONNECTIONS), '-m', String(messages), '-l', String(size.bytes)];
      const source = keep(
        spawn('/usr/sbin/smtp-source', [...args, `127.0.0.1:${sink.port}`], { stdio: 'ignore' }),
      );
      await once(source, 'exit');
      const seconds = (performance.now() - began) / 1000;
      const received = await sink.count();
      await sink.stop();
      if (received !== messages) throw new Error(`smtp-source sent ${messages}, the sink took ${received}`);
      bench.figures.add(`smtp-source, ${size.name}`, messages / seconds, 'msg/s');
    }
  },
};
