import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDebianPackages } from './debian.ts';
import { ensurePackages, ensureWebApp, root } from './ensure.ts';

// `npm test [FILE...]`: installs what is missing, checks the code, runs every test, and says by name what was skipped.

const only = process.argv.slice(2);
ensurePackages();
ensureWebApp();
ensureDebianPackages();
if (only.length === 0) await import('./check.ts');
runTests();

function runTests(): void {
  const report = join(mkdtempSync(join(tmpdir(), 'mailwright-test-')), 'report.json');
  const vitest = join(root, 'node_modules', '.bin', 'vitest');
  const done = spawnSync(
    vitest,
    ['run', '--reporter=default', '--reporter=json', `--outputFile=${report}`, ...only],
    { cwd: root, stdio: 'inherit' },
  );
  if (!existsSync(report)) process.exit(done.status || 1);
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  const skipped = testResults.flatMap((file: { assertionResults: { status: string; fullName: string }[] }) =>
    file.assertionResults
      .filter((test) => ['pending', 'skipped', 'todo'].includes(test.status))
      .map((test) => test.fullName),
  );
  const passed: string[] = testResults.flatMap(
    (file: { name: string; assertionResults: { status: string; fullName: string }[] }) =>
      file.assertionResults
        .filter((test) => test.status === 'passed')
        .map((test) => `${file.name} ${test.fullName}`),
  );
  for (const engine of ['sqlite', 'postgres']) {
    const count = passed.filter((name) => new RegExp(`\\b${engine}\\b`, 'i').test(name)).length;
    process.stdout.write(`of them named for ${engine}: ${count}\n`);
  }
  for (const name of skipped) process.stdout.write(`skipped: ${name}\n`);
  process.stdout.write(
    `Tests: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped\n`,
  );
  process.exit(done.status ?? 1);
}
