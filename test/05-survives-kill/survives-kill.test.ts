import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { type CrashPlan, type CrashReport, crashTest } from '../../src/selftest/crash.ts';
import { launcherOf } from '../../src/selftest/program.ts';
import { ENGINES, postgresUrlFor } from '../../src/storage/testing.ts';
import { projectRoot, runProgram } from '../support/program.ts';

// Processes are killed at random under load: one that does everything on SQLite; on PostgreSQL two that answer and
// three that send. The judge is the ledger of the receiving server, written before each reply.
// A longer run: bin/mailwright selftest crash --kills 500

const launcher = launcherOf(join(projectRoot, 'src', 'main.ts'), process.env);
const CONNECTIONS = 5;
const PER_KILL = 20;

describe.each(ENGINES)('on $engine', ({ engine }) => {
  const databaseUrl = () => (engine === 'postgres' ? postgresUrlFor('survives-kill') : undefined);

  async function run(kills: number, changed: Partial<CrashPlan> = {}): Promise<CrashReport> {
    const seed = Date.now() % 1_000_000;
    const plan: CrashPlan = {
      kills,
      workers: engine === 'postgres' ? 3 : 1,
      messages: kills * PER_KILL,
      connections: CONNECTIONS,
      onUncertain: 'hold',
      databaseUrl: await databaseUrl(),
      seed,
      ...changed,
    };
    return crashTest(plan, { launcher, clock: systemClock, say: () => {} });
  }

  test('K26 the command: nothing is lost, nothing sent twice', async () => {
    const kills = 8;
    const where = engine === 'postgres' ? ['--database-url', (await databaseUrl())!] : [];
    const { code, stdout, stderr } = await runProgram(
      ['selftest', 'crash', '--kills', String(kills), '--json', ...where],
      {},
    );
    expect(stderr).toMatch(/^Seed \d+\n/);
    const report: CrashReport = JSON.parse(stdout);
    console.log(`${engine}, seed ${report.plan.seed}: ${report.uncertain} of ${report.bound} uncertain`);
    expect(report).toMatchObject({ engine, broken: [], lost: [], doubled: [], accepted: kills * PER_KILL });
    expect(report.bound).toBe(kills * CONNECTIONS);
    expect(report.uncertain).toBeLessThanOrEqual(report.bound);
    expect((report.states.sent ?? 0) + report.uncertain).toBe(report.accepted);
    expect(code).toBe(0);
  }, 180_000);

  test('K27 with resend_once nothing is lost, and each second copy is flagged', async () => {
    const report = await run(5, { onUncertain: 'resend_once' });
    expect(report.broken, `seed ${report.plan.seed}`).toEqual([]);
    expect(report.accepted).toBe(5 * PER_KILL);
  }, 180_000);

  test('K25 SIGTERM 20 times under load: each ends in order, nothing is uncertain', async () => {
    const report = await run(20, { signal: 'SIGTERM' });
    expect(report.broken, `seed ${report.plan.seed}`).toEqual([]);
    expect(report.states).toEqual({ sent: 20 * PER_KILL });
  }, 180_000);

  if (engine === 'sqlite')
    test.each(['P3', 'P4'])(
      'K30 without %s the judge sees second copies',
      async (rule) => {
        const { broken } = await run(6, { failPlan: `without-${rule}` });
        expect(broken.join()).toMatch(/arrived too often/);
      },
      180_000,
    );
});
