import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root, step } from './ensure.ts';

interface DebianPackage {
  name: string;
  /** Tells that it is there. */
  file: string;
  size: string;
  what: string;
}

const INSTALLED: readonly DebianPackage[] = [
  { name: 'chromium', file: '/usr/bin/chromium', size: '330 MB', what: 'browser tests' },
  { name: 'postgresql', file: '/usr/lib/postgresql', size: '60 MB', what: 'tests on PostgreSQL' },
  {
    name: 'postfix',
    file: '/usr/lib/postfix/sbin/master',
    size: '4 MB',
    what: 'tests against Postfix and smtp-sink',
  },
  {
    name: 'libsasl2-modules',
    file: '/usr/share/doc/libsasl2-modules',
    size: '0.3 MB',
    what: 'tests against Postfix: its sign-in',
  },
  {
    name: 'libnss-wrapper',
    file: '/usr/share/doc/libnss-wrapper',
    size: '0.1 MB',
    what: 'tests against Exim: it wants a user of its own',
  },
];

/**
 * Only one mail server can be installed at a time, and others bring daemons that would be started. Of these just the
 * files are taken, into a folder of the project, and the libraries they need are installed.
 */
const UNPACKED: readonly DebianPackage[] = [
  { name: 'exim4-daemon-light', file: 'usr/sbin/exim4', size: '1.5 MB', what: 'tests against Exim' },
  {
    name: 'sasl2-bin',
    file: 'usr/sbin/saslpasswd2',
    size: '0.4 MB',
    what: 'tests against Postfix: its passwords',
  },
];

const unpackedRoot = join(root, 'node_modules', '.cache', 'debian');

/** Where a program of an unpacked package stands, here or installed. @returns undefined when it is missing */
export function unpackedProgram(file: string): string | undefined {
  return [join(unpackedRoot, file), join('/', file)].find((place) => existsSync(place));
}

/** Brings what is missing, as root on Debian; elsewhere it says which tests are skipped for want of it. */
export function ensureDebianPackages(): void {
  const install = INSTALLED.filter((one) => !existsSync(one.file));
  const unpack = UNPACKED.filter((one) => unpackedProgram(one.file) === undefined);
  const missing = [...install, ...unpack];
  if (missing.length === 0) return;
  if (!mayInstall()) {
    for (const { name, what } of missing)
      process.stderr.write(`Skipping ${what}. They need the Debian package ${name}.\n`);
    return;
  }
  const sizes = missing.map(({ name, size }) => `${name} (${size})`).join(', ');
  step(`Bringing Debian packages for the tests: ${sizes}; MAILWRIGHT_TEST_INSTALL=0 leaves them out`, () => {
    const isDone = apt(['update']) && installAll(install, unpack) && unpackAll(unpack);
    if (!isDone)
      process.stderr.write('apt-get did not bring all of them; the tests that need them are skipped.\n');
  });
}

function mayInstall(): boolean {
  const { MAILWRIGHT_TEST_INSTALL } = process.env;
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get') && MAILWRIGHT_TEST_INSTALL !== '0';
}

function installAll(install: readonly DebianPackage[], unpack: readonly DebianPackage[]): boolean {
  const names = [...install.map(({ name }) => name), ...unpack.flatMap(({ name }) => librariesOf(name))];
  if (install.some(({ name }) => name === 'postfix')) leavePostfixAlone();
  if (install.some(({ name }) => name === 'postgresql')) leavePostgresAlone();
  return names.length === 0 || apt(['install', '-y', '--no-upgrade', '--no-install-recommends', ...names]);
}

/** Without a configuration its service cannot start: nobody who runs tests asked for a mail server. */
function leavePostfixAlone(): void {
  spawnSync('/usr/bin/debconf-set-selections', {
    input: 'postfix postfix/main_mailer_type select No configuration\n',
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}

/** Nor for a database server: the tests start one of their own. */
function leavePostgresAlone(): void {
  const settings = '/etc/postgresql-common/createcluster.conf';
  if (existsSync(settings)) return;
  mkdirSync(dirname(settings), { recursive: true });
  writeFileSync(settings, 'create_main_cluster = false\n');
}

function librariesOf(name: string): string[] {
  const { stdout } = spawnSync('/usr/bin/apt-cache', ['depends', name], { encoding: 'utf8' });
  return [...stdout.matchAll(/^ +Depends: (lib\S+)$/gm)].map(([, library]) => library!);
}

function unpackAll(packages: readonly DebianPackage[]): boolean {
  if (packages.length === 0) return true;
  const folder = mkdtempSync(join(tmpdir(), 'mailwright-debian-'));
  // apt would hand the download to a user who may not write here.
  const asRoot = ['-o', 'APT::Sandbox::User=root'];
  const isDone = apt([...asRoot, 'download', ...packages.map(({ name }) => name)], folder);
  mkdirSync(unpackedRoot, { recursive: true });
  const files = isDone ? readdirSync(folder).filter((file) => file.endsWith('.deb')) : [];
  const areUnpacked = files.map(
    (file) =>
      spawnSync('/usr/bin/dpkg-deb', ['-x', join(folder, file), unpackedRoot], { stdio: 'ignore' }).status ===
      0,
  );
  rmSync(folder, { recursive: true });
  spawnSync('chmod', ['-R', 'ug-s', unpackedRoot]); // Exim comes with the right to act as root
  return isDone && areUnpacked.every(Boolean);
}

function apt(args: readonly string[], cwd?: string): boolean {
  const { status } = spawnSync('/usr/bin/apt-get', ['-qq', ...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status === 0;
}
