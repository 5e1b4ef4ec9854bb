import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { STATUSES } from '../../src/queue/delivery.ts';
import type { Failure } from '../../src/transport/failure.ts';
import { failureRule } from '../../src/transport/failure-rules.ts';
import { CONSEQUENCES, type Stage } from '../../src/transport/outcome.ts';
import { VERDICTS, type Verdict } from '../../src/transport/verdicts.ts';
import { projectRoot } from '../support/program.ts';
import { pageAt, quotedIn, rowsOf, sectionOf } from './markdown.ts';

// The tables of outcomes, classes and states are those of the code, no word more and none less.

const outcomes = pageAt('docs/smtp-outcomes.md');
/** The code is put together from the name of the field (`servers/connection.ts` `checkCredentials`). */
const COMPOSED: readonly string[] = ['token_required'];

test('every outcome has its row in the page of outcomes: code, class, blame, sentence, marks', () => {
  const told = rowsOf(sectionOf(outcomes, 'The codes'))
    .filter((cells) => cells.length === 4)
    .map((cells) => cells.join(' | '));
  const verdicts = Object.entries(VERDICTS).map(([name, verdict]) => rowOf({ code: name, ...verdict }));
  const failures = failureKinds().flatMap((kind) =>
    stages().map((stage) => rowOf(failureRule(stage, { kind }))),
  );
  expect(told.toSorted()).toEqual([...new Set([...verdicts, ...failures])].toSorted());
});

test('every class has its row', () => {
  const told = firstCells(sectionOf(outcomes, 'Classes and consequences'));
  expect(told.toSorted()).toEqual(Object.keys(CONSEQUENCES).toSorted());
});

test('the other codes that the page of outcomes names are written in the code', () => {
  const withoutAttempt = firstCells(sectionOf(outcomes, 'Codes of a message without an attempt'));
  const ofServers = quotedIn(/field's own code:\s([\s\S]+?)\. A change/.exec(outcomes.text)![1]!);
  expect([withoutAttempt.length > 5, ofServers.length > 5]).toEqual([true, true]);
  const code = ['engine', 'messages', 'queue', 'servers'].flatMap(sourcesOf).join('\n');
  const unknown = [...withoutAttempt, ...ofServers].filter((name) => !code.includes(`'${name}'`));
  expect(unknown.filter((name) => !COMPOSED.includes(name))).toEqual([]);
});

test('the stored states and the derived words are all statuses there are', () => {
  const states = pageAt('docs/delivery-states.md');
  const stored = firstCells(sectionOf(states, 'Stored states'));
  const derived = firstCells(sectionOf(states, 'Derived words'));
  expect([...new Set([...stored, ...derived])].toSorted()).toEqual(STATUSES.toSorted());
  const type = /export type StoredState =([^;]+);/.exec(sourceAt('queue/delivery.ts'))![1]!;
  expect(stored.toSorted()).toEqual([...type.matchAll(/'(\w+)'/g)].map((match) => match[1]!).toSorted());
});

/** ▸ another server may be tried although the class does not say so; ◦ between this server and this sender only. */
function rowOf({
  code,
  class: outcomeClass,
  blame,
  failover,
  scope,
  says,
}: Verdict & { code: string }): string {
  const mark = `${failover ? ' ▸' : ''}${scope === 'sender' ? ' ◦' : ''}`;
  return [`\`${code}\``, `\`${outcomeClass}\`${mark}`, blame, says].join(' | ');
}

function failureKinds(): Failure['kind'][] {
  const type = /export type FailureKind =([^;]+);/.exec(sourceAt('transport/failure.ts'))![1]!;
  return [...type.matchAll(/'(\w+)'/g)].map((match) => match[1] as Failure['kind']);
}

function stages(): Stage[] {
  const type = /export type Stage =([^;]+);/.exec(sourceAt('transport/outcome.ts'))![1]!;
  return [...type.matchAll(/'(\w+)'/g)].map((match) => match[1] as Stage);
}

function firstCells(page: Parameters<typeof rowsOf>[0]): string[] {
  return rowsOf(page).map(([cell]) => quotedIn(cell!)[0]!);
}

function sourceAt(path: string): string {
  return readFileSync(join(projectRoot, 'src', path), 'utf8');
}

function sourcesOf(room: string): string[] {
  return readdirSync(join(projectRoot, 'src', room))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('test.ts') && name !== 'testing.ts')
    .map((name) => sourceAt(join(room, name)));
}
