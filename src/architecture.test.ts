import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** The levels of ARCHITECTURE.md: a room imports only from lower ones, never sideways, never up. */
const LEVELS: readonly (readonly string[])[] = [
  ['storage', 'http'],
  ['transport', 'events', 'statistics'],
  ['workspaces', 'servers', 'suppressions', 'domains'],
  ['templates', 'audience', 'queue', 'notices'],
  ['messages'],
  ['engine', 'announcements', 'feedback'],
  ['automations'],
];
const ROUTES_LEVEL = 7;
/** Wire everything together; nothing imports them. */
const OUTSIDE = /^(app|main|database|sender|writer)\.ts$|^(commands|selftest)\//;
/** Programs and tools that stand beside the product's levels. */
const BESIDE = /^(testing|demo-smtp)\/|\/testing\.ts$/;

const src = import.meta.dirname;

interface Source {
  path: string;
  text: string;
  imports: { target: string; typeOnly: boolean }[];
}

const sources = filesIn(src)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map(read);

test('the test sees the tree', () => {
  expect(sources.length).toBeGreaterThan(60);
  expect(sources.flatMap((source) => source.imports).length).toBeGreaterThan(200);
});

test('rooms import only downwards, never sideways, never up', () => {
  const broken = links()
    .filter(({ from, to }) => !OUTSIDE.test(from) && !BESIDE.test(from) && roomOf(from) !== roomOf(to))
    .filter(({ from, to }) => levelOf(to) >= levelOf(from))
    .map(({ from, to }) => `${from} (level ${levelOf(from)}) imports ${to} (level ${levelOf(to)})`);
  expect(broken).toEqual([]);
});

test('every room has a level', () => {
  const rooms = new Set(
    sources
      .map(({ path }) => roomOf(path))
      .filter((room) => room !== '' && !BESIDE.test(`${room}/`) && !OUTSIDE.test(`${room}/`)),
  );
  expect([...rooms].filter((room) => !LEVELS.some((level) => level.includes(room)))).toEqual([]);
});

test("another room's store is private", () => {
  const broken = links().filter(
    ({ from, to }) => STORE.test(to) && !to.startsWith('storage/') && roomOf(from) !== roomOf(to),
  );
  expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

test('nobody imports routes but app.ts', () => {
  const broken = links().filter(({ from, to }) => to.endsWith('/routes.ts') && from !== 'app.ts');
  expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

test('nobody imports app.ts or main.ts but what stands outside', () => {
  const broken = links().filter(
    ({ from, to }) => OUTSIDE.test(to) && !OUTSIDE.test(from) && !BESIDE.test(from),
  );
  expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

test('the fake SMTP server and the testing tools are not part of the product rooms', () => {
  const broken = links().filter(
    ({ from, to }) => BESIDE.test(to) && !BESIDE.test(from) && !OUTSIDE.test(from),
  );
  expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

/** A room's SQL; what one verb alone needs may stand in a file of its own: `operate-store.ts`. */
const STORE = /(^|[/-])store\.ts$|^storage\//;

const RULES: readonly { sentence: string; pattern: RegExp; allowed: RegExp }[] = [
  {
    sentence: 'SQL stands only in store.ts and storage/',
    pattern: /\.(selectFrom|insertInto|updateTable|deleteFrom)\(|\bsql`|better-sqlite3|from 'kysely'/,
    allowed: STORE,
  },
  {
    sentence: 'the HTTP framework stands only in routes.ts and http/',
    pattern: /from '(hono|@hono\/)/,
    allowed: /\/routes\.ts$|^http\//,
  },
  {
    sentence: 'the environment is read only in config.ts',
    pattern: /process\.env/,
    allowed: /^config\.ts$|^commands\//,
  },
  {
    sentence: 'the time comes only through clock.ts',
    pattern: /Date\.now\(\)|new Date\(\)|performance\.now\(\)/,
    allowed: /^clock\.ts$|^demo-smtp\//,
  },
  {
    sentence: 'sockets and DNS stand only in transport/',
    pattern: /from 'node:(net|tls|dns|dns\/promises|dgram)'/,
    allowed: /^transport\/|^demo-smtp\/|^testing\//,
  },
];

test.each(RULES)('$sentence', ({ pattern, allowed }) => {
  const broken = sources.filter(
    ({ path, text }) => !allowed.test(path) && pattern.test(withoutComments(text)),
  );
  expect(broken.map(({ path }) => path)).toEqual([]);
});

const LONGEST_FILE = 400;

test(`no file above ${LONGEST_FILE} lines`, () => {
  expect(
    sources.filter(({ text }) => text.split('\n').length > LONGEST_FILE).map(({ path }) => path),
  ).toEqual([]);
});

function links(): { from: string; to: string }[] {
  return sources.flatMap(({ path, imports }) => imports.map(({ target }) => ({ from: path, to: target })));
}

function roomOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

/** routes.ts is a level of its own; files at the root are level 0, beside storage and http. */
function levelOf(path: string): number {
  if (path.endsWith('/routes.ts')) return ROUTES_LEVEL;
  const room = roomOf(path);
  if (room === '') return -1;
  return LEVELS.findIndex((level) => level.includes(room));
}

function read(file: string): Source {
  const text = readFileSync(file, 'utf8');
  const atTheTop = /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^;]*?from\s+'(\.[^']+)'/g;
  const whereUsed = /\bimport\(()'(\.[^']+)'\)/g;
  const imports = [...text.matchAll(atTheTop), ...text.matchAll(whereUsed)].map(([, type, target]) => ({
    target: relative(src, resolve(dirname(file), target!)),
    typeOnly: type?.startsWith('type') === true,
  }));
  return { path: relative(src, file), text, imports };
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}
