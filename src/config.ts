import { isAbsolute, join, resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { parseAddress } from './address.ts';
import { type FailPlan, readFailPlan } from './failpoint.ts';

/** Every setting, read from the environment here and nowhere else. */
export interface Config {
  port: number;
  host: string;
  dataDir: string;
  databaseUrl: string | undefined;
  /** Without a trailing slash; links in mail and on first run are made from it. */
  publicUrl: string;
  masterKey: string | undefined;
  masterKeyFile: string;
  systemSmtp: SystemSmtp | undefined;
  /** CIDRs that every role may use as SMTP hosts. */
  smtpAllowPrivate: readonly string[];
  /** 'forbid' closes private addresses to everybody: for installations with strangers on them. */
  smtpPrivate: 'ask' | 'forbid';
  role: 'all' | 'api' | 'worker';
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** What a self-test makes fail; undefined in every other run. */
  selfTest: FailPlan | undefined;
  /** Sentences about settings that look mistyped, printed at start. */
  warnings: readonly string[];
}

/** The operator's own server, for mail of Mailwright itself. */
export interface SystemSmtp {
  host: string;
  port: number;
  security: 'ssl' | 'starttls' | 'none';
  username: string | undefined;
  password: string | undefined;
  /** An address. */
  from: string;
}

/** Name, default and meaning of each setting; `mailwright serve --help` prints this list. */
export const SETTINGS = [
  ['PORT', '3000', 'The port of the API and the web app.'],
  ['HOST', '127.0.0.1', 'The address to listen on; 0.0.0.0 lets other machines in.'],
  ['DATA_DIR', './data', 'The folder of the database and the key.'],
  ['DATABASE_URL', '', 'A PostgreSQL address; empty means the embedded database.'],
  ['PUBLIC_URL', 'http://localhost:PORT', 'How people reach this installation; links are made from it.'],
  ['MASTER_KEY', '', '32 bytes in base64 that encrypt stored passwords. Takes precedence over the file.'],
  ['MASTER_KEY_FILE', 'DATA_DIR/master.key', 'A file with that key, mode 0600.'],
  ['SYSTEM_SMTP_URL', '', 'A server for notices to owners: smtp://user:password@host:587, or smtps://.'],
  ['SMTP_ALLOW_PRIVATE', '', 'Comma-separated CIDRs of private SMTP servers allowed for everyone.'],
  ['SMTP_PRIVATE', 'ask', '`forbid` refuses private SMTP servers to everybody.'],
  ['ROLE', 'all', '`all`, `api` or `worker`.'],
  ['LOG_LEVEL', 'info', '`debug`, `info`, `warn`, `error` or `silent`.'],
] as const;

/** A setting that cannot work. The program prints the sentence and exits with 78 (EX_CONFIG of sysexits). */
export class ConfigError extends Error {}

const OWN_PREFIXES = /^(SMTP_|MASTER_|SYSTEM_SMTP|MAILWRIGHT_|DATABASE_|PUBLIC_)/;
const ELSEWHERE = new Set(['MAILWRIGHT_TEST_INSTALL', 'MAILWRIGHT_SELFTEST']);

/** @throws ConfigError naming the setting and what it takes. */
export function readConfig(env: Record<string, string | undefined>, cwd: string): Config {
  const text = (name: string, fallback = '') => env[name]?.trim() || fallback;
  const port = portOf(text('PORT', '3000'));
  const dataDir = resolve(cwd, text('DATA_DIR', './data'));
  const publicUrl = urlOf(text('PUBLIC_URL', `http://localhost:${port}`));
  const keyFile = text('MASTER_KEY_FILE', join(dataDir, 'master.key'));
  return {
    port,
    host: text('HOST', '127.0.0.1'),
    dataDir,
    databaseUrl: text('DATABASE_URL') || undefined,
    publicUrl,
    masterKey: text('MASTER_KEY') || undefined,
    masterKeyFile: isAbsolute(keyFile) ? keyFile : resolve(cwd, keyFile),
    systemSmtp: systemSmtpOf(text('SYSTEM_SMTP_URL'), new URL(publicUrl).hostname),
    smtpAllowPrivate: cidrsOf(text('SMTP_ALLOW_PRIVATE')),
    smtpPrivate: oneOf('SMTP_PRIVATE', text('SMTP_PRIVATE', 'ask'), ['ask', 'forbid']),
    role: oneOf('ROLE', text('ROLE', 'all'), ['all', 'api', 'worker']),
    logLevel: oneOf('LOG_LEVEL', text('LOG_LEVEL', 'info'), ['debug', 'info', 'warn', 'error', 'silent']),
    selfTest: selfTestOf(text('FAILPOINT'), resolve(cwd, text('MAILWRIGHT_SELFTEST')), dataDir),
    warnings: mistypedNames(env),
  };
}

/**
 * FAILPOINT breaks the program on purpose. So it needs a second setting, which names the very folder that may be
 * broken: left behind in an environment, neither of them does anything to other data.
 */
function selfTestOf(wish: string, folder: string, dataDir: string): FailPlan | undefined {
  if (wish === '') return undefined;
  if (folder !== dataDir) {
    throw new ConfigError(
      'FAILPOINT makes the program fail on purpose. It works only where MAILWRIGHT_SELFTEST names the data folder, as `mailwright selftest` does with throw-away data. Unset it.',
    );
  }
  const plan = readFailPlan(wish);
  if (typeof plan === 'string') throw new ConfigError(plan);
  return plan;
}

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new ConfigError(`PORT must be a number from 0 to 65535, not "${text}".`);
  return port;
}

function urlOf(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new ConfigError(
      `PUBLIC_URL must be a web address such as https://mail.example.com, not "${text}".`,
    );
  }
  return text.replace(/\/+$/, '');
}

/** What is wrong is said without the URL: it holds a password. */
function systemSmtpOf(text: string, ownHost: string): SystemSmtp | undefined {
  if (text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.hostname || !/^smtps?:$/.test(url.protocol))
    throw new ConfigError(
      'SYSTEM_SMTP_URL must look like smtp://user:password@smtp.example.com:587 or smtps://…:465. Write special characters of the password as %40 and the like.',
    );
  const isSsl = url.protocol === 'smtps:';
  const username = decoded(url.username);
  const password = decoded(url.password);
  if ((username === undefined) !== (password === undefined))
    throw new ConfigError('SYSTEM_SMTP_URL needs a user name and a password, or neither of them.');
  const security = isSsl
    ? 'ssl'
    : oneOf('The security of SYSTEM_SMTP_URL', url.searchParams.get('security') ?? 'starttls', [
        'starttls',
        'none',
      ]);
  const from = url.searchParams.get('from') ?? (username?.includes('@') ? username : `mailwright@${ownHost}`);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isSsl ? 465 : 587) : Number(url.port),
    security,
    username,
    password,
    from: senderOf(from),
  };
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    throw new ConfigError(
      'SYSTEM_SMTP_URL has a broken % escape in its user name or password. Write % itself as %25.',
    );
  }
}

function senderOf(from: string): string {
  try {
    return parseAddress(from, 'from', { allowLocalDomains: true }).address;
  } catch {
    throw new ConfigError(
      `SYSTEM_SMTP_URL must send from an address. Add ?from=mailwright@example.com; "${from.slice(0, 80)}" is none.`,
    );
  }
}

function cidrsOf(text: string): string[] {
  const list = text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
  for (const cidr of list) {
    if (!ipaddr.isValidCIDR(cidr)) {
      throw new ConfigError(
        `SMTP_ALLOW_PRIVATE takes CIDRs such as 10.0.0.0/8, separated by commas; "${cidr}" is not one.`,
      );
    }
  }
  return list;
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (!found) throw new ConfigError(`${name} must be one of ${allowed.join(', ')}, not "${value}".`);
  return found;
}

/** A setting with a slip in its name would otherwise be silently without effect. */
function mistypedNames(env: Record<string, string | undefined>): string[] {
  const known = SETTINGS.map(([name]) => name as string);
  return Object.keys(env)
    .filter((name) => OWN_PREFIXES.test(name) && !known.includes(name) && !ELSEWHERE.has(name))
    .flatMap((name) => {
      const near = closest(name, known);
      return near ? [`The setting ${name} is unknown. Did you mean ${near}?`] : [];
    });
}

/** The known word at an edit distance of at most two, for "did you mean". */
export function closest(word: string, known: Iterable<string>): string | undefined {
  const lower = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = 3;
  for (const candidate of known) {
    const distance = editDistance(lower, candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance && distance < candidate.length / 2) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance, given up at `limit` since only near misses matter. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
