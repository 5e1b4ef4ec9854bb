import { hash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

/** One received terminator. */
export interface Entry {
  /** Milliseconds since 1970. */
  at: number;
  connection: number;
  mailFrom: string;
  rcpts: string[];
  messageId: string | undefined;
  /** The X-Mailwright-ID header. */
  xId: string | undefined;
  /** SHA-256 of `content`, in hex. */
  bodySha256: string;
  /** Length of `content`. */
  bytes: number;
  /** What came between DATA and the terminator, dots unstuffed. In memory only; empty when not kept. */
  content: Buffer;
  user: string | undefined;
  tls: boolean;
  /** The next command had come together with the terminator. */
  followed: boolean;
  reply: string;
}

/** The judge's own record, append-only. An entry is in it, and in its file, before the server answers. */
export class Ledger {
  readonly entries: Entry[] = [];
  readonly #file: number | undefined;
  readonly #keepsContent: boolean;

  /** `path` is opened for appending, so that several runs and the end of this process leave what was written. */
  constructor(path: string | undefined, keepsContent: boolean) {
    this.#file = path === undefined ? undefined : openSync(path, 'a', 0o600);
    this.#keepsContent = keepsContent;
  }

  append(entry: Entry): void {
    const { content: _, ...line } = entry;
    if (this.#file !== undefined) writeSync(this.#file, `${JSON.stringify(line)}\n`);
    this.entries.push(this.#keepsContent ? entry : { ...entry, content: NOTHING });
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

const NOTHING = Buffer.alloc(0);
const HEADER_LIMIT = 65_536;

/** What the ledger wants to know of a message's content. */
export function readContent(content: Buffer): Pick<Entry, 'messageId' | 'xId' | 'bodySha256' | 'bytes'> {
  const end = content.indexOf('\r\n\r\n');
  const headers = content.toString('latin1', 0, Math.min(end < 0 ? content.length : end, HEADER_LIMIT));
  return {
    messageId: headerValue(headers, MESSAGE_ID),
    xId: headerValue(headers, X_ID),
    bodySha256: hash('sha256', content),
    bytes: content.length,
  };
}

const MESSAGE_ID = /^message-id:\s*(\S+)/im;
const X_ID = /^x-mailwright-id:\s*(\S+)/im;

function headerValue(headers: string, pattern: RegExp): string | undefined {
  return pattern.exec(headers)?.[1];
}
