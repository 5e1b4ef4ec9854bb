import type { Statement } from '../programs/statements.ts';

const WIDTH = 110;

/** Prints the statements of a run by the time they took, or by their count. */
export function tellStatements(statements: readonly Statement[], top: number): void {
  const byTime = [...statements].sort((a, b) => b.ms - a.ms || b.count - a.count);
  process.stdout.write('\nStatements: how often, milliseconds in all, microseconds each\n');
  for (const { sql, count, ms } of byTime.slice(0, top)) {
    const each = ((ms * 1000) / count).toFixed(1);
    const text = sql.replace(/\s+/g, ' ').trim().slice(0, WIDTH);
    process.stdout.write(
      `${String(count).padStart(8)} ${ms.toFixed(0).padStart(7)} ${each.padStart(8)}  ${text}\n`,
    );
  }
}
