import type { Judged } from '../goals.ts';
import { type Figures, median } from './figures.ts';
import type { Machine } from './machine.ts';

export interface Run {
  machine: Machine;
  quick: boolean;
  rounds: number;
  command: string;
  seconds: number;
  /** Cores that other programs kept busy meanwhile. */
  others: number;
  date: string;
}

/** Cores. Above it a run tells little. */
const TOLERATED = 0.2;
const DISTURBED =
  '**Other programs were at work.** Rates are too low, and ratios are rough: a chain of four processes loses more to them than a single one. CPU, flushes and bytes of a message stand.';

const BY_HAND = '## What the figures say';

/** The part of a page that a person wrote about its figures, kept when they are measured anew; '' where there is none. */
export function written(page: string): string {
  const at = page.indexOf(BY_HAND);
  return at < 0 ? '' : `\n${page.slice(at)}`;
}

/** The page of one run, in Markdown; it is what stdout shows, too. */
export function report(run: Run, figures: Figures, judged: readonly Judged[]): string {
  const shown = judged.filter((one) => one.verdict !== 'not measured');
  const missing = judged.filter((one) => one.verdict === 'not measured').map((one) => one.name);
  return [
    '# What the bench measured',
    '',
    `Written by \`${run.command}\`. [README.md](README.md) says what each row is.`,
    '',
    ...machineLines(run),
    '',
    '## Goals',
    '',
    'Medians over the rounds, lowest and highest in brackets. Beyond the floor the work is not done.',
    '',
    '| measure | measured | goal | floor | verdict |',
    '|---|---|---|---|---|',
    ...shown.map(goalLine),
    ...(missing.length > 0 ? ['', `Not measured in this run: ${missing.join('; ')}.`] : []),
    '',
    '## Figures',
    '',
    '| row | median | range | unit |',
    '|---|---|---|---|',
    ...figures.rows.map((row) => figureLine(row, figures)),
    ...(figures.notes.length > 0 ? ['', ...figures.notes.map((note) => `- ${note}`)] : []),
    '',
  ].join('\n');
}

function machineLines({ machine, quick, rounds, seconds, others, date }: Run): string[] {
  const rows: [string, string][] = [
    ['commit', machine.commit],
    ['date', date],
    ['machine', `${machine.cores} × ${machine.processor}, ${machine.gigabytes} GB`],
    ['kernel', machine.kernel],
    ['Node.js', machine.node],
    ['flushes (fdatasync of 8 KB)', `${machine.flushesPerSecond} a second`],
    ['other work meanwhile', `${others.toFixed(2)} of ${machine.cores} cores`],
    ['rounds', `${rounds}${quick ? ', quick: a few seconds each, so read orders of magnitude' : ''}`],
    ['took', `${Math.round(seconds)} s`],
  ];
  const table = ['| | |', '|---|---|', ...rows.map(([name, value]) => `| ${name} | ${value} |`)];
  return others > TOLERATED ? [...table, '', DISTURBED] : table;
}

function goalLine({ name, values, goal, floor, is, unit, verdict }: Judged): string {
  const bound = is === 'least' ? '≥' : '≤';
  const measured = `${number(median(values))} ${unit}${range(values)}`;
  return `| ${name} | ${measured} | ${bound} ${goal} ${unit} | ${bound} ${floor} ${unit} | ${verdict} |`;
}

function figureLine(row: string, figures: Figures): string {
  const values = figures.values(row);
  return `| ${row} | ${number(median(values))} |${range(values)} | ${figures.units.get(row)} |`;
}

function range(values: readonly number[]): string {
  return values.length < 2 ? '' : ` [${number(Math.min(...values))}–${number(Math.max(...values))}]`;
}

function number(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
