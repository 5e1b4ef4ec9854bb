import type { Reply } from './reply.ts';

/** What a server said it can do in its answer to EHLO. */
export interface Capabilities {
  /** HELO when the server does not know EHLO: then it can do nothing beyond RFC 821. */
  hello: 'EHLO' | 'HELO';
  /** RFC 2920. */
  pipelining: boolean;
  /** Bytes a message may have (RFC 1870); undefined when not told. */
  size: number | undefined;
  /** RFC 6152. */
  eightBitMime: boolean;
  /** RFC 6531. */
  smtpUtf8: boolean;
  /** RFC 2034. */
  enhancedStatusCodes: boolean;
  /** RFC 3207. */
  starttls: boolean;
  /** Mechanisms in upper case (RFC 4954). */
  auth: string[];
}

export function readCapabilities(hello: 'EHLO' | 'HELO', reply: Reply): Capabilities {
  const offered = hello === 'EHLO' ? reply.lines.slice(1).map((line) => line.trim().toUpperCase()) : [];
  const words = new Map(
    offered.map((line) => line.split(/[ =]+/)).map(([name = '', ...rest]) => [name, rest]),
  );
  const size = Number(words.get('SIZE')?.[0] ?? 0);
  return {
    hello,
    pipelining: words.has('PIPELINING'),
    size: size > 0 ? size : undefined, // 0 means no limit is known (RFC 1870 §4)
    eightBitMime: words.has('8BITMIME'),
    smtpUtf8: words.has('SMTPUTF8'),
    enhancedStatusCodes: words.has('ENHANCEDSTATUSCODES'),
    starttls: words.has('STARTTLS'),
    auth: mechanisms(offered),
  };
}

/** `AUTH PLAIN LOGIN`, and `AUTH=PLAIN LOGIN` as written before RFC 2554; some servers say both. */
function mechanisms(offered: string[]): string[] {
  const lines = offered.filter((line) => /^AUTH[ =]/.test(line));
  return [...new Set(lines.flatMap((line) => line.slice('AUTH='.length).split(/\s+/)))].filter(
    (word) => word !== '',
  );
}
