import { afterAll, describe, expect, test } from 'vitest';
import { byRule, type Cell, expectedOf, GRID, meaningless, nameOf, VARIANTS } from './cells.ts';
import { play } from './play.ts';

// Every stage of a session by every fault of a server: what it leads to follows from a rule (cells.ts), and what was
// sent is what the server's ledger has. Time passes only where a cell says so, with the timeouts of production.

const played: { cell: Cell; class: string }[] = [];

async function expectCell(cell: Cell): Promise<void> {
  const expected = expectedOf(cell);
  const { outcome, marked, copies, strikes, next } = await play(cell);
  played.push({ cell, class: outcome.class });

  expect(strikes, 'the fault struck').toBeGreaterThan(0);
  expect([outcome.class, outcome.stage, outcome.code], 'the class that follows').toEqual([
    expected.class,
    outcome.stage,
    outcome.code,
  ]);
  if (outcome.class === 'uncertain')
    expect([outcome.stage, marked, outcome.retry]).toEqual(['dot', 1, false]);
  if (outcome.class === 'accepted') expect([outcome.stage, marked]).toEqual(['dot', 1]);
  expect(outcome.suppress).toBe(outcome.class === 'recipient_permanent');
  expect(outcome.message, 'a filled sentence').not.toMatch(/[{}\0]|undefined|NaN| {2}| \./);
  expect(copies, 'copies in the ledger').toBe(copiesAfter(cell, outcome.class));
  expect([next.outcome.class, next.copies], 'the next message').toEqual(['accepted', 1]);
}

/** Accepted is there once, not accepted is not there; uncertain may be either, and here the fault tells. */
function copiesAfter({ stage, fault }: Cell, outcomeClass: string): number {
  if (stage === 'dot' && fault === 'accept-without-ledger') return 0;
  if (outcomeClass === 'uncertain') return fault === 'lose-after-accept' ? 1 : 0;
  return outcomeClass === 'accepted' ? 1 : 0;
}

const cells = [...GRID, ...VARIANTS];
const meaningful = cells.filter((cell) => meaningless(cell) === undefined);

describe('one message meets', () => {
  test.each(meaningful.map((cell) => [nameOf(cell), cell] as const))('%s', (_, cell) => expectCell(cell));
});

test('the grid is 14 stages by 20 faults, and no cell is left out without a reason', () => {
  expect(GRID).toHaveLength(14 * 20);
  expect(new Set(GRID.map(nameOf)).size).toBe(14 * 20);
});

test('an exception stands only where the rule alone would be wrong', () => {
  const idle = meaningful.filter((cell) => {
    const expected = expectedOf(cell);
    return expected.exception !== undefined && expected.class === byRule(cell);
  });
  expect(idle.map(nameOf)).toEqual([]);
});

afterAll(() => {
  const count = (names: string[]): string =>
    [...Map.groupBy(names, (name) => name)].map(([name, all]) => `${name} ${all.length}`).join(', ');
  const without = cells.flatMap((cell) => meaningless(cell) ?? []);
  const exceptions = meaningful.filter((cell) => expectedOf(cell).exception !== undefined);
  console.log(
    [
      `${cells.length} cells, ${played.length} played: ${count(played.map((one) => one.class))}`,
      `${exceptions.length} by an exception`,
      `${without.length} that mean nothing: ${count(without)}`,
    ].join('\n'),
  );
});
