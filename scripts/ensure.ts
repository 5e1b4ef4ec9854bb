import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Runs before anything is installed: only what Node.js brings may be imported here.

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Installs the packages of package-lock.json when they are missing or were installed for another lock. */
export function ensurePackages(): void {
  const lock = hashOf([join(root, 'package-lock.json')]);
  const mark = join(root, 'node_modules', '.mailwright-lock');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return;
  step('Installing packages from npm (about 90 MB, 350 MB on disk)', () =>
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']),
  );
  writeFileSync(mark, lock);
}

/** Builds the web app when its sources changed since the last build. */
export function ensureWebApp(): void {
  const sources = hashOf([...filesIn(join(root, 'web')), join(root, 'package-lock.json')]);
  const mark = join(root, 'web', 'dist', '.built-from');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === sources) return;
  step('Building the web app', () =>
    run(join(root, 'node_modules', '.bin', 'vite'), ['build', 'web', '--logLevel', 'error']),
  );
  writeFileSync(mark, sources);
}

export function step(what: string, act: () => void): void {
  const began = performance.now();
  process.stderr.write(`${what}...\n`);
  act();
  process.stderr.write(`  done in ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
}

/** Runs a program in the project's folder; one that fails ends this one with its code. */
export function run(command: string, args: string[], env: Record<string, string> = {}): void {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (done.status === 0) return;
  process.stderr.write(
    `${command} ${args.join(' ')} failed (${done.error?.message ?? `exit code ${done.status ?? done.signal}`}).\n`,
  );
  process.exit(done.status || 1);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !['dist', 'node_modules'].includes(entry.name))
    .flatMap((entry) =>
      entry.isDirectory() ? filesIn(join(folder, entry.name)) : [join(folder, entry.name)],
    )
    .filter((file) => statSync(file).isFile())
    .sort();
}

function hashOf(files: string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.digest('hex');
}
