import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judge } from './goals.ts';
import { type Group, openBench } from './parts/bench.ts';
import { describeMachine, missingProgram, watchOthers } from './parts/machine.ts';
import { report, written } from './parts/report.ts';
import { chain } from './rows/chain.ts';
import { clients, distance } from './rows/clients.ts';
import { codes } from './rows/codes.ts';
import { disk } from './rows/disk.ts';
import { growth } from './rows/growth.ts';
import { intake } from './rows/intake.ts';
import { limit } from './rows/limit.ts';
import { sending } from './rows/sending.ts';
import { size } from './rows/size.ts';
import { workers } from './rows/workers.ts';

// `npm run bench`: every group once a round, so that what is compared was measured in the same minutes.

const GROUPS: readonly Group[] = [
  limit,
  clients,
  distance,
  intake,
  chain,
  sending,
  codes,
  workers,
  disk,
  size,
  growth,
];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    history: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  const groups = GROUPS.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`).join('\n');
  process.stdout.write(`Usage: npm run bench -- [OPTION...]

  --only NAME,NAME   only these groups
  --quick            one round of a few seconds each
  --rounds N         3, or 1 with --quick
  --history 1,5,10   millions of messages of the past, for the group growth (1)

${groups}
`);
  process.exit(0);
}

const wanted = values.only?.split(',') ?? GROUPS.map(({ name }) => name);
const unknown = wanted.find((name) => !GROUPS.some((group) => group.name === name));
if (unknown !== undefined) fail(`There is no group "${unknown}". npm run bench -- --help lists them.`, 64);
for (const [file, debian] of [
  ['/usr/sbin/smtp-sink', 'postfix'],
  ['/usr/bin/wrk', 'wrk'],
] as const) {
  const missing = missingProgram(file, debian);
  if (missing) fail(`${missing}: apt-get install ${debian}`, 69);
}

const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
const began = performance.now();
const bench = openBench({ quick: values.quick, history: values.history.split(',').map(Number) });
const machine = describeMachine(bench.folder);
const othersSince = watchOthers();
let others = 0;
try {
  for (let round = 1; round <= rounds; round++) {
    bench.figures.round = round;
    for (const group of GROUPS.filter(({ name }) => wanted.includes(name))) await runGroup(group, round);
  }
  others = othersSince();
} finally {
  await bench.close();
}
const command = ['npm run bench', ...process.argv.slice(2)].join(' ').replace('bench --', 'bench -- --');
const seconds = (performance.now() - began) / 1000;
const page = report(
  {
    machine,
    quick: values.quick,
    rounds,
    command,
    seconds,
    others,
    date: new Date().toISOString().slice(0, 10),
  },
  bench.figures,
  judge(bench.figures),
);
process.stdout.write(`\n${page}`);
if (values.only === undefined) {
  const results = join(import.meta.dirname, 'RESULTS.md');
  writeFileSync(results, page + written(readFileSync(results, 'utf8')));
}

async function runGroup(group: Group, round: number): Promise<void> {
  const missing = group.missing?.(bench);
  if (missing !== undefined) {
    bench.figures.note(`${group.name} was skipped: ${missing}`);
    return;
  }
  bench.say(`Round ${round} of ${rounds}: ${group.name}`);
  try {
    await group.round(bench);
  } catch (error) {
    bench.figures.note(`${group.name} stopped in round ${round}: ${(error as Error).message}`);
    bench.say(`  ${(error as Error).stack}`);
    process.exitCode = 1;
  }
}

function fail(sentence: string, code: number): never {
  process.stderr.write(`bench: ${sentence}\n`);
  process.exit(code);
}
