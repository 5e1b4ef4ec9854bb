import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../clock.ts';
import { ConfigError } from '../config.ts';
import { type CrashPlan, crashTest } from '../selftest/crash.ts';
import { launcherOf } from '../selftest/program.ts';
import { reportText } from '../selftest/report.ts';

const EX_USAGE = 64;
const BROKEN = 1;
const INTERRUPTED = 130;

const USAGE = `mailwright selftest crash: kills the program again and again while it sends, and judges by what arrived.

  --kills N           how often a sending process is killed. Default: 20
  --workers N         sending processes; on SQLite it is 1. Default on PostgreSQL: 3
  --messages N        Default: 20 for each kill
  --connections N     of each worker to the receiving server. Default: 5
  --on-uncertain R    hold or resend_once. Default: hold
  --database-url URL  a PostgreSQL, in which a schema is made and removed; without it SQLite is tried
  --seed N            repeats the random choices of an earlier run
  --json              the report as JSON on stdout

Everything happens on this machine with data of its own. Exit code 0 says that the promise held, 1 that it did not.
`;

/** `mailwright selftest`: people prove the promise themselves. */
export function selftestCommand(root: string) {
  return async ([name, ...args]: string[]): Promise<number> => {
    const launcher = launcherOf(join(root, 'src', 'main.ts'), process.env);
    if (name !== 'crash' || args.includes('--help')) {
      const isAsked = name === '--help' || args.includes('--help');
      (isAsked ? process.stdout : process.stderr).write(USAGE);
      return isAsked ? 0 : EX_USAGE;
    }
    const { plan, json } = readPlan(args);
    const say = (progress: string) => process.stderr.write(`${progress}\n`);
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    const parts = { launcher, clock: systemClock, say, aborted: stop.signal };
    const report = await crashTest(plan, parts).catch((error) => {
      if (!stop.signal.aborted) throw error;
      say('Stopped; its data is removed.');
      return undefined;
    });
    if (!report) return INTERRUPTED;
    process.stdout.write(`${json ? JSON.stringify(report) : reportText(report)}\n`);
    return report.broken.length === 0 ? 0 : BROKEN;
  };
}

function readPlan(args: string[]): { plan: CrashPlan; json: boolean } {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '20' },
      workers: { type: 'string' },
      messages: { type: 'string' },
      connections: { type: 'string', default: '5' },
      'on-uncertain': { type: 'string', default: 'hold' },
      'database-url': { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const databaseUrl = values['database-url'];
  const kills = count('kills', values.kills);
  const workers = count('workers', values.workers ?? (databaseUrl === undefined ? '1' : '3'));
  if (databaseUrl === undefined && workers > 1)
    throw new ConfigError('On SQLite one process sends. Leave --workers out, or name a --database-url.');
  if (databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(databaseUrl))
    throw new ConfigError('--database-url wants an address such as postgres://user:password@host/name.');
  const onUncertain = values['on-uncertain'];
  if (onUncertain !== 'hold' && onUncertain !== 'resend_once')
    throw new ConfigError(`--on-uncertain is hold or resend_once, not "${onUncertain}".`);
  const plan = {
    kills,
    workers,
    messages: count('messages', values.messages ?? String(kills * MESSAGES_PER_KILL)),
    connections: count('connections', values.connections),
    onUncertain,
    databaseUrl,
    seed: count('seed', values.seed ?? String(Math.floor(Math.random() * MAX_SEED) + 1)),
  } as const;
  return { plan, json: values.json };
}

const MESSAGES_PER_KILL = 20;
const MAX_SEED = 1_000_000;

function count(option: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new ConfigError(`--${option} is a whole number from 1, not "${text}".`);
  return Number(text);
}
