/** One SMTP reply (RFC 5321 §4.2): its code and its lines, without code and separator. */
export interface Reply {
  code: number;
  lines: string[];
}

/** What came instead of a reply: the beginning of the first line that is none. */
export interface Malformed {
  malformed: string;
}

/** RFC 5321 §4.5.3.1.5 allows 512 octets a line; a server that sends more than this is not answering us. */
const MAX_LINE = 8_192;
const MAX_LINES = 100;
/** Replies nobody waited for, kept until somebody asks. */
const MAX_UNREAD = 65_536;
const SHOWN_OF_MALFORMED = 100;

const NOTHING = Buffer.alloc(0);

/** Reads replies out of a stream of bytes, however they are cut. Bounded in every direction. */
export class ReplyParser {
  #bytes: Buffer = NOTHING;
  #lines: string[] = [];
  #code = 0;

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
  }

  /** Whether anything is left that no `next` has returned. */
  get hasUnread(): boolean {
    return this.#bytes.length > 0 || this.#lines.length > 0;
  }

  get isOverfull(): boolean {
    return this.#bytes.length > MAX_UNREAD;
  }

  /** The next whole reply; undefined while its end has not come. After a malformed one nothing can be trusted. */
  next(): Reply | Malformed | undefined {
    for (let end = this.#bytes.indexOf(LF); end >= 0; end = this.#bytes.indexOf(LF)) {
      const length = this.#bytes[end - 1] === CR ? end - 1 : end;
      const line = this.#bytes.toString('utf8', 0, Math.min(length, MAX_LINE));
      this.#bytes = end + 1 === this.#bytes.length ? NOTHING : this.#bytes.subarray(end + 1);
      const isLast = end <= MAX_LINE ? this.#takeLine(line) : undefined;
      if (isLast === undefined) return { malformed: line.slice(0, SHOWN_OF_MALFORMED) };
      if (isLast) return this.#finish();
    }
    if (this.#bytes.length <= MAX_LINE) return undefined;
    return { malformed: this.#bytes.toString('utf8', 0, SHOWN_OF_MALFORMED) };
  }

  /** Whether `line` ends the reply; undefined when it belongs to none. */
  #takeLine(line: string): boolean | undefined {
    const match = REPLY_LINE.exec(line);
    if (!match) return undefined;
    const code = Number(match[1]);
    if (this.#lines.length === 0) this.#code = code;
    if (code !== this.#code || this.#lines.push(match[3] ?? '') > MAX_LINES) return undefined;
    return match[2] !== '-';
  }

  #finish(): Reply {
    const reply = { code: this.#code, lines: this.#lines };
    this.#lines = [];
    return reply;
  }
}

const CR = 0x0d;
const LF = 0x0a;
const REPLY_LINE = /^([2-5]\d\d)(?:([ -])(.*))?$/;

/** Reads a reply that somebody pasted or a bounce report quotes; undefined when it starts with no reply code. */
export function parseReply(text: string): Reply | undefined {
  const parser = new ReplyParser();
  const lines = text.trim().split(/\r?\n/);
  const quoted = lines.map((line, at) =>
    line.replace(/^(\d{3})[ -]/, at === lines.length - 1 ? '$1 ' : '$1-'),
  );
  parser.push(Buffer.from(`${quoted.join('\n')}\n`));
  const reply = parser.next();
  return reply && 'code' in reply ? reply : undefined;
}

/** The reply as it is stored and shown: `550 5.1.1 …`, lines joined by \n, control characters removed. */
export function replyText({ code, lines }: Reply): string {
  return lines.map((line) => `${code} ${line.replace(CONTROL, '')}`.trimEnd()).join('\n');
}

const CONTROL = /[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g; // also those that turn the direction of text

/**
 * The enhanced status code, such as `5.1.1`: at the start of the text (RFC 2034 §4), or where qmail writes it, in
 * parentheses at the end.
 */
export function enhancedCode({ code, lines }: Reply): string | undefined {
  const found = ENHANCED.exec(lines[0] ?? '')?.[1] ?? IN_PARENTHESES.exec(lines.join(' '))?.[1];
  return found !== undefined && found[0] === String(code)[0] ? found : undefined;
}

const ENHANCED = /^[#(]?([245]\.\d{1,3}\.\d{1,3})\b/;
const IN_PARENTHESES = /\(#([245]\.\d{1,3}\.\d{1,3})\)/;
