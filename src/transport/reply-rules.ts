import { ENHANCED_RULES } from './enhanced-rules.ts';
import { OPENING_RULES } from './opening-rules.ts';
import type { Stage } from './outcome.ts';
import { PROVIDER_RULES } from './provider-rules.ts';
import { LATE_RULES, RECIPIENT_RULES } from './recipient-rules.ts';
import { SENDER_RULES } from './sender-rules.ts';
import type { VerdictName } from './verdicts.ts';

/** Providers whose replies need rules of their own, known by preset or by host name. */
export type Provider = 'ses' | 'gmail' | 'microsoft' | 'postmark' | 'mandrill' | 'zeptomail';

/** Every condition that is given must hold. The first rule that holds decides. */
export interface ReplyRule {
  id: string;
  stages?: readonly Stage[];
  provider?: Provider;
  /** Matched on the three digits. */
  digits?: RegExp;
  /** Matched on the enhanced status code; fails when there is none. */
  enhanced?: RegExp;
  /** Matched on the text without the addresses in it. Its named groups fill placeholders of the sentence. */
  text?: RegExp;
  verdict: VerdictName;
  /** Why the rule is there and stands where it stands. */
  why: string;
}

/** The terminator's own answers: only what follows a 4yz or 5yz needs reading. */
const FINAL_RULES: readonly ReplyRule[] = [
  {
    id: 'accepted',
    stages: ['dot'],
    digits: /^2/,
    verdict: 'accepted',
    why: 'RFC 5321 §4.2.1: the server has taken responsibility',
  },
  {
    id: 'neither-yes-nor-no',
    stages: ['dot'],
    digits: /^3/,
    verdict: 'uncertain',
    why: 'no answer to the terminator is defined in 3yz',
  },
];

/** What is left when nothing but three digits is known. Unknown replies follow their first digit. */
const DIGIT_RULES: readonly ReplyRule[] = [
  {
    id: 'closing',
    digits: /^421$/,
    verdict: 'server_closing',
    why: 'RFC 5321 §3.8; read after the dot it is a definite "not accepted"',
  },
  {
    id: 'bad-sequence',
    digits: /^50[023]$/,
    verdict: 'out_of_order',
    why: 'a command of ours was not understood there and then: the dialogue is at fault, no message',
  },
  {
    id: 'sign-in-first',
    stages: ['mail', 'rcpt', 'data', 'body', 'dot'],
    digits: /^53/,
    verdict: 'auth_required',
    why: 'RFC 4954 §6',
  },
  {
    id: 'parameter',
    stages: ['mail', 'rcpt'],
    digits: /^(504|555)$/,
    verdict: 'parameter',
    why: 'RFC 5321 §4.1.1.11',
  },
  {
    id: 'no-space',
    stages: ['mail', 'rcpt'],
    digits: /^452$/,
    verdict: 'server_full',
    why: 'RFC 5321 §4.2.3: insufficient system storage',
  },
  { id: 'mail-size', stages: ['mail'], digits: /^552$/, verdict: 'too_large', why: 'RFC 1870 §6.1' },
  {
    id: 'mail-syntax',
    stages: ['mail'],
    digits: /^501$/,
    verdict: 'sender_invalid',
    why: 'the address is the argument most likely meant',
  },
  {
    id: 'mail-refused',
    stages: ['mail'],
    digits: /^55[034]$/,
    verdict: 'sender_not_allowed',
    why: 'MAIL names only the sender',
  },
  {
    id: 'rcpt-no-mail',
    stages: ['rcpt'],
    digits: /^556$/,
    verdict: 'domain_unknown',
    why: 'RFC 7504 §4, RFC 7505 §4.1: the domain takes no mail',
  },
  {
    id: 'rcpt-full',
    stages: ['rcpt'],
    digits: /^552$/,
    verdict: 'mailbox_full',
    why: 'RFC 5321 §4.2.2: exceeded storage allocation',
  },
  {
    id: 'rcpt-not-local',
    stages: ['rcpt'],
    digits: /^551$/,
    text: /\b(local|user|mailbox|recipient|customer|moved|forward\w*)\b/i,
    verdict: 'recipient_unknown',
    why: 'RFC 5321 §4.2.2: user not local; some number anything 551',
  },
  {
    id: 'rcpt-later',
    stages: ['rcpt'],
    digits: /^4/,
    verdict: 'greylisted',
    why: 'RCPT names only the recipient: this delivery waits, others go on',
  },
  { id: 'final-size', stages: ['body', 'dot'], digits: /^552$/, verdict: 'too_large', why: 'RFC 1870 §6.3' },
  { id: 'later', digits: /^4/, verdict: 'server_temporary', why: 'the first digit says: not now' },
  {
    id: 'data-answer',
    stages: ['data'],
    verdict: 'out_of_order',
    why: 'sender and recipient are taken and the message is unseen: neither can be at fault',
  },
  { id: 'rejected', digits: /^5/, verdict: 'rejected', why: 'unknown reason: nobody is suppressed for it' },
  {
    id: 'wrong-class',
    verdict: 'protocol',
    why: 'a reply of a class that does not belong here: the dialogue is out of step',
  },
];

/**
 * Stage, then providers, wording, enhanced code, three digits. The sender's fault is looked for before the recipient's.
 * The last rule of all fits everything.
 */
export const REPLY_RULES: readonly ReplyRule[] = [
  ...OPENING_RULES,
  ...FINAL_RULES,
  ...PROVIDER_RULES,
  ...SENDER_RULES,
  ...RECIPIENT_RULES,
  ...ENHANCED_RULES,
  ...LATE_RULES,
  ...DIGIT_RULES,
];
