import { ABOUT_RECIPIENT } from './outcome.ts';
import type { ReplyRule } from './reply-rules.ts';

/** What only a server says of itself or of us: with such a word the reply is not about the recipient's existence. */
const NOT_OF_US =
  '^(?!.*\\b(sender|mail from|return.path|helo|ehlo|client host|reverse dns|dns error|spam|reputation)\\b)';

/** Wording about the message and the recipient, for servers without enhanced codes and those that misuse them. */
export const RECIPIENT_RULES: readonly ReplyRule[] = [
  {
    id: 'malformed-words',
    stages: ['data', 'body', 'dot'],
    digits: /^5/,
    text: /not .{0,12}RFC.{0,12}compliant|must be RFC|RFC ?(2822|5322|1035)|duplicate header|malformed|missing (required |a valid )?header|multiple (from|subject|date)\b|invalid header|header (error|syntax)|syntax error in header|bare (lf|cr)\b|8.?bit data/i,
    verdict: 'malformed',
    why: 'Gmail numbers it 5.7.1, as policy',
  },
  {
    id: 'size-of-recipient',
    stages: ABOUT_RECIPIENT,
    digits: /^5/,
    enhanced: /^5\.2\.3$/,
    verdict: 'too_large_for_recipient',
    why: "the recipient's limit, behind every server",
  },
  {
    id: 'code-full',
    stages: ABOUT_RECIPIENT,
    enhanced: /^[45]\.2\.2$/,
    verdict: 'mailbox_full',
    why: 'also as 5.2.2: a full mailbox can be emptied; its words may speak of sizes',
  },
  {
    id: 'size-words',
    stages: ['mail', 'rcpt', 'data', 'body', 'dot'],
    digits: /^5/,
    text: /(message|mail|e-?mail|data|content|attachment)s?( file| header)?( size| length)? (is |was )?(too (large|big|long)|exceed(s|ed)? (?!.{0,30}(quota|storage|mailbox)))|\b(message|mail|size)\b.{0,30}\bsize (limit )?exceed|maximum (message|e?mail) size|larger than|too much mail data|too (large|big)\b/i,
    verdict: 'too_large',
    why: 'said as 552, 554 or 550, with and without 5.3.4',
  },
  {
    id: 'content-words',
    stages: ABOUT_RECIPIENT,
    digits: /^5/,
    text: /\bvirus|malware|\binfected|eicar|(attachment|\bfiles?\b).{0,40}(block|not (allowed|permitted|accepted)|prohibited|reject|forbidden)|(blocked|prohibited|forbidden|illegal|dangerous|banned) (attachment|file|content)|potential security issue|banned content/i,
    verdict: 'content_blocked',
    why: 'coded 552 5.7.0 or 554 5.7.1',
  },
  {
    id: 'system-full',
    digits: /^[45]/,
    text: /insufficient (system |disk )?(storage|resources|space)|system storage|queue .{0,10}(full|quota)|no space left|(mail )?system full|(out of|low on) disk/i,
    verdict: 'server_full',
    why: "the server's disk, not a mailbox",
  },
  {
    id: 'full-mailbox',
    stages: ABOUT_RECIPIENT,
    digits: /^[45]/,
    text: /(mailbox|inbox|mail ?box|mail folder|account|recipient|user).{0,40}\b(full|over ?quota|over (its|the|his|their|disk|maximum)|exceed(s|ed|ing)?|out of (storage|space|disk))|(full|over ?quota) (mail|in)box|\bover ?(the )?(disk |mail |storage )?quota|\bquota\b.{0,30}(exceed|full|reached|over)|exceed(s|ed)?.{0,40}\b(quota|storage|mailbox)|(out of|not enough|insufficient).{0,20}(storage|space|quota)|max(imum)? (mailbox|storage) size|storage (limit|full)|disk full|quota violation/i,
    verdict: 'mailbox_full',
    why: 'a full mailbox can be emptied, also when coded 5yz',
  },
  {
    id: 'disabled-mailbox',
    stages: ABOUT_RECIPIENT,
    digits: /^5/,
    text: new RegExp(
      `${NOT_OF_US}.*(\\b(mailbox|recipient|user|account|e-?mail address|address|mail ?box)\\b( name| that you tried to reach| someone@| <someone@>)*( is| has been| was| are)?( currently| temporarily| permanently| no longer active,?)* (disabled|inactive|suspended|deactivated|discontinued|closed|retired|expired|frozen)|\\b(mailbox|recipient|user)\\b.{0,60} (is|has been|was) (currently |temporarily )?(disabled|inactive|suspended|deactivated|closed)|recipient'?s? (account|mailbox) is (blocked|locked)|(disabled|inactive|suspended|deactivated|expired) (user|recipient|mailbox|account|address)|not (an )?active (user|mailbox|account|recipient)|recipient suspend|recipient address rejected: inactive)`,
      'i',
    ),
    verdict: 'mailbox_disabled',
    why: 'comes after the rules for the sending account',
  },
  {
    id: 'no-route',
    stages: ABOUT_RECIPIENT,
    enhanced: /^[45]\.4\.4$/,
    verdict: 'domain_unreachable',
    why: 'a DNS fault of today may be gone tomorrow, also where the words say "unknown"',
  },
  {
    id: 'unknown-domain',
    stages: ABOUT_RECIPIENT,
    digits: /^5(?!21)/, // RFC 7504 §3: 521 is the host that we talk to
    text: new RegExp(
      `${NOT_OF_US}.*(\\bnull ?mx\\b|(no such|unknown|nonexistent|bad) (recipient |destination |mail |e?mail )?(domain|host|system)\\b|invalid (recipient|destination) domain|invalid domain .{0,20}recipient|\\b(domain|host)( name)?( someone@| \\S+\\.\\S+)?( or domain name)?( is| was| does| has)? ?(not found|n.?t exist|not exist|unknown|not accept (any )?(e?-?mail|messages)|not receive|no mail|has no mx)|unrouteable (mail )?domain|unroutable domain|no (valid )?(mx|mail exchanger)|all relevant mx|mail domain .{0,40}(unknown|not exist)|domain takes no mail)`,
      'i',
    ),
    verdict: 'domain_unknown',
    why: 'RFC 7505 for a null MX, and what resolvers say through servers that number it 5.1.1 or not at all',
  },
  {
    id: 'unknown-user',
    stages: ABOUT_RECIPIENT,
    digits: /^5/,
    text: new RegExp(
      `${NOT_OF_US}.*(${[
        '\\b(unknown|no such|non-?exist[ea]nt|invalid|not a valid|not a known) (local |destination |final |virtual |mail ?)?(user|recipient|mailbox|account|addressee|person|mail ?box|alias)s?\\b',
        '\\b(user|recipient|mailbox|account|addressee|person|mail ?box|username|e-?mail account|(?<!ip )address)(name|es)?\\b[^.;]{0,80}?\\b(unknown|not found|not exist|n.?t exist|not (a )?(valid|known|recogni[sz]ed|listed|registered)|cannot be found|could not be found|unrecogni[sz]ed|undeliverable|not here|no longer (exists?|valid|on|available|in use|used))',
        'no (mailbox|account|user|recipient|one|such person)\\b.{0,15}\\b(here|by that name|with|found|of that name)',
        'does(n.?t| not) have an? .{0,40}account',
        'not (our|a) customer|not known (at|here)|unrouteable address|unroutable address|address unknown|RecipientNotFound|no longer on server|marked as invalid',
        'recipient address rejected: (undeliverable|unverified)|invalid-recipient|not in recipient list|someone@>? (is )?no longer (valid|exists?|in use)',
        'user .{0,60} (unknown|does(n.?t| not) exist|not found)',
        'undeliverable address|address (that )?does(n.?t| not) exist',
      ].join('|')})`,
      'i',
    ),
    verdict: 'recipient_unknown',
    why: 'servers without enhanced codes, such as Exim, and those that say 5.0.0 or 5.5.0',
  },
  {
    id: 'unavailable-mailbox',
    stages: ['rcpt'],
    digits: /^55[013]$/,
    text: new RegExp(
      `${NOT_OF_US}.*(mailbox (is )?(unavailable|not available)|mailbox name (not allowed|invalid)|^\\d{3} #?5\\.1\\.0 (#5\\.1\\.0 )?(recipient )?address rejected|(bad|invalid) (destination |recipient )?(e-?mail )?address|need fully.qualified address)`,
      'i',
    ),
    verdict: 'recipient_unknown',
    why: 'RFC 5321 §4.2.2 and Cisco; at RCPT it is the recipient, at the end it could be policy',
  },
  {
    id: 'unknown-domain-now',
    stages: ABOUT_RECIPIENT,
    digits: /^4(?!21)/,
    text: new RegExp(`${NOT_OF_US}.*\\b(domain|host)( name)? (not found|unknown|not exist|not resolve)`, 'i'),
    verdict: 'domain_unreachable',
    why: 'a name that was not found just now may be there later',
  },
  {
    id: 'recipient-later',
    stages: ABOUT_RECIPIENT,
    digits: /^4(?!21)/,
    text: /recipient address rejected|(user|recipient) unknown|(mailbox|recipient|user) (is )?(temporarily )?(busy|unavailable|locked|not available)|unverified address/i,
    verdict: 'greylisted',
    why: 'not now, and about this recipient only, also where it is said at the end',
  },
  {
    id: 'spam-words',
    stages: ABOUT_RECIPIENT,
    digits: /^5/,
    text: /\b(spam|junk|unsolicited|ube|uce|phish\w*)\b|spammy|message content rejected|bulk mail|recipient preferences|rejected by (this |the )?(user|recipient)|policy error|blocked (your|by|the) (domain|sender|address|recipient|user|e-?mail)/i,
    verdict: 'policy_rejected',
    why: 'a judgment of the message; some number it 5.1.1, 5.1.6 or 5.2.1',
  },
];

/** Wording that an enhanced code overrules: without one it says more than the three digits. */
export const LATE_RULES: readonly ReplyRule[] = [
  {
    id: 'policy-words',
    stages: ABOUT_RECIPIENT,
    digits: /^5/,
    text: /\bpolic(y|ies)\b|administrative prohibition|not authori[sz]ed|access denied|rejected by (this |the )?(user|recipient)|(content|message) (was |is |has been )?(blocked|filtered)|security reasons|\bprohibited\b/i,
    verdict: 'policy_rejected',
    why: 'rules of the receiver, without the number 5.7.1',
  },
  {
    id: 'trouble-words',
    digits: /^4(?!21)/, // 421 ends the session, whatever the reason
    text: /local (problem|error)|(internal|system|server|processing|lookup|temporary) (server )?(error|failure|problem)|server (is )?(busy|unavailable|overload)|resources (temporarily )?(not available|unavailable)|try again later.{0,20}server|service (temporarily )?(not available|unavailable)/i,
    verdict: 'server_temporary',
    why: 'said at RCPT too, by a server that speaks of itself',
  },
];
