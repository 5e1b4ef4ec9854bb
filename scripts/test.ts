import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePackages, ensureWebApp, root, step } from './ensure.ts';

// `npm test [FILE...]`: installs what is missing, checks the code, runs every test, and says by name what was skipped.

/** Debian packages that some tests need, with what tells that they are there. */
const DEBIAN_PACKAGES = [
  { name: 'chromium', file: '/usr/bin/chromium', size: '330 MB', what: 'browser tests' },
  { name: 'postfix', file: '/usr/sbin/smtp-sink', size: '5 MB', what: 'tests against smtp-sink' },
];

const only = process.argv.slice(2);
ensurePackages();
ensureWebApp();
installDebianPackages();
if (only.length === 0) await import('./check.ts');
runTests();

function installDebianPackages(): void {
  const missing = DEBIAN_PACKAGES.filter((one) => !existsSync(one.file));
  if (missing.length === 0) return;
  const names = missing.map((one) => one.name);
  const mayInstall =
    process.getuid?.() === 0 && existsSync('/usr/bin/apt-get') && process.env.MAILWRIGHT_TEST_INSTALL !== '0';
  if (!mayInstall) {
    for (const one of missing)
      process.stderr.write(`Skipping ${one.what}: install the Debian package ${one.name} to run them.\n`);
    return;
  }
  const sizes = missing.map((one) => `${one.name} (${one.size})`).join(', ');
  step(
    `Installing Debian packages for the tests: ${sizes}; MAILWRIGHT_TEST_INSTALL=0 leaves them out`,
    () => {
      const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
      const apt = (args: string[]) =>
        spawnSync('apt-get', ['-qq', ...args], {
          stdio: ['ignore', 'ignore', 'inherit'],
          env: { ...process.env, ...quiet },
        }).status === 0;
      const done = apt(['update']) && apt(['install', '-y', '--no-install-recommends', ...names]);
      if (!done)
        process.stderr.write(
          `apt-get could not install ${names.join(', ')}; the tests that need them are skipped.\n`,
        );
    },
  );
}

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
  for (const name of skipped) process.stdout.write(`skipped: ${name}\n`);
  process.stdout.write(
    `Tests: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped\n`,
  );
  process.exit(done.status ?? 1);
}
