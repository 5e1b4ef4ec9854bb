const TERMINATOR = '\r\n.\r\n';
const SEAM = TERMINATOR.length - 1;
const CRLF = Buffer.from('\r\n');

/** Collects a message until the terminator (RFC 5321 §4.1.1.4), wherever the network cut it into chunks. */
export class MessageReader {
  readonly #limit: number;
  readonly #isLenient: boolean;
  /** Set by the reader's owner when the first bytes arrived. */
  hasBegun = false;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** The last bytes seen, for a terminator across chunks. The CRLF of the DATA command counts as the first. */
  #seam: Buffer = CRLF;

  /** Content above `limit` bytes is counted and thrown away. A lenient reader takes every odd terminator for one. */
  constructor(limit: number, isLenient = false) {
    this.#limit = limit;
    this.#isLenient = isLenient;
  }

  get isTooLarge(): boolean {
    return this.#bytes > this.#limit;
  }

  /** How many bytes of `chunk` belong to the message with its terminator, or -1 when the end is not in it. */
  take(chunk: Buffer): number {
    const end = this.#endIn(chunk);
    const mine = end < 0 ? chunk : chunk.subarray(0, end);
    this.#bytes += mine.length;
    if (this.isTooLarge) this.#chunks = [];
    else this.#chunks.push(mine);
    if (end < 0) this.#seam = Buffer.concat([this.#seam, chunk.subarray(-SEAM)]).subarray(-SEAM);
    return end;
  }

  /** The content without the terminator, its dots unstuffed. Empty when it was too large. */
  content(): Buffer {
    if (this.isTooLarge) return Buffer.alloc(0);
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    return unstuffDots(all.subarray(0, all.lastIndexOf(DOT)));
  }

  #endIn(chunk: Buffer): number {
    if (this.#isLenient) return this.#oddEndIn(chunk);
    const across = Buffer.concat([this.#seam, chunk.subarray(0, SEAM)]).indexOf(TERMINATOR);
    if (across >= 0) return across + TERMINATOR.length - this.#seam.length;
    const within = chunk.indexOf(TERMINATOR);
    return within < 0 ? -1 : within + TERMINATOR.length;
  }

  #oddEndIn(chunk: Buffer): number {
    const text = this.#seam.toString('latin1') + chunk.toString('latin1');
    const found = ODD_TERMINATOR.exec(text);
    return found ? found.index + found[0].length - this.#seam.length : -1;
  }
}

const ODD_TERMINATOR = /[\r\n]\.(\r\n|[\r\n])/;

/** Takes the first dot off every line that starts with one (RFC 5321 §4.5.2). */
function unstuffDots(content: Buffer): Buffer {
  const parts: Buffer[] = [];
  let from = content[0] === DOT ? 1 : 0;
  for (let at = content.indexOf('\r\n.'); at >= 0; at = content.indexOf('\r\n.', at + 3)) {
    parts.push(content.subarray(from, at + 2));
    from = at + 3;
  }
  if (parts.length === 0) return content.subarray(from);
  return Buffer.concat([...parts, content.subarray(from)]);
}

const DOT = 0x2e;
