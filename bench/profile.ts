import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Engine } from '../src/storage/db.ts';
import { openBench } from './parts/bench.ts';
import { SIZES } from './parts/letter.ts';
import { type Profile, tell } from './parts/profile.ts';
import { tellStatements } from './parts/statements.ts';
import type { Statement } from './programs/statements.ts';
import { runChain } from './rows/chain.ts';
import { stored } from './rows/intake.ts';
import { drain } from './rows/sending.ts';

// Where the time of the product goes: runs the whole chain or the sending stage under the profiler.

const { values } = parseArgs({
  options: {
    stage: { type: 'string', default: 'chain' },
    engine: { type: 'string', default: 'sqlite' },
    size: { type: 'string', default: '5' },
    tls: { type: 'boolean', default: false },
    count: { type: 'string', default: '10000' },
    top: { type: 'string', default: '30' },
    keep: { type: 'string' },
    statements: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(`Usage: bin/run bench/profile.ts [OPTION...]

  --stage NAME             chain, intake or sending (chain)
  --engine sqlite|postgres (sqlite)
  --size 5|20              kilobytes of the letter (5)
  --tls                    over STARTTLS
  --count N                messages of the sending stage (10000)
  --top N                  lines of each list (30)
  --statements             count SQL statements instead
  --keep FOLDER            leave the .cpuprofile there, for a browser's developer tools
`);
  process.exit(0);
}

const bench = openBench({ quick: true });
const folder = values.keep ?? mkdtempSync(join(tmpdir(), 'mailwright-profile-'));
const profiler = ['--cpu-prof', '--cpu-prof-interval', '500', '--cpu-prof-dir', folder];
const counter = ['--import', join(import.meta.dirname, 'programs', 'statements.ts')];
const nodeArgs = values.statements ? counter : profiler;
process.env.STATEMENTS = join(folder, 'statements');
const one = {
  engine: values.engine as Engine,
  security: values.tls ? ('starttls' as const) : ('none' as const),
  size: SIZES.find(({ name }) => name === `${values.size} KB`) ?? SIZES[0]!,
};
const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
try {
  const perSecond = await runStage();
  process.stdout.write(`${Math.round(perSecond)} a second while it was watched\n`);
  for (const file of readdirSync(folder)) {
    if (file.startsWith('statements')) tellStatements(read(file) as Statement[], Number(values.top));
    if (file.endsWith('.cpuprofile')) tell(read(file) as Profile, Number(values.top));
  }
} finally {
  await bench.close();
  if (values.keep === undefined) rmSync(folder, { recursive: true });
}

async function runStage(): Promise<number> {
  if (values.stage === 'intake') return stored(bench, one.engine, nodeArgs);
  if (values.stage === 'sending')
    return (await drain(bench, one, { count: Number(values.count), nodeArgs })).perSecond;
  return (await runChain(bench, one, { nodeArgs })).perSecond;
}
