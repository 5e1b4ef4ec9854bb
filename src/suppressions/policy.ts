import type { OutcomeClass } from '../transport/outcome.ts';

const DAY = 24 * 60 * 60 * 1_000;

/** A mailbox that was full for this many messages within the window is not read any more, for now. */
const FULL_MESSAGES = 3;
/** Soft bounces on this many different days (UTC) within the window, and nothing delivered between. */
const SOFT_DAYS = 5;
export const WINDOW = 30 * DAY;
/** What may pass is blocked for a while only. */
const BLOCKED_FOR = 30 * DAY;

/** How one attempt at a recipient ended, or what was reported of it later. */
export interface RecipientEvent {
  at: number;
  /** The retries of one message count once. */
  messageId: string;
  class: OutcomeClass;
  code: string;
}

export interface BlockDecision {
  block: boolean;
  /** When the block ends by itself; null for good. */
  until: number | null;
  /** For the person who asks why. */
  reason: string;
}

/** Codes that say the address is bad: it does not exist, is switched off, or its domain takes no mail. */
const HARD_CODES: ReadonlySet<string> = new Set(['recipient_unknown', 'mailbox_disabled', 'domain_unknown']);
const NO_BLOCK: BlockDecision = { block: false, until: null, reason: 'Nothing speaks against the address.' };

/**
 * Whether an address is blocked after its latest event. Only a recipient's fault counts, by class and by code: a
 * fault of the sender, the server or a policy never blocks, whatever else is in the history.
 * @param history the events of this recipient in this workspace, the latest included, in any order
 */
export function blockAfter(history: readonly RecipientEvent[]): BlockDecision {
  const events = [...history].sort((a, b) => a.at - b.at);
  const latest = events.at(-1);
  if (!latest) return NO_BLOCK;
  if (isHard(latest))
    return { block: true, until: null, reason: `The address bounced for good: ${latest.code}.` };
  if (!isSoft(latest)) return NO_BLOCK;
  return afterSoft(sinceSuccess(events, latest.at), latest.at);
}

function afterSoft(soft: readonly RecipientEvent[], now: number): BlockDecision {
  const full = new Set(soft.filter((event) => event.code === 'mailbox_full').map((event) => event.messageId))
    .size;
  const days = new Set(soft.map((event) => Math.floor(event.at / DAY))).size;
  if (full >= FULL_MESSAGES) return forNow(now, `The mailbox was full for ${full} messages within 30 days.`);
  if (days >= SOFT_DAYS)
    return forNow(now, `Messages bounced on ${days} days within 30 days, and none was delivered.`);
  return { ...NO_BLOCK, reason: 'The trouble may pass.' };
}

function forNow(now: number, reason: string): BlockDecision {
  return { block: true, until: now + BLOCKED_FOR, reason };
}

/** The soft bounces of the window that no success followed. Greylisting is among them: it ends with a success. */
function sinceSuccess(events: readonly RecipientEvent[], now: number): RecipientEvent[] {
  const succeeded = events.findLast((event) => event.class === 'accepted')?.at ?? Number.NEGATIVE_INFINITY;
  return events.filter((event) => isSoft(event) && event.at > succeeded && event.at > now - WINDOW);
}

function isHard(event: RecipientEvent): boolean {
  return event.class === 'recipient_permanent' && HARD_CODES.has(event.code);
}

function isSoft(event: RecipientEvent): boolean {
  return event.class === 'recipient_temporary';
}
