import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { SETTINGS } from '../../src/config.ts';
import { projectRoot, runProgram } from '../support/program.ts';
import { allBlocks, pageAt, pages, proseOf, quotedIn, rowsOf, sectionOf } from './markdown.ts';

// What the documents say of the project is compared with the project.

test('every block says what it is for, so that none is run by nobody unnoticed', () => {
  expect(
    allBlocks.filter((block) => block.kind === undefined).map(({ page, line }) => `${page}:${line}`),
  ).toEqual([]);
});

test('the settings of the README are those of the program', () => {
  const named = rowsOf(sectionOf(pageAt('README.md'), 'Settings')).flatMap(([name]) => quotedIn(name!));
  expect(named.sort()).toEqual(SETTINGS.map(([name]) => name as string).sort());
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

test('files that the documents name are there', () => {
  const named = pages.flatMap((page) =>
    quotedIn(proseOf(page))
      .filter((text) => /^(src|test|scripts|bin|docs|web|runtime)\/[\w./-]+\.\w+$/.test(text))
      .map((path) => ({ page: page.path, path })),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ path }) => !existsSync(join(projectRoot, normalize(path))))).toEqual([]);
});

test('commands that the README names are commands of the program', async () => {
  const { stdout } = await runProgram(['--help'], {});
  const named = [...pageAt('README.md').text.matchAll(/bin\/mailwright ([a-z][a-z-]+)/g)].map(
    (match) => match[1]!,
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((name) => !new RegExp(`^  ${name}\\b`, 'm').test(stdout))).toEqual([]);
});
