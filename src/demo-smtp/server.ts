import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { type Clock, systemClock } from '../clock.ts';
import { type CertificateKind, TestAuthority } from './certificates.ts';
import { type Entry, Ledger } from './ledger.ts';
import { Playback, type Script } from './script.ts';
import { type House, ServerSession } from './session.ts';

export interface FakeServerOptions {
  host?: '127.0.0.1';
  /** 0, the default, takes a free one. */
  port?: number;
  security: 'none' | 'starttls' | 'ssl';
  certificate?: CertificateKind;
  /** Speaks TLS 1.1 at most. */
  oldTls?: boolean;
  /** Password by user name. AUTH is offered when given, on a protected line or where there is no protection at all. */
  users?: Record<string, string>;
  /** MAIL only after sign-in; by default when there are users. */
  requireAuth?: boolean;
  /** Instead of the usual ones. STARTTLS and AUTH are added by themselves; an own AUTH line replaces that one. */
  extensions?: string[];
  script?: Script;
  /** Where the ledger is also appended, one JSON line a message. */
  ledgerFile?: string;
  /** Whether entries keep their content in memory; true by default. */
  keepContent?: boolean;
  /** Bytes; 50 MB by default. */
  sizeLimit?: number;
  /** Takes `LF . LF`, `CR . CR` and their like for the end of a message, as servers open to SMTP smuggling do. */
  lenient?: boolean;
  /** Of the script's probabilities; 1 by default. */
  seed?: number;
  authority?: TestAuthority;
  clock?: Clock;
  onEntry?: (entry: Entry) => void;
}

export interface FakeServer {
  readonly host: string;
  readonly port: number;
  /** The authority that issued the certificate, for clients that should trust it. */
  readonly caPem: string;
  /** SHA-256 of the server's certificate. */
  readonly fingerprint: string;
  /** In the order of the terminators. */
  readonly ledger: readonly Entry[];
  /** Open now. */
  readonly connections: number;
  readonly totalConnections: number;
  /** How often a script has struck. */
  readonly strikes: number;
  /** Commands by connection number (from 1), credentials masked; the first ones only when there are very many. */
  readonly commands: ReadonlyMap<number, string[]>;
  /** Resolves when the ledger has so many entries, or pleases the predicate. */
  waitFor(wanted: number | ((ledger: readonly Entry[]) => boolean)): Promise<readonly Entry[]>;
  /** Resolves when the condition holds; asked again after every connection, disconnection, command, fault and message. */
  until(condition: () => boolean): Promise<void>;
  setScript(script: Script): void;
  /** Ends every connection in order, as a server does with idle clients. */
  dropConnections(): void;
  stop(): Promise<void>;
}

const USUAL_EXTENSIONS = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'];
const DEFAULT_SIZE_LIMIT = 50_000_000;
const MAX_RECORDED_CONNECTIONS = 1_000;
const MAX_RECORDED_COMMANDS = 1_000;

/** Starts a scriptable SMTP server that believes nobody: what it accepted is in its own ledger before it says so. */
export async function startFakeServer(options: FakeServerOptions): Promise<FakeServer> {
  const clock = options.clock ?? systemClock;
  const authority = options.authority ?? new TestAuthority(clock.now());
  const certificate = authority.issue(options.certificate ?? 'good');
  const ledger = new Ledger(options.ledgerFile, options.keepContent ?? true);
  const commands = new Map<number, string[]>();
  const sockets = new Set<Socket>();
  const watch = new Watch();
  const { seed } = options;
  const now = (): number => clock.now();
  let playback = new Playback(options.script ?? [], { now, seed });
  let totalConnections = 0;
  let strikes = 0;

  const sizeLimit = options.sizeLimit ?? DEFAULT_SIZE_LIMIT;
  const house: House = {
    security: options.security,
    secureContext: createSecureContext({
      cert: certificate.certPem,
      key: certificate.keyPem,
      ...(options.oldTls ? OLD_TLS : {}),
    }),
    extensions: options.extensions ?? [...USUAL_EXTENSIONS, `SIZE ${sizeLimit}`],
    users: options.users,
    requireAuth: options.requireAuth ?? options.users !== undefined,
    sizeLimit,
    lenient: options.lenient ?? false,
    now,
    strike: (moment) => {
      const fault = playback.strike(moment);
      if (fault === undefined) return undefined;
      strikes++;
      watch.changed();
      return fault;
    },
    record: (connection, command) => {
      const seen = commands.get(connection);
      if (seen && seen.length < MAX_RECORDED_COMMANDS) seen.push(command);
      watch.changed();
    },
    append: (entry) => {
      ledger.append(entry);
      options.onEntry?.(entry);
      watch.changed();
    },
  };

  const listener = createServer((socket) => {
    const number = ++totalConnections;
    if (number <= MAX_RECORDED_CONNECTIONS) commands.set(number, []);
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      watch.changed();
    });
    new ServerSession(socket, number, house).start();
    watch.changed();
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });

  return {
    host: options.host ?? '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    caPem: authority.caPem,
    fingerprint: certificate.fingerprint,
    ledger: ledger.entries,
    commands,
    get connections() {
      return sockets.size;
    },
    get totalConnections() {
      return totalConnections;
    },
    get strikes() {
      return strikes;
    },
    async waitFor(wanted) {
      const holds =
        typeof wanted === 'number' ? () => ledger.entries.length >= wanted : () => wanted(ledger.entries);
      await watch.until(holds);
      return ledger.entries;
    },
    until: (condition) => watch.until(condition),
    setScript(script) {
      playback = new Playback(script, { now, seed });
    },
    dropConnections() {
      for (const socket of sockets) socket.end();
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
      ledger.close();
    },
  };
}

const OLD_TLS = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

/** Promises that wait for a condition, asked again at every change. */
class Watch {
  #waiting: { holds: () => boolean; resolve: () => void }[] = [];

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ holds, resolve }));
  }

  changed(): void {
    if (this.#waiting.length === 0) return;
    const ready = this.#waiting.filter(({ holds }) => holds());
    this.#waiting = this.#waiting.filter((waiting) => !ready.includes(waiting));
    for (const { resolve } of ready) resolve();
  }
}
