import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../support/program.ts';
import { blockOf } from './markdown.ts';

// The levels and the tree in ARCHITECTURE.md are those of src/.

const src = join(projectRoot, 'src');
const FILE = /^[\w.-]+\.ts$/;

test('the levels of the page are those that the test of the architecture enforces', () => {
  const told = [...blockOf('levels').matchAll(/^[0-6] {2}(.*)$/gm)]
    .map(([, rooms]) => rooms!.replaceAll('*', '').trim().split(/\s+/))
    .reverse();
  expect(told).toEqual(enforcedLevels());
});

test('a room is marked as not built yet if, and only if, it is not', () => {
  const page = blockOf('levels');
  const marked = [...page.matchAll(/\b([a-z]+) \*/g)].map(([, room]) => room!);
  const missing = enforcedLevels()
    .flat()
    .filter((room) => !existsSync(join(src, room)));
  expect(marked.toSorted()).toEqual(missing.toSorted());
});

function enforcedLevels(): string[][] {
  const text = readFileSync(join(src, 'architecture.test.ts'), 'utf8');
  const [, literal] = /LEVELS[^=]*= (\[[\s\S]*?\n\]);/.exec(text)!;
  return JSON.parse(literal!.replaceAll("'", '"').replace(/,(\s*\])/g, '$1'));
}

describe('the tree of ARCHITECTURE.md', () => {
  const lines = treeBelowSrc();

  test('shows every folder of src and every file at its root, and no others', () => {
    const told = lines.flatMap(({ folder, entries }) => (folder === '' ? entries : [`${folder}/`]));
    const real = readdirSync(src, { withFileTypes: true })
      .filter(({ name }) => !name.endsWith('.test.ts'))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    expect([...new Set(told)].toSorted()).toEqual(real.toSorted());
  });

  test('names files of the folder it shows', () => {
    const named = lines
      .filter(({ folder }) => folder !== '')
      .flatMap((line) => line.entries.map((entry) => ({ ...line, entry })));
    expect(named.length).toBeGreaterThan(80);
    const missing = named.filter(({ folder, entry }) => !stands(join(src, folder), entry));
    expect(missing.map(({ folder, entry }) => `${folder}/${entry}`)).toEqual([]);
  });
});

interface TreeLine {
  folder: string;
  entries: string[];
}

/** Names stand two spaces apart; words with one space between them are an explanation, and end the names of the line. */
function treeBelowSrc(): TreeLine[] {
  const below = blockOf('tree')
    .split(/^src\/\n/m)[1]!
    .split(/^\S/m)[0]!;
  let folder = '';
  return below
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, room, rest] = /^ {2}([a-z-]+)\/ +(.*)$/.exec(line) ?? [];
      const isRoot = /^ {2}[a-z]+\.ts/.test(line);
      folder = room ?? (isRoot ? '' : folder);
      const parts = (rest ?? line)
        .replace(/\(.*?\)/g, '')
        .trim()
        .split(/\s{2,}/);
      if (isRoot) return { folder, entries: parts.filter((part) => FILE.test(part)) };
      const prose = parts.findIndex((part) => part.includes(' '));
      return { folder, entries: parts.slice(0, prose < 0 ? parts.length : prose) };
    });
}

function stands(folder: string, entry: string): boolean {
  if (entry.startsWith('*')) return readdirSync(folder).some((name) => name.endsWith(`${entry.slice(1)}.ts`));
  return existsSync(join(folder, entry.endsWith('/') ? entry : `${entry}.ts`));
}
