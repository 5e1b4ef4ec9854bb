const SECOND = 1_000;
const UNITS: Record<string, number> = {
  second: SECOND,
  minute: 60 * SECOND,
  hour: 3_600 * SECOND,
  day: 86_400 * SECOND,
};

/** Milliseconds until the time that a reply names for another try; undefined when it names none, or one in the past. */
export function statedWait(reply: string | undefined, now: number): number | undefined {
  const span = IN_A_WHILE.exec(reply ?? '');
  if (span) return Number(span[1]) * UNITS[span[2]!.toLowerCase()]!;
  const moment = Date.parse(AT_A_TIME.exec(reply ?? '')?.[1] ?? '');
  return moment > now ? moment - now : undefined;
}

/** "try again in 30 minutes", "wait 60 seconds", "retry after 5 minutes". */
const IN_A_WHILE =
  /\b(?:again|wait|retry)(?: later)?(?: in| after)? (\d{1,5}) ?(second|minute|hour|day)s?\b/i;
/** Mailgun: "try again after Sun, 05 Oct 2025 19:22:44 UTC". */
const AT_A_TIME = /\bagain (?:after|at) ([\w, :+-]{8,40}?(?:UTC|GMT|Z\b))/i;

/** Messages a second that a reply names as its limit: "14 per second", "30 messages per minute". */
export function statedRate(reply: string | undefined): number | undefined {
  const found = RATE.exec(reply ?? '');
  if (!found) return undefined;
  const [, amount, unit] = found;
  const rate = Number(amount) / (UNITS[unit!.toLowerCase()]! / SECOND);
  return rate > 0 ? rate : undefined;
}

const RATE =
  /\b(\d{1,6}(?:\.\d{1,3})?) ?(?:messages?|e?mails?|msgs?|recipients?)? ?(?:per|an?|\/) ?(second|minute|hour)\b/i;
