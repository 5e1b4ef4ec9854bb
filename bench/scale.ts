import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// What an installation needs at 10, 100 and 1,000 million messages a day, and what ends first: computed from the
// figures in RESULTS.md and from the assumptions below. Run: bin/run bench/scale.ts [--write], which puts the
// result into docs/scale.md.

const LOADS = [10, 100, 1_000];

/** What no bench can measure. Change a number, and run it again. */
const ASSUMED = {
  /** Busiest hour over the mean of the day: a campaign goes out in the morning. */
  peakOverMean: 4,
  /** Of a core, so that a burst is no outage. */
  usedShare: 0.6,
  /** Milliseconds for one answer of a provider. */
  roundTripMs: 80,
  /** Days that single messages are kept. */
  keptDays: 30,
  /** Usual for one large PostgreSQL: cores, its default limit of connections, log and disk of good network storage. */
  databaseCores: 64,
  databaseConnections: 100,
  logMegabytesPerSecond: 250,
  diskTerabytes: 16,
  transactionsPerSecond: 50_000,
  /** Milliseconds for a flush on good network storage. */
  flushMs: 1,
  /** Outcomes that a worker writes in one transaction: about one for each of its connections. */
  outcomesOfTransaction: 10,
  /** Sessions one provider grants one account; large accounts get more on request. */
  sessionsOfProvider: 500,
  /** What a pool of one process opens to PostgreSQL (src/storage/postgres.ts). */
  connectionsOfProcess: 10,
} as const;

/** Per message, on PostgreSQL with letters of 5 KB: from RESULTS.md. */
interface Measured {
  productMicros: number;
  databaseMicros: number;
  logBytes: number;
  transactions: number;
  historyBytes: number;
  roundTrips: number;
}

const CHAIN = 'whole chain, 5 KB, postgres, plain';
/** Of the bench's far sink. */
const FAR_MS = 20;
const FAR_CONNECTIONS = 10;

function readMeasured(page: string): Measured {
  const figure = (row: string): number => {
    const line = page.split('\n').find((one) => one.startsWith(`| ${row} |`));
    if (!line) throw new Error(`RESULTS.md has no row "${row}": run the whole bench with PostgreSQL first.`);
    return Number(line.split('|')[2]!.trim().replaceAll(',', ''));
  };
  const secondsPerMessage = FAR_CONNECTIONS / figure('own client, 20 ms away');
  return {
    productMicros: figure(`${CHAIN}: CPU of the product`),
    databaseMicros: figure(`${CHAIN}: CPU of the database's server`),
    logBytes: figure(`${CHAIN}: write-ahead log`),
    transactions: figure(`${CHAIN}: transactions, reads included`),
    historyBytes: figure('history on disk, postgres'),
    roundTrips: (secondsPerMessage * 1000) / FAR_MS,
  };
}

interface Need {
  name: string;
  value: number;
  unit: string;
  /** What one PostgreSQL, or one provider's account, gives. */
  limit?: number;
}

/** What a day of so many million messages asks for. */
function needs(millionsPerDay: number, one: Measured): Need[] {
  const mean = (millionsPerDay * 1e6) / 86_400;
  const peak = mean * ASSUMED.peakOverMean;
  const cores = (micros: number) => (peak * micros) / 1e6 / ASSUMED.usedShare;
  const processes = Math.ceil(cores(one.productMicros));
  return [
    { name: 'mean', value: mean, unit: 'msg/s' },
    { name: 'busiest hour', value: peak, unit: 'msg/s' },
    { name: 'processes of the product, a core each', value: processes, unit: '' },
    {
      name: 'cores of PostgreSQL',
      value: cores(one.databaseMicros),
      unit: '',
      limit: ASSUMED.databaseCores,
    },
    {
      name: 'connections to PostgreSQL',
      value: processes * ASSUMED.connectionsOfProcess,
      unit: '',
      limit: ASSUMED.databaseConnections,
    },
    {
      name: 'transactions',
      value: peak * one.transactions,
      unit: 'a second',
      limit: ASSUMED.transactionsPerSecond,
    },
    {
      name: 'write-ahead log',
      value: (peak * one.logBytes) / 1e6,
      unit: 'MB/s',
      limit: ASSUMED.logMegabytesPerSecond,
    },
    {
      // The row of a day's count is locked until the commit is flushed: one transaction after the other, whoever asks.
      name: 'transactions on one count, if all went to one server',
      value: peak / ASSUMED.outcomesOfTransaction,
      unit: 'a second',
      limit: 1000 / ASSUMED.flushMs,
    },
    {
      name: `history of ${ASSUMED.keptDays} days`,
      value: (millionsPerDay * 1e6 * ASSUMED.keptDays * one.historyBytes) / 1e12,
      unit: 'TB',
      limit: ASSUMED.diskTerabytes,
    },
    {
      name: `SMTP sessions at ${ASSUMED.roundTripMs} ms`,
      value: (peak * one.roundTrips * ASSUMED.roundTripMs) / 1000,
      unit: '',
      limit: ASSUMED.sessionsOfProvider,
    },
  ];
}

/** Beyond its limit, the one that is beyond it most. */
function endsFirst(all: readonly Need[]): string {
  const [worst] = all
    .filter((need): need is Need & { limit: number } => need.limit !== undefined && need.value > need.limit)
    .sort((a, b) => b.value / b.limit - a.value / a.limit);
  return worst ? `${worst.name}, ${short(worst.value / worst.limit)} times what one gives` : 'nothing';
}

/** Millions a day at which each limit is reached. Scaled from many, where whole processes round nothing up. */
function reached(one: Measured): [name: string, millions: number][] {
  const many = 1_000;
  return needs(many, one)
    .flatMap(({ name, value, limit }): [string, number][] => (limit ? [[name, (many * limit) / value]] : []))
    .sort(([, a], [, b]) => a - b);
}

function short(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(0) : value.toFixed(1);
}

function scalePage(page: string): string {
  const one = readMeasured(page);
  const columns = LOADS.map((load) => needs(load, one));
  const rows = columns[0]!.map(({ name, unit, limit }, at) => {
    const values = columns.map((column) => short(column[at]!.value)).join(' | ');
    return `| ${name}${unit ? `, ${unit}` : ''} | ${values} | ${limit === undefined ? '' : short(limit)} |`;
  });
  return [
    'Per message, measured:',
    '',
    `- CPU of the product ${short(one.productMicros)} µs, of PostgreSQL ${short(one.databaseMicros)} µs`,
    `- ${short(one.transactions)} transactions, ${short(one.logBytes)} bytes of write-ahead log, ${short(one.historyBytes)} bytes of history`,
    `- ${one.roundTrips.toFixed(1)} round trips of SMTP`,
    '',
    `| computed, millions a day | ${LOADS.map((load) => load.toLocaleString('en-US')).join(' | ')} | one gives |`,
    '|---|---|---|---|---|',
    ...rows,
    `| **ends first** | ${columns.map(endsFirst).join(' | ')} | |`,
    '',
    'Reached at so many million a day:',
    '',
    ...reached(one).map(([name, millions]) => `- ${name}: ${short(millions)}`),
    '',
  ].join('\n');
}

const page = scalePage(readFileSync(join(import.meta.dirname, 'RESULTS.md'), 'utf8'));
process.stdout.write(page);
if (process.argv.includes('--write')) {
  const file = join(import.meta.dirname, '..', 'docs', 'scale.md');
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replace(/<!-- computed -->[\s\S]*<!-- end -->/, () => `<!-- computed -->\n${page}\n<!-- end -->`),
  );
}
