import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestAuthority } from '../../src/demo-smtp/certificates.ts';
import { answers } from '../../src/testing/ports.ts';

/** A mail server of others, with a configuration of its own in a temporary folder, on loopback only. */
export interface MailServer {
  host: string;
  /** Where STARTTLS and sign-in are asked for. */
  port: number;
  /** Where TLS begins with the first byte. */
  sslPort: number;
  caPem: string;
  /** Bytes a message may have. */
  maxBytes: number;
  /** The file of its log. */
  logFile: string;
  start(): Promise<void>;
  /** Ends all its processes at once, sessions included. What it had accepted stays in its queue. */
  stop(): Promise<void>;
  /** Waits until its queue is empty. @returns every letter in its mailbox */
  delivered(): Promise<Delivered[]>;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

export interface Delivered {
  content: Buffer;
  /** What the server called it, by the Received field it put on top (RFC 5321 §4.4). */
  queueId: string;
  /** Our id. */
  xId: string;
}

export const HOST = '127.0.0.1';
/** Who may submit mail, and as whom; every address at example.com that begins with `user` has a mailbox. */
export const SENDER = 'news@example.com';
export const SIGN_IN = { username: 'demo', password: 'a right password' };
export const MAX_BYTES = 8_000_000;

/** Delivers the mail: this process when it is nobody special, else `nobody`. */
export const DELIVERER =
  process.getuid?.() === 0
    ? { uid: 65_534, gid: 65_534 }
    : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

export interface Folder {
  path: string;
  caPem: string;
  /** Puts a file into it. @returns its path */
  write(name: string, content: string): string;
  /** Makes a folder that `DELIVERER` may write to. @returns its path */
  open(name: string): string;
}

/** A folder for a server, with cert.pem and key.pem of an authority of its own. */
export function makeFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'mailwright-server-'));
  chmodSync(path, 0o755);
  const write = (name: string, content: string) => {
    writeFileSync(join(path, name), content);
    return join(path, name);
  };
  const authority = new TestAuthority(Date.now());
  const { certPem, keyPem } = authority.issue('good');
  write('cert.pem', certPem);
  write('key.pem', keyPem);
  return {
    path,
    caPem: authority.caPem,
    write,
    open(name) {
      const opened = join(path, name);
      mkdirSync(opened, { recursive: true });
      chownSync(opened, DELIVERER.uid, DELIVERER.gid);
      return opened;
    },
  };
}

/** What differs between the servers of others. */
export interface Kind {
  folder: Folder;
  port: number;
  sslPort: number;
  logFile: string;
  run: () => Promise<Running>;
  /** Where a message lies that is not delivered yet. */
  queue: readonly string[];
  isMessage: (path: string) => boolean;
}

/** Starts a server whose folder is furnished. Its mailbox is the folder `mail`. */
export async function startServer(kind: Kind): Promise<MailServer> {
  const { folder, port, sslPort, logFile } = kind;
  let running = await kind.run();
  return {
    host: HOST,
    port,
    sslPort,
    caPem: folder.caPem,
    maxBytes: MAX_BYTES,
    logFile,
    async start() {
      running = await kind.run();
    },
    stop: () => running.end(),
    async delivered() {
      await whenEmpty(kind.queue, kind.isMessage);
      return readMaildir(join(folder.path, 'mail'));
    },
    async remove() {
      await running.end();
      rmSync(folder.path, { recursive: true, maxRetries: 5 }); // its last processes may still be writing
    },
  };
}

const START_WITHIN_MS = 20_000;

export interface Running {
  end(): Promise<void>;
}

/** Starts a server in a process group of its own and waits until it listens. @throws Error with what it said */
export async function run(
  command: string,
  args: string[],
  port: number,
  options: { env?: Record<string, string>; uid?: number; gid?: number } = {},
): Promise<Running> {
  const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += chunk;
    });
  const exited = once(child, 'exit');
  const endGroup = () => {
    if (!hasEnded(child)) process.kill(-child.pid!, 'SIGTERM');
  };
  process.once('exit', endGroup);
  const deadline = performance.now() + START_WITHIN_MS;
  while (!(await answers(port)))
    if (hasEnded(child) || performance.now() > deadline) {
      endGroup();
      throw new Error(`${command} does not listen: ${said}`);
    }
  return {
    async end() {
      process.off('exit', endGroup);
      endGroup();
      await exited;
    },
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Waits until no message is left in these folders of a queue; looks again whenever something changes there. */
async function whenEmpty(
  folders: readonly string[],
  isMessage: (path: string) => boolean,
  timeoutMs = 30_000,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = () => {
    if (!folders.some((folder) => readdirSync(folder).some((file) => isMessage(join(folder, file)))))
      resolve();
  };
  const watchers = folders.map((folder) => watch(folder, look));
  const timer = setTimeout(() => reject(new Error(`The queue ${folders} did not empty.`)), timeoutMs);
  look();
  await promise.finally(() => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  });
}

function readMaildir(folder: string): Delivered[] {
  const files = readdirSync(join(folder, 'new'));
  return files.map((file) => {
    const content = readFileSync(join(folder, 'new', file));
    const header = content.toString('latin1', 0, content.indexOf('\n\n')).replace(/\r?\n[ \t]+/g, ' ');
    return {
      content,
      queueId: /^Received: .*? id ([\w-]+)/im.exec(header)?.[1] ?? '',
      xId: /^X-Mailwright-ID: (\S+)/im.exec(header)?.[1] ?? '',
    };
  });
}
