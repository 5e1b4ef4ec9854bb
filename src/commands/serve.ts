import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createApp } from '../app.ts';
import { type Config, ConfigError, readConfig, SETTINGS } from '../config.ts';
import { createLog } from '../log.ts';
import { giveBackMemory } from '../memory.ts';
import { type Pause, pauseOf } from '../queue/pause.ts';
import { firstRunToken } from '../workspaces/setup.ts';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1']);

/** Runs the program until a signal. */
export function serveCommand(root: string, version: string) {
  return async (args: string[]): Promise<number | undefined> => {
    if (args.includes('--help')) {
      process.stdout.write(`${settingsHelp()}\n`);
      return 0;
    }
    const { values } = parseArgs({ args, options: { restored: { type: 'boolean' } } });
    const config = readConfig(process.env, process.cwd());
    for (const warning of config.warnings) process.stderr.write(`mailwright: ${warning}\n`);
    const app = await createApp(config, {
      log: createLog(config.logLevel),
      version,
      webRoot: join(root, 'web', 'dist'),
      restored: values.restored === true,
      hasThreads: true,
    });
    const stopAsked = firstSignal(); // before the first message leaves: a stop in the middle of a start is in order too
    const { port } = await app.start().catch(async (error: NodeJS.ErrnoException) => {
      await app.stop();
      throw startError(error, config);
    });
    announce(config, port, version, await firstRunToken(app.db));
    announcePause(await pauseOf(app.db, ''));
    flushCompileCache(); // kept now, since not every process ends in its own time
    giveBackMemory();
    await stopAsked;
    await app.stop();
    return undefined;
  };
}

function settingsHelp(): string {
  const rows = SETTINGS.map(
    ([name, fallback, meaning]) =>
      `  ${name.padEnd(19)} ${meaning}${fallback ? ` Default: ${fallback}` : ''}`,
  );
  const options = '  --restored          The database is a restored copy: begin with sending paused.';
  return ['Options:', '', options, '', 'Settings are read from the environment:', '', ...rows].join('\n');
}

function startError(error: NodeJS.ErrnoException, config: Config): Error {
  if (error.code === 'EADDRINUSE')
    return new ConfigError(
      `Port ${config.port} is used by another program. Stop it, or choose another: PORT=3001 npm start`,
    );
  if (error.code === 'EACCES')
    return new ConfigError(
      `This user may not listen on port ${config.port}. Choose a port above 1023, or put a reverse proxy in front.`,
    );
  if (error.code === 'EADDRNOTAVAIL')
    return new ConfigError(
      `HOST=${config.host} is not an address of this machine. Use 127.0.0.1, or 0.0.0.0 for all.`,
    );
  return error;
}

function announce(config: Config, port: number, version: string, token: string | undefined): void {
  const lines = config.role === 'worker' ? workerLines(version) : serverLines(config, port, version, token);
  process.stdout.write(`\n${lines.map((line) => (line ? `  ${line}` : '')).join('\n')}\n\n`);
}

/** On stderr, since somebody must act on it. */
function announcePause(pause: Pause | undefined): void {
  if (!pause) return;
  const look = pause.code === 'restored' ? ' `mailwright queue list --gone` lists them.' : '';
  process.stderr.write(
    `mailwright: sending is paused. ${pause.reason}${look} \`mailwright queue release\` ends the pause.\n`,
  );
}

function workerLines(version: string): string[] {
  return [`Mailwright ${version} is working on the queue (ROLE=worker); it answers no calls.`];
}

function serverLines(config: Config, port: number, version: string, token: string | undefined): string[] {
  // With PORT=0 the system chose the port, so the address can only be said now.
  const url = config.port === 0 ? `http://localhost:${port}` : config.publicUrl;
  const lines = [`Mailwright ${version} is running at ${url}`];
  lines.push(
    config.databaseUrl === undefined ? `Data: ${config.dataDir}` : 'Data: PostgreSQL (DATABASE_URL)',
  );
  if (config.role === 'api')
    lines.push('It sends nothing itself (ROLE=api): start a worker on the same database.');
  if (!LOOPBACK.has(config.host)) {
    lines.push(
      `Other machines can reach it (HOST=${config.host}). Set PUBLIC_URL to the address they use, and put HTTPS in front of it.`,
    );
  }
  if (token)
    lines.push(
      '',
      `First run: open ${url}/setup?token=${token}`,
      'The link works until the first user is made.',
    );
  return lines;
}

/** Resolves when it is asked to stop, which drains; a second signal ends at once. */
function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = () => {
      if (asked) process.exit(130);
      asked = true;
      process.stderr.write(
        'Stopping: messages under way are finished first. A second signal ends at once.\n',
      );
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
