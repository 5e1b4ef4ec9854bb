/** RFC 5321 §4.1.1.4. The content before it ends in CRLF. */
export const TERMINATOR = '.\r\n';

/**
 * The content as it may cross the wire: every line ends in CRLF, no line is a lone dot by accident (RFC 5321 §4.5.2),
 * and no bare CR or LF is left for a lenient server to take for the end (SMTP smuggling). Returns the same buffer when
 * there is nothing to do.
 */
export function wireContent(content: Buffer): Buffer {
  const extra = countMissing(content);
  return extra === 0 ? content : rewrite(content, extra);
}

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

/** How many bytes the rules add. */
function countMissing(content: Buffer): number {
  let missing = content.length > 0 && content[0] === DOT ? 1 : 0;
  let ended = 0; // where the last line ended
  for (let at = nextBreak(content, 0); at < content.length; at = nextBreak(content, ended)) {
    const isPair = content[at] === CR && content[at + 1] === LF;
    if (!isPair) missing++;
    ended = at + (isPair ? 2 : 1);
    if (content[ended] === DOT) missing++;
  }
  return ended === content.length ? missing : missing + 2;
}

function rewrite(content: Buffer, extra: number): Buffer {
  const written = Buffer.allocUnsafe(content.length + extra);
  let to = 0;
  let from = 0;
  while (from < content.length) {
    if (content[from] === DOT) written[to++] = DOT;
    const end = nextBreak(content, from);
    to += content.copy(written, to, from, end);
    written[to++] = CR;
    written[to++] = LF;
    from = end + (content[end] === CR && content[end + 1] === LF ? 2 : 1);
  }
  return written;
}

/** Where the next CR or LF stands; the end when there is none. */
function nextBreak(content: Buffer, from: number): number {
  let at = from;
  while (at < content.length && content[at] !== LF && content[at] !== CR) at++;
  return at;
}
