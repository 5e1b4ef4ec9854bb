import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Clock, systemClock } from '../clock.ts';
import { ConfigError } from '../config.ts';
import { TestAuthority } from './certificates.ts';
import type { Entry } from './ledger.ts';
import { FAULT_STAGES, type FaultStage, NAMED_FAULTS, parseScriptLine, type Script } from './script.ts';
import { type FakeServer, type FakeServerOptions, startFakeServer } from './server.ts';

const FIRST_PORT = 3025;
const SLOW_MS = 2_000;
const USER = 'demo';
const PASSWORD = 'demo';

/** A server to try, and what to enter for it. */
interface Part {
  name: string;
  /** What adding it as an email server leads to. */
  shows: string;
  enter: { security: FakeServerOptions['security']; username?: string; password?: string };
  options: FakeServerOptions;
}

/** In the order of their ports. */
function parts(slowMs: number, script: Script): Part[] {
  const signIn = { username: USER, password: PASSWORD };
  const users = { [USER]: PASSWORD };
  const nobodyKnows = { [USER]: randomBytes(16).toString('hex') };
  return [
    {
      name: 'good',
      shows: script.length === 0 ? 'works' : 'works, but for the faults you named',
      enter: { security: 'starttls', ...signIn },
      options: { security: 'starttls', users, script },
    },
    {
      name: 'ssl',
      shows: 'works',
      enter: { security: 'ssl', ...signIn },
      options: { security: 'ssl', users },
    },
    {
      name: 'wrong-password',
      shows: 'rejects every password',
      enter: { security: 'starttls', ...signIn },
      options: { security: 'starttls', users: nobodyKnows },
    },
    {
      name: 'tls-mismatch',
      shows: 'waits for SSL/TLS where STARTTLS is entered',
      enter: { security: 'starttls', ...signIn },
      options: { security: 'ssl', users },
    },
    {
      name: 'slow',
      shows: `works, and answers every command after ${slowMs / 1000} s`,
      enter: { security: 'starttls', ...signIn },
      options: { security: 'starttls', users, script: slowly(slowMs) },
    },
    {
      name: 'open',
      shows: 'works without sign-in and encryption',
      enter: { security: 'none' },
      options: { security: 'none' },
    },
  ];
}

function slowly(slowMs: number): Script {
  const stages: FaultStage[] = ['greet', 'ehlo', 'ehlo2', 'auth', 'mail', 'rcpt', 'data', 'dot'];
  return stages.map((stage) => ({ stage, fault: { delay: slowMs } }));
}

export interface DemoOptions {
  /** The first of six; 3025 when missing, any free ones for 0. */
  port?: number | undefined;
  /** Where the certificate authority is written for pasting. */
  caFile: string;
  /** Where every accepted message is appended as a JSON line. */
  ledgerFile?: string | undefined;
  onEntry?: (server: string, entry: Entry) => void;
  /** How long the slow server takes for an answer; 2 s when missing. */
  slowMs?: number | undefined;
  /** Faults of the good server. */
  script?: Script | undefined;
  clock?: Clock | undefined;
}

export interface DemoServer {
  name: string;
  shows: string;
  host: string;
  port: number;
  security: FakeServerOptions['security'];
  username: string | null;
  password: string | null;
  /** SHA-256 of its certificate; null without encryption. */
  fingerprint: string | null;
}

export interface Demo {
  caFile: string;
  servers: DemoServer[];
  stop(): Promise<void>;
}

/** Opens six servers on loopback: enough to see every way of adding one, and of failing to. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const clock = options.clock ?? systemClock;
  const authority = new TestAuthority(clock.now());
  writeFileSync(options.caFile, authority.caPem);
  const port = options.port ?? FIRST_PORT;
  const running: FakeServer[] = [];
  const servers: DemoServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.stop()));
  };
  for (const [at, part] of parts(options.slowMs ?? SLOW_MS, options.script ?? []).entries()) {
    try {
      const server = await startFakeServer({
        ...part.options,
        port: port === 0 ? 0 : port + at,
        authority,
        clock,
        keepContent: false,
        ...(options.ledgerFile === undefined ? {} : { ledgerFile: options.ledgerFile }),
        onEntry: (entry) => options.onEntry?.(part.name, entry),
      });
      running.push(server);
      servers.push(described(part, server));
    } catch (thrown) {
      await stop();
      throw thrown;
    }
  }
  return { caFile: options.caFile, servers, stop };
}

function described({ name, shows, enter }: Part, { host, port, fingerprint }: FakeServer): DemoServer {
  const { security, username = null, password = null } = enter;
  return {
    name,
    shows,
    host,
    port,
    security,
    username,
    password,
    fingerprint: security === 'none' ? null : fingerprint,
  };
}

const USAGE = `mailwright demo-smtp: SMTP servers on this machine to try things with

  --port N       the first of six ports (default ${FIRST_PORT}; 0 takes free ones)
  --ca FILE      where to write the certificate authority (default: the temporary folder)
  --ledger FILE  append every accepted message to FILE, one JSON line each
  --fault FAULT  let the first server misbehave; may be given several times
  --json         print one JSON document and nothing after it

A FAULT is stage:fault[:probability][:count], such as dot:lose-after-accept:0.1
  stages: ${FAULT_STAGES.join(' ')}
  faults: ${wrapped(NAMED_FAULTS)}`;

function wrapped(words: readonly string[]): string {
  return words.join(' ').replace(/(.{50,70}) /g, '$1\n          ');
}

const EX_USAGE = 64;

/** `mailwright demo-smtp`. Runs until it is interrupted; returns an exit code only when it does not run. */
export async function demoSmtpCommand(
  args: string[],
  io: { print: (line: string) => void },
): Promise<number | undefined> {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string' },
      ca: { type: 'string' },
      ledger: { type: 'string' },
      fault: { type: 'string', multiple: true },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    io.print(USAGE);
    return 0;
  }
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65_530)) {
    io.print('--port wants a number from 0 to 65529.');
    return EX_USAGE;
  }
  const faults = (values.fault ?? []).map((text) => ({ text, line: parseScriptLine(text) }));
  const unknown = faults.find(({ line }) => !line);
  if (unknown) {
    io.print(`--fault does not know "${unknown.text}". mailwright demo-smtp --help lists stages and faults.`);
    return EX_USAGE;
  }
  const demo = await startDemo({
    port,
    script: faults.flatMap(({ line }) => line ?? []),
    caFile: values.ca ?? join(tmpdir(), 'mailwright-demo-ca.pem'),
    ledgerFile: values.ledger,
    onEntry: values.json ? () => {} : (server, entry) => io.print(entryLine(server, entry)),
  }).catch((error: NodeJS.ErrnoException & { port?: number }) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new ConfigError(`Port ${error.port} is used by another program. Choose six free ones: --port 4025`);
  });
  io.print(values.json ? JSON.stringify({ caFile: demo.caFile, servers: demo.servers }) : table(demo));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void demo.stop());
  return undefined;
}

function table({ servers, caFile }: Demo): string {
  const rows = servers.map((server) => [
    server.host,
    String(server.port),
    SECURITY[server.security],
    server.username ?? '(none)',
    server.password ?? '(none)',
    server.shows,
  ]);
  const all = [['Host', 'Port', 'Encryption', 'User', 'Password', 'What it does'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  const pins = servers.flatMap(({ port, fingerprint }) =>
    fingerprint === null ? [] : [`  ${port}  ${fingerprint}`],
  );
  return [
    ...lines,
    '',
    `Their certificates come from an authority made for this run. Paste ${caFile} as the CA of the server,`,
    'or pin the fingerprint of its port:',
    ...pins,
    '',
    'Accepted messages follow, one a line. Press Ctrl+C to stop.',
  ].join('\n');
}

const SECURITY = { none: 'None', starttls: 'STARTTLS', ssl: 'SSL/TLS' };

function entryLine(server: string, { mailFrom, rcpts, bytes, messageId = '' }: Entry): string {
  const line = `${server}: ${mailFrom || '<>'} -> ${rcpts.join(', ')}  ${bytes} bytes  ${messageId}`;
  return line.replace(/[\0-\x1f\x7f-\x9f]/g, '?'); // a terminal obeys what it is told
}
