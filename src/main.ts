import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Only what needs no installed package is imported here: --version and --help work in a bare checkout.
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** Exit codes follow sysexits(3). */
const EX_USAGE = 64;
const EX_DATAERR = 65;
const EX_UNAVAILABLE = 69;
const EX_CONFIG = 78;

const USAGE = `Mailwright ${version}: send mail through the servers you already have.

Usage: mailwright COMMAND [OPTION...]

  serve             run the program (npm start installs what is missing first)
  setup             make the first user: --email --workspace (--password-stdin | --password) [--json]
  migrate           bring the database to this version, and stop
  move-to-postgres  copy the stopped installation in DATA_DIR to the empty DATABASE_URL [--json]
  explain           say what a server's reply means: "550 5.1.1 …" or -, [--stage] [--server] [--host] [--json]
  doctor            look at what the promises rest on: disk, database, key, queue [--json]
  audit             balance the books [--workspace ID] [--against LOG [--resolve]] [--json]
  queue             list, hold, release, retry or cancel what is not sent yet [ID...] [FILTER...] [--json]
  demo-smtp         run SMTP servers to try things with: good, wrong password, TLS mismatch, slow
  selftest          kill the program while it sends and judge by what arrived: selftest crash --help

  --version         print the version
  --help            print this; \`mailwright serve --help\` lists the settings
`;

type Command = (args: string[]) => Promise<number | undefined>;

const COMMANDS: Record<string, () => Promise<Command>> = {
  serve: async () => (await import('./commands/serve.ts')).serveCommand(root, version),
  setup: async () => (await import('./commands/setup.ts')).setupCommand,
  migrate: async () => (await import('./commands/migrate.ts')).migrateCommand,
  'move-to-postgres': async () => (await import('./commands/move-to-postgres.ts')).moveToPostgresCommand,
  explain: async () => (await import('./commands/explain.ts')).explainCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand(version),
  audit: async () => (await import('./commands/audit.ts')).auditCommand,
  queue: async () => (await import('./commands/queue.ts')).queueCommand,
  selftest: async () => (await import('./commands/selftest.ts')).selftestCommand(root),
  'demo-smtp': async () => {
    const { demoSmtpCommand } = await import('./demo-smtp/demo.ts');
    return (args) => demoSmtpCommand(args, { print: (line) => process.stdout.write(`${line}\n`) });
  },
};

async function main([name, ...args]: string[]): Promise<number | undefined> {
  if (name === '--version' || name === '-v') return say(version);
  if (name === undefined || name === '--help' || name === '-h' || name === 'help')
    return say(USAGE.trimEnd());
  const load = COMMANDS[name];
  if (!load) {
    process.stderr.write(
      `mailwright: there is no command "${name.slice(0, 40)}". mailwright --help lists them.\n`,
    );
    return EX_USAGE;
  }
  try {
    return await (await load())(args);
  } catch (error) {
    return failed(error as Error & { code?: string });
  }
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

/** One line on stderr that says what to do; a stack only for what is our fault. */
function failed(error: Error & { code?: string }): number {
  const tell = (text: string) => process.stderr.write(`mailwright: ${text}\n`);
  if (error.constructor.name === 'ConfigError') {
    tell(error.message);
    return EX_CONFIG;
  }
  if (error.constructor.name === 'UsageError') {
    tell(`${error.message} mailwright --help lists the commands.`);
    return EX_USAGE;
  }
  if (error.constructor.name === 'AppError') {
    tell(error.message);
    return EX_DATAERR;
  }
  if (error.code?.startsWith('ERR_PARSE_ARGS')) {
    tell(`${error.message} mailwright --help lists the options.`);
    return EX_USAGE;
  }
  if (error.code === 'ERR_MODULE_NOT_FOUND') {
    tell(`its packages are not installed. Run npm install in ${root}, or start with npm start.`);
    return EX_UNAVAILABLE;
  }
  tell(error.stack ?? error.message);
  return 70;
}

process.exitCode = await main(process.argv.slice(2));
