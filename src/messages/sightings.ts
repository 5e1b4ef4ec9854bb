/** What one line of a server's log, or one row of a provider's export, says of a message. */
export interface Sighting {
  /** What the server calls it. */
  queueId?: string;
  /** Without angle brackets. */
  messageId?: string;
  /** Our id, from the header X-Mailwright-ID. */
  xId?: string;
  rcpt?: string;
  /** The server has the whole message. Lines of a log may name a message long before that. */
  arrived?: boolean;
  /** The server gave the message to itself, through a filter: it did not arrive once more. */
  again?: boolean;
}

export type Form = 'postfix' | 'exim' | 'csv' | 'json';

const OUR_ID = /\bmsg_[0-9a-z]{26}\b/;
/** Message-IDs as we make them: id, a signature, the sender's domain. */
const OUR_MESSAGE_ID = /^msg_[0-9a-z]{26}\.[0-9a-f]{8}@/;

export function isOurMessageId(messageId: string): boolean {
  return OUR_MESSAGE_ID.test(messageId);
}

/** Program, queue id (short: hexadecimal, long: base 52 without vowels), and what it says (postfix.org/postconf.5.html, enable_long_queue_ids). */
const POSTFIX =
  /\bpostfix[^\s[/]*\/(?:[\w-]+\/)*([\w-]+)\[\d+\]: (?:[A-Z]+: )?([0-9A-F]{6,}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}): (.*)$/;

/** @returns undefined for a line that says nothing of a message */
export function postfixSighting(line: string): Sighting | undefined {
  const [, program, queueId, said] = POSTFIX.exec(line) ?? [];
  if (!program || !queueId || said === undefined) return undefined;
  const xId = /X-Mailwright-ID:?\s+(msg_[0-9a-z]{26})\b/i.exec(said)?.[1];
  const base = { queueId, ...(xId ? { xId } : {}) };
  // cleanup(8) names the Message-ID while the content still comes in; qmgr(8) has the whole message.
  const messageId = /^(?:resent-)?message-id=<?([^>\s]+)>?/.exec(said)?.[1];
  if (program === 'cleanup' && messageId) return { ...base, messageId };
  if (program === 'qmgr')
    return /^from=<.*\(queue active\)/.test(said) ? { ...base, arrived: true } : undefined;
  if (program === 'smtpd' && said.includes('orig_queue_id=')) return { ...base, again: true };
  const rcpt = (/\borig_to=<([^>]*)>/.exec(said) ?? /^to=<([^>]*)>/.exec(said))?.[1];
  if (rcpt) return { ...base, rcpt: rcpt.toLowerCase() };
  return xId ? base : undefined;
}

/** Date, id (6-6-2 characters, since 4.97 6-11-4), flag (exim.org, "Log files"). */
const EXIM =
  /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})?(?: \[\d+\])? ([0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4})) (<=|=>|->|\*\*|==) (.*)$/;

export function eximSighting(line: string): Sighting | undefined {
  const [, queueId, flag, said] = EXIM.exec(line) ?? [];
  if (!queueId || said === undefined) return undefined;
  if (flag === '<=') {
    const messageId = /(?:^|\s)id=<?([^>\s]+)>?/.exec(said)?.[1];
    return { queueId, arrived: true, ...(messageId ? { messageId } : {}) };
  }
  // "final <original> R=…": the original is what we asked for.
  const rcpt = (/^\S+ <([^>\s]+@[^>\s]+)>/.exec(said) ?? /^([^\s<>]+@[^\s<>:]+)/.exec(said))?.[1];
  return rcpt ? { queueId, rcpt: rcpt.toLowerCase() } : undefined;
}

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');
/** Columns and fields that hold what the server calls a message, the surest first. */
const QUEUE_NAMES = [
  'queueid',
  'qid',
  'servermessageid',
  'providermessageid',
  'sgmessageid',
  'messageid',
  'mailid',
  'id',
];
const RCPT_NAMES = [
  'recipient',
  'rcpt',
  'rcptto',
  'to',
  'email',
  'emailaddress',
  'recipientemail',
  'destination',
];
const MESSAGE_ID_NAMES = [
  'messageid',
  'msgid',
  'smtpid',
  'headermessageid',
  'rfc822messageid',
  'internetmessageid',
  'mimemessageid',
];

/** Names under which a row says something of a message; used to know a header line. */
export function namesMessages(names: readonly string[]): boolean {
  const known = new Set([...QUEUE_NAMES, ...MESSAGE_ID_NAMES, 'xmailwrightid', 'mailwrightid']);
  return names.some((name) => known.has(plain(name)));
}

/**
 * A row of an export, as name and value. Our own ids are known by their form, wherever they stand; what the server calls
 * the message, and whom it went to, by the names of the fields.
 */
export function fieldsSighting(fields: Iterable<readonly [string, string]>): Sighting | undefined {
  const found: Sighting = { arrived: true };
  let rank = QUEUE_NAMES.length;
  for (const [name, raw] of fields) {
    const key = plain(name);
    const value = raw.trim().replace(/^<|>$/g, '');
    if (value === '') continue;
    const at = QUEUE_NAMES.indexOf(key);
    if (isOurMessageId(value)) found.messageId = value;
    else if (OUR_ID.test(value) && value.length === 'msg_'.length + 26) found.xId = value;
    else if (key === 'xmailwrightid' || key === 'mailwrightid') found.xId = value;
    else if (MESSAGE_ID_NAMES.includes(key) && value.includes('@')) found.messageId ??= value;
    else if (at !== -1 && at < rank) {
      rank = at;
      found.queueId = value;
    } else if (RCPT_NAMES.includes(key) && /^[^\s@]+@[^\s@]+$/.test(value))
      found.rcpt ??= value.toLowerCase();
  }
  return found.queueId || found.messageId || found.xId ? found : undefined;
}

const DEEPEST = 6;

/** Every text of a JSON value with the name it stands under; a header list of `{name, value}` counts as fields. */
export function* textFields(value: unknown, name = '', depth = 0): Generator<readonly [string, string]> {
  if (typeof value === 'string') yield [name, value];
  else if (typeof value === 'number') yield [name, String(value)];
  else if (value !== null && typeof value === 'object' && depth < DEEPEST) {
    const header = value as { name?: unknown; value?: unknown };
    if (typeof header.name === 'string' && typeof header.value === 'string')
      yield [header.name, header.value];
    for (const [key, inner] of Object.entries(value))
      yield* textFields(inner, Array.isArray(value) ? name : key, depth + 1);
  }
}
