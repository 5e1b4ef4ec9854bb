/** One recipient per transaction: every reply then has exactly one message to answer for. */
export interface Envelope {
  /** The return path; empty for the null sender (RFC 5321 §4.5.5). */
  from: string;
  to: string;
  /** Bytes of the content, compared with the server's limit (RFC 1870). Taken from the content when missing. */
  size?: number;
  /** An address has characters outside ASCII before its @ (RFC 6531). */
  needsSmtpUtf8: boolean;
  /** The content's maker vouches that `wireContent` would change nothing, which spares the look at every byte. */
  isWireForm?: boolean;
}

/** Addresses were validated above; one that could end a command early is a bug there and stops here. */
export function assertEnvelope(envelope: Envelope): void {
  if (envelope.to === '') throw new TypeError('The envelope has no recipient.');
  for (const address of [envelope.from, envelope.to]) {
    if (BREAKS_A_COMMAND.test(address))
      throw new TypeError('An envelope address contains CR, LF, NUL, a space or < >.');
  }
}

const BREAKS_A_COMMAND = /[\0-\x20\x7f<>\u0085\u2028\u2029]/;
