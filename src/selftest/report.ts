import type { CrashReport } from './crash.ts';

/** The report as a table for people, its verdict last. */
export function reportText(report: CrashReport): string {
  const { plan, states, broken } = report;
  const rows: [string, string | number][] = [
    ['database', report.engine === 'sqlite' ? 'SQLite' : 'PostgreSQL'],
    ['workers, connections of each', `${plan.workers}, ${plan.connections}`],
    ['kills (SIGKILL)', killsText(report)],
    ['accepted with a 202', report.accepted],
    [
      'in the books',
      Object.entries(states)
        .map(([state, count]) => `${count} ${state}`)
        .join(', '),
    ],
    ['lost', report.lost.length],
    ['doubled', report.doubled.length],
    ['uncertain', `${report.uncertain} of at most ${report.bound}; ${report.uncertainArrived} had arrived`],
    ...(plan.onUncertain === 'resend_once'
      ? [['flagged second copies', `${report.copies} of at most ${report.bound}`] as [string, string]]
      : []),
    ['seconds', `${report.seconds}, of which ${report.secondsDraining} for what was left`],
    ['seed', plan.seed],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    '',
    ...(broken.length === 0
      ? ['The promise held: nothing lost, nothing sent twice, everything accounted for.']
      : ['The promise is broken:', ...broken.map((one) => `- ${one}`)]),
  ].join('\n');
}

function killsText({ plan, killedAt }: CrashReport): string {
  const atPoints = Object.values(killedAt).reduce((sum, count) => sum + count, 0);
  return `${plan.kills}, of which ${atPoints} at named points`;
}
