import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { testApp } from '../../src/testing/test-app.ts';
import { projectRoot } from '../support/program.ts';
import { allBlocks, type Page, pageAt, pages, proseOf, quotedIn, sectionOf } from './markdown.ts';

// Files, names of the code, headings, commands and labels that the documents name are there.

const files = readdirSync(projectRoot, { withFileTypes: true })
  .filter((entry) => ['src', 'test', 'scripts', 'docs', 'web'].includes(entry.name))
  .flatMap((entry) => filesIn(entry.name));
const FILE = /^[\w./-]+\.(?:ts|sql|json)$/;
const FOLDER = /^[\w./-]+\/$/;
/** Names of kinds of files; and files that come into being while the program runs, or that a reader's own code has. */
const KINDS = new Set(['noun.ts', 'verb.ts', 'verb-store.ts', 'x.test.ts', 'heartbeat.json']);

describe.each(pages.map((page) => [page.path, page] as const))('%s', (_, page) => {
  const named = quotedIn(proseOf(page));

  test('names files and folders that exist', () => {
    expect(named.filter((name) => isPlace(name) && !exists(page, name))).toEqual([]);
  });

  test('names nothing in camelCase that the code does not know', () => {
    const words = named.filter((name) => /^#?[a-z]+(?:[A-Z]\w*)+(?:\(.*\))?$/.test(name));
    expect(words.filter((word) => !knows(word.replace(/^#|\(.*/g, '')))).toEqual([]);
  });

  test('links to headings that exist', () => {
    const links = [...proseOf(page).matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)];
    const broken = links.filter(([, to, anchor]) => {
      const target = to === '' ? page.path : join(dirname(page.path), to!);
      return !anchorsOf(target).includes(anchor!);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });
});

test('the documents name places at all', () => {
  expect(pages.flatMap((page) => quotedIn(proseOf(page))).filter(isPlace).length).toBeGreaterThan(150);
});

test('calls that the documents name are calls of the API', async () => {
  const running = await testApp({ start: false });
  const document = (await running.call('GET', '/v1/openapi.json')).body;
  await running.stop();
  const calls = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  );
  const named = pages
    .flatMap((page) => quotedIn(proseOf(page)))
    .filter((text) => /^(GET|POST|PATCH|DELETE) /.test(text))
    .map((text) => text.replace(/\?.*$/, ''));
  expect(named.length).toBeGreaterThan(10);
  // `POST …/cancel` stands for a call whose beginning the reader knows.
  const isCall = (name: string) =>
    calls.some((call) => (name.includes('…') ? call.endsWith(name.split('…')[1]!) : call === name));
  expect(named.filter((name) => !isCall(name))).toEqual([]);
});

test('commands in the documents are scripts of package.json', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  const shell = allBlocks.filter(({ kind }) => kind === 'commands').map(({ text }) => text);
  const prose = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/`(npm [^`]+)`/g)].map(([, text]) => text!),
  );
  const named = [...shell, ...prose].flatMap((text) =>
    [...text.matchAll(/\bnpm (?:run )?([a-z]+)/g)].map(([, name]) => name!),
  );
  expect(named.length).toBeGreaterThan(10);
  expect([...new Set(named)].filter((name) => name !== 'install' && !scripts[name])).toEqual([]);
});

test('what the walk calls by its name on the screen is called so in the app', () => {
  const remarks = [
    ...sectionOf(pageAt('README.md'), 'Ten minutes').text.matchAll(/\(on screen: ([\s\S]+?)\)/g),
  ];
  const labels = remarks.flatMap(([, remark]) =>
    [...remark!.matchAll(/\*([^*]+)\*/g)].map(([, label]) => label!),
  );
  expect(labels.length).toBeGreaterThan(6);
  const shown = files
    .filter((file) => /^(?:web\/src|src\/servers)\/.*(?<!test)\.tsx?$/.test(file))
    .map(textOf)
    .join('\n');
  expect(labels.filter((label) => !new RegExp(`['">\\s]${label}['"<\\s]`).test(shown))).toEqual([]);
});

function isPlace(name: string): boolean {
  return (FILE.test(name) || FOLDER.test(name)) && !KINDS.has(name) && !name.startsWith('/');
}

/** By the way from the root, from src or from the page; a name alone may stand in any room. */
function exists({ path }: Page, name: string): boolean {
  const direct = [name, join('src', name), join(dirname(path), name)];
  if (direct.some((one) => existsSync(join(projectRoot, one)))) return true;
  return !FOLDER.test(name) && files.some((file) => file.endsWith(`/${name}`));
}

const code = files
  .filter(
    (file) => /^(?:src|web|scripts|test)\/.*\.tsx?$/.test(file) && !file.startsWith('test/11-documents'),
  )
  .concat('tsconfig.json')
  .map(textOf)
  .join('\n');

function knows(word: string): boolean {
  return new RegExp(`\\b${word}\\b`).test(code);
}

/** The anchor of a heading as GitHub makes it. */
function anchorsOf(path: string): string[] {
  const page = pages.find((one) => one.path === path);
  if (!page) return [];
  return [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map((heading) =>
    heading[1]!
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}

function textOf(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8');
}

function filesIn(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { withFileTypes: true })
    .filter(({ name }) => !['node_modules', 'dist'].includes(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesIn(path) : [path];
    });
}
