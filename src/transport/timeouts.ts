/** Milliseconds a session waits at each stage before it gives up. */
export interface Timeouts {
  /** All lookups of one name. */
  dns: number;
  /** All addresses of the name together. */
  connect: number;
  greeting: number;
  /** Of silence in place of a greeting, after which we look whether the port waits for TLS. */
  probeAfter: number;
  /** The TLS handshake. */
  tls: number;
  /** Each reply up to DATA. */
  command: number;
  /** Each slice of the content to be taken by the network. */
  dataBlock: number;
  /** The reply to the terminator. */
  afterDot: number;
  quit: number;
  /** Opening a session altogether. */
  opening: number;
}

/**
 * RFC 5321 §4.5.3.2 asks for five minutes at the greeting and at most commands. A session that waits less loses
 * nothing, as nothing has been sent; after the dot it would lose certainty, so there its ten minutes are kept.
 */
export const TIMEOUTS: Timeouts = {
  dns: 10_000,
  connect: 15_000,
  greeting: 30_000,
  probeAfter: 8_000, // servers that try the patience of spammers greet after 6 s
  tls: 20_000,
  command: 60_000,
  dataBlock: 180_000, // §4.5.3.2.5
  afterDot: 600_000, // §4.5.3.2.6
  quit: 2_000,
  opening: 120_000,
};

/** Somebody is looking at a form: the answer comes within 15 s. */
export const VERIFY_TIMEOUTS: Timeouts = {
  ...TIMEOUTS,
  dns: 5_000,
  connect: 6_000,
  greeting: 9_000,
  probeAfter: 4_000,
  tls: 8_000,
  command: 9_000,
  quit: 500,
  opening: 14_000,
};
