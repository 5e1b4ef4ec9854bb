import type { Socket } from 'node:net';
import { fail, Stop } from './failure.ts';
import type { Stage } from './outcome.ts';
import { type Malformed, type Reply, ReplyParser } from './reply.ts';

/** Content goes out in slices, so that a stalled network is noticed by the slice. */
const SLICE = 262_144;

interface Waiting {
  resolve: (reply: Reply) => void;
  reject: (reason: Error) => void;
  timer: NodeJS.Timeout;
}

/**
 * The client's end of one connection: bytes out, replies in, and the stage the session has reached, which is what a
 * broken line is judged by. Every failure is a Stop at that stage.
 */
export class Wire {
  stage: Stage;
  readonly #socket: Socket;
  readonly #parser = new ReplyParser();
  #waiting: Waiting | undefined;
  #isClosed = false;

  constructor(socket: Socket, stage: Stage) {
    this.#socket = socket;
    this.stage = stage;
    socket.on('data', this.#onData);
    socket.on('close', this.#onClose);
    socket.on('end', this.#onClose); // a server that stops talking will not answer
    socket.on('error', IGNORE); // `close` follows
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Open, and nothing has come that nobody asked for. */
  get isQuiet(): boolean {
    return !this.#isClosed && !this.#parser.hasUnread;
  }

  /**
   * One command and its reply.
   * @throws Stop at `stage`; an answer that was there before the command answers nothing, and is given as it is
   */
  async ask(stage: Stage, command: string, timeoutMs: number): Promise<Reply> {
    this.stage = stage;
    await this.expectQuiet(timeoutMs);
    this.write(`${command}\r\n`);
    return this.reply(timeoutMs);
  }

  /** @throws Stop at the current stage when the line is closed, or something has come that nobody asked for */
  expectQuiet(timeoutMs: number): Promise<void> | undefined {
    return this.isQuiet ? undefined : this.#interrupted(timeoutMs);
  }

  async #interrupted(timeoutMs: number): Promise<never> {
    throw new Stop(this.stage, { reply: await this.reply(timeoutMs) });
  }

  write(bytes: string | Buffer): void {
    this.#socket.write(bytes);
  }

  /** Both in one system call, without a copy of the content. */
  writeBoth(content: Buffer, commands: string): void {
    this.#socket.cork();
    this.#socket.write(content);
    this.#socket.write(commands);
    this.#socket.uncork();
  }

  /** Writes `content` slice by slice, each within `timeoutMs`. Stops early when the server interrupts. */
  async writeContent(content: Buffer, timeoutMs: number): Promise<void> {
    for (let from = 0; from < content.length && this.isQuiet; from += SLICE) {
      const isTaken = this.#socket.write(content.subarray(from, from + SLICE));
      if (!isTaken) await this.#drained(timeoutMs);
    }
  }

  /** The next reply, if it is there. @throws Stop `malformed` */
  replyAtHand(): Reply | undefined {
    const unread = this.#parser.next();
    return unread && this.#accept(unread);
  }

  /** The next reply. @throws Stop `timeout`, `closed` or `malformed` at the current stage */
  async reply(timeoutMs: number): Promise<Reply> {
    const unread = this.replyAtHand();
    if (unread) return unread;
    if (this.#isClosed) throw fail(this.stage, 'closed');
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = undefined;
        reject(fail(this.stage, 'timeout', { seconds: Math.round(timeoutMs / 1000) }));
      }, timeoutMs);
      this.#waiting = { resolve, reject, timer };
    });
  }

  /** Hands the socket over for a TLS handshake. What came before it is dropped with this wire (RFC 3207 §4.2). */
  release(): Socket {
    this.#socket.off('data', this.#onData);
    this.#socket.off('close', this.#onClose);
    this.#socket.off('end', this.#onClose);
    return this.#socket;
  }

  destroy(): void {
    this.#socket.destroy();
    this.#onClose();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#parser.push(chunk);
    if (this.#waiting) {
      const next = this.#parser.next();
      if (next) this.#settle((waiting) => waiting.resolve(this.#accept(next)));
    } else if (this.#parser.isOverfull) this.destroy();
  };

  readonly #onClose = (): void => {
    this.#isClosed = true;
    this.#settle((waiting) => waiting.reject(fail(this.stage, 'closed')));
  };

  #settle(how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#waiting = undefined;
    clearTimeout(waiting.timer);
    try {
      how(waiting);
    } catch (stop) {
      waiting.reject(stop as Error);
    }
  }

  #accept(next: Reply | Malformed): Reply {
    if ('code' in next) return next;
    throw fail(this.stage, 'malformed', { kind: protocolOf(next.malformed) });
  }

  #drained(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        clearTimeout(timer);
        this.#socket.off('drain', onDrain);
        this.#socket.off('close', onDrain);
        settle();
      };
      const onDrain = end(resolve);
      const timer = setTimeout(
        end(() => reject(fail(this.stage, 'timeout'))),
        timeoutMs,
      );
      this.#socket.once('drain', onDrain);
      this.#socket.once('close', onDrain);
    });
  }
}

const IGNORE = (): void => {};

/** What kind of server begins like this. Only the kind is told: its words may be none of the user's business. */
function protocolOf(beginning: string): string {
  return PROTOCOLS.find(({ begins }) => begins.test(beginning))?.name ?? 'different';
}

const PROTOCOLS = [
  { name: 'web', begins: /^(HTTP\/|<)/i },
  { name: 'POP3', begins: /^[+-](OK|ERR)/ },
  { name: 'IMAP', begins: /^\* / },
  { name: 'SSH', begins: /^SSH-/ },
];
