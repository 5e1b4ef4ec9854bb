import { openBench } from './parts/bench.ts';
import { SIZES } from './parts/letter.ts';
import { runChain } from './rows/chain.ts';

const bench = openBench({ quick: true });
const r = await runChain(bench, { engine: process.argv[2] as never, security: 'none', size: SIZES[0]! });
console.log(Math.round(r.perSecond), JSON.stringify(r.spent));
await bench.close();
process.exit(0);
