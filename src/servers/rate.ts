const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** What was learned about the pace of a server. */
export interface LearnedRate {
  /** Messages a second right after the latest cut; null while the server never asked to slow down. */
  rate: number | null;
  changedAt: number | null;
}

export const NEVER_SLOWED: LearnedRate = { rate: null, changedAt: null };

/** Tokens are messages that may go now. */
export interface Bucket {
  tokens: number;
  at: number;
}

export interface Refusal {
  now: number;
  /** Messages a second that the server took lately; null when nobody counted. */
  observed: number | null;
  /** Messages a second that its reply named as the limit. */
  stated: number | undefined;
  /** What was entered, or the preset's limit. */
  cap: number | null;
}

/** Refusals of messages that were under way when the rate was cut tell nothing new. */
const ONE_CUT_MS = 10 * SECOND;
const CUT = 0.5;
const RAISE_PER_MINUTE = 1.1;
/** The slowest that is learned: one message a minute still shows when a server has become faster. */
const SLOWEST = 1 / 60;
/** Where nothing was counted, a pace that nearly every server takes. */
const UNKNOWN_RATE = 1;
/** Above this a learned rate means nothing any more. */
const NO_LIMIT = 10_000;

/** The rate after a server asked to slow down: half of what it took, or what it named if that is less. */
export function afterRefusal(learned: LearnedRate, { now, observed, stated, cap }: Refusal): LearnedRate {
  if (learned.changedAt !== null && now - learned.changedAt < ONE_CUT_MS) return learned;
  const took = currentRate(learned, cap, now) ?? observed ?? stated ?? UNKNOWN_RATE;
  // Where less went out than is allowed, the pace that was observed is the one that was too much.
  const base = observed !== null && observed > 0 ? Math.min(took, observed) : took;
  const rate = stated !== undefined && stated < base ? stated : base * CUT;
  return { rate: Math.max(SLOWEST, rate), changedAt: now };
}

/** Messages a second now: what was learned, raised 10 % a minute since, at most the cap; null without any limit. */
export function currentRate(
  { rate, changedAt }: LearnedRate,
  cap: number | null,
  now: number,
): number | null {
  if (rate === null || changedAt === null) return cap;
  const minutes = Math.max(0, Math.floor((now - changedAt) / MINUTE));
  const raised = rate * RAISE_PER_MINUTE ** minutes;
  if (cap !== null) return Math.min(raised, cap);
  return raised > NO_LIMIT ? null : raised;
}

/**
 * A bucket holds a twentieth of a second's messages, at least one, and fills with the rest of the rate. So no second,
 * wherever it begins, has more than `rate` messages; providers count that way.
 */
const BURST_SHARE = 0.05;

/** Takes up to `wanted` tokens at `rate` messages a second. A clock that steps back gives none and takes none. */
export function take(
  bucket: Bucket,
  rate: number,
  now: number,
  wanted: number,
): { granted: number; bucket: Bucket } {
  const elapsed = Math.max(0, now - bucket.at) / SECOND;
  const size = Math.max(1, rate * BURST_SHARE);
  const filled = Math.min(size, bucket.tokens + elapsed * rate * (1 - BURST_SHARE));
  const granted = Math.max(0, Math.min(Math.floor(filled + ROUNDING), wanted));
  return {
    granted,
    bucket: { tokens: Math.max(0, filled - granted), at: Math.max(now, bucket.at) },
  };
}

/** Sums of fractions may end a hair below a whole token. */
const ROUNDING = 1e-9;

/** When the bucket has its next whole token: a millisecond or more from its time, so that asking then is progress. */
export function nextTokenAt(bucket: Bucket, rate: number): number {
  const missing = Math.max(0, 1 - bucket.tokens);
  return bucket.at + Math.max(1, Math.ceil((missing / (rate * (1 - BURST_SHARE))) * SECOND));
}
