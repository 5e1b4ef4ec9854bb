import { availableParallelism } from 'node:os';
import type { Bench, Group } from '../parts/bench.ts';
import { SIZES } from '../parts/letter.ts';
import { drain } from './sending.ts';

const WORKERS = [1, 2, 4];

/** More processes on one PostgreSQL: only as much faster as there are processors for them. */
export const workers: Group = {
  name: 'workers',
  about: `${WORKERS.join(', ')} workers on one PostgreSQL, the sending stage alone`,
  missing: (bench: Bench) => (bench.hasPostgres ? undefined : 'PostgreSQL is not installed'),
  async round(bench) {
    bench.figures.note(
      `Workers share ${availableParallelism()} cores with PostgreSQL and the sink here: more of them than that show only that they do no harm.`,
    );
    for (const count of WORKERS) {
      bench.say(`  ${count} on PostgreSQL`);
      const one = { engine: 'postgres', security: 'none', size: SIZES[0]! } as const;
      const run = await drain(bench, one, { count: bench.quick ? 2_000 : 20_000, workers: count });
      bench.figures.add(`sending alone on PostgreSQL, workers: ${count}`, run.perSecond, 'msg/s');
    }
  },
};
