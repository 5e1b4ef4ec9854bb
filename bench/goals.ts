import { type Figures, median } from './parts/figures.ts';

/** What a figure should be. Ratios are taken round by round: both sides in the same minute, on the same machine. */
export interface Goal {
  name: string;
  of: string;
  /** The row to divide by; without it the row itself is judged. */
  by?: string;
  goal: number;
  /** Beyond this the work is not done. */
  floor: number;
  /** `most`: the goal is an upper bound. */
  is: 'least' | 'most';
  unit: string;
}

const least = (name: string, of: string, by: string, goal: number, floor: number): Goal => ({
  name,
  of,
  by,
  goal,
  floor,
  is: 'least',
  unit: '×',
});
const most = (name: string, of: string, goal: number, floor: number, unit: string): Goal => ({
  name,
  of,
  goal,
  floor,
  is: 'most',
  unit,
});

const CHAIN_5 = 'whole chain, 5 KB, sqlite, plain';
const CHAIN_20 = 'whole chain, 20 KB, sqlite, plain';

export const GOALS: readonly Goal[] = [
  least('Whole chain ÷ smtp-source, 5 KB', CHAIN_5, 'smtp-source, 5 KB', 0.5, 0.2),
  least('Whole chain ÷ smtp-source, 20 KB', CHAIN_20, 'smtp-source, 20 KB', 0.75, 0.35),
  least('Whole chain ÷ nodemailer composing, 5 KB', CHAIN_5, 'nodemailer composing, 5 KB', 5, 2),
  least('Whole chain ÷ nodemailer composing, 20 KB', CHAIN_20, 'nodemailer composing, 20 KB', 6, 2.5),
  least('Own client ÷ nodemailer raw, 5 KB', 'own client, 5 KB, plain', 'nodemailer raw, 5 KB', 6, 4),
  least(
    'Own client ÷ nodemailer, 20 ms away',
    'own client, 20 ms away',
    'nodemailer raw, 20 ms away',
    2,
    1.8,
  ),
  least('Intake, stored ÷ not stored', 'intake, sqlite', 'intake without storing', 0.6, 0.4),
  ...[1, 5, 10].map((millions) =>
    least(
      `Chain with ${millions} M messages of history ÷ empty`,
      `whole chain with ${millions} M of history`,
      'whole chain without history',
      0.95,
      0.85,
    ),
  ),
  least(
    'Chain with a disk 4 ms slower ÷ without, SQLite',
    'whole chain, slow disk, sqlite',
    'whole chain, fast disk, sqlite',
    0.6,
    0.4,
  ),
  least(
    'Chain with a disk 4 ms slower ÷ without, PostgreSQL',
    'whole chain, slow disk, postgres',
    'whole chain, fast disk, postgres',
    0.6,
    0.4,
  ),
  most('One-time code among bulk, p99', 'one-time code among bulk, p99', 100, 300, 'ms'),
  most('Memory under full load', 'memory, full load', 250, 400, 'MB'),
  most('Memory when idle', 'memory, idle', 120, 180, 'MB'),
  most('Start with 1 M messages', 'start with 1 M of history', 1, 3, 's'),
];

export interface Judged extends Goal {
  values: readonly number[];
  verdict: 'goal' | 'between' | 'below the floor' | 'not measured';
}

export function judge(figures: Figures): Judged[] {
  return GOALS.map((one) => {
    const values = one.by === undefined ? figures.values(one.of) : figures.ratios(one.of, one.by);
    return { ...one, values, verdict: verdictOf(one, values) };
  });
}

function verdictOf({ is, goal, floor }: Goal, values: readonly number[]): Judged['verdict'] {
  if (values.length === 0) return 'not measured';
  const sign = is === 'least' ? 1 : -1;
  const measured = median(values) * sign;
  if (measured >= goal * sign) return 'goal';
  return measured >= floor * sign ? 'between' : 'below the floor';
}
