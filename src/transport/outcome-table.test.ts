import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Context, classify } from './classify.ts';
import type { Failure, FailureKind } from './failure.ts';
import type { Blame, Outcome, OutcomeClass, Stage } from './outcome.ts';
import { parseReply } from './reply.ts';
import { CONTEXT } from './testing.ts';

// Every way a message can end, row by row: the stage and what happens there, and what must follow from it.

const ses = { preset: 'aws_ses', host: 'email-smtp.eu-west-1.amazonaws.com' };
const gmail = { preset: 'gmail', host: 'smtp.gmail.com' };
const microsoft = { preset: 'microsoft365', host: 'smtp.office365.com' };
const postmark = { preset: 'postmark', host: 'smtp.postmarkapp.com' };
const mandrill = { preset: 'mailchimp', host: 'smtp.mandrillapp.com' };
const zeptomail = { preset: 'generic', host: 'smtp.zeptomail.com' };

/** Class, whether it blocks, is retried, may take another server; ▸ allows another server where the class does not. */
const FOLLOWS: Record<string, [OutcomeClass, suppress: boolean, retry: boolean, failover: boolean]> = {
  OK: ['accepted', false, false, false],
  'R!': ['recipient_permanent', true, false, false],
  'R~': ['recipient_temporary', false, true, false],
  'M!': ['message_permanent', false, false, false],
  'M!▸': ['message_permanent', false, false, true],
  'S~': ['server_deferral', false, true, true],
  SX: ['server_attention', false, true, true],
  'N~': ['network', false, true, true],
  U: ['uncertain', false, false, false],
  L: ['local', false, true, false],
};

type Trigger = string | FailureKind | Failure;
type Row = [
  row: number,
  stage: Stage,
  trigger: Trigger,
  code: string,
  follows: string,
  blame: Blame,
  context?: Partial<Context>,
];

const PRIVATE: Failure = { kind: 'host_not_allowed', detail: { ip: '10.0.0.5', what: 'a private address' } };
const WAITED = { detail: { seconds: 15, ip: '192.0.2.1' } };

const CONNECTING: Row[] = [
  [2, 'dns', 'dns_not_found', 'dns_not_found', 'N~', 'server'],
  [3, 'dns', 'dns_temporary', 'dns_temporary', 'N~', 'network'],
  [4, 'dns', PRIVATE, 'host_not_allowed', 'SX', 'policy'],
  [5, 'connect', 'connect_refused', 'connect_refused', 'N~', 'server'],
  [6, 'connect', { kind: 'timeout', ...WAITED }, 'connect_timeout', 'N~', 'network'],
  [7, 'connect', { kind: 'network_unreachable', ...WAITED }, 'network_unreachable', 'N~', 'network'],
  [8, 'greet', 'closed', 'closed_before_greeting', 'N~', 'server'],
  [8, 'connect', 'closed', 'closed_before_greeting', 'N~', 'server'],
  [9, 'tls', 'tls_mode_should_be_starttls', 'tls_mode_should_be_starttls', 'SX', 'server'],
  [10, 'greet', 'tls_mode_should_be_ssl', 'tls_mode_should_be_ssl', 'SX', 'server'],
  [11, 'greet', { kind: 'timeout', ...WAITED }, 'greeting_timeout', 'N~', 'server'],
  [12, 'greet', { kind: 'malformed', detail: { kind: 'POP3' } }, 'not_smtp', 'SX', 'server'],
  [13, 'greet', '421 4.3.2 Too many sessions', 'server_busy', 'S~', 'server'],
  [14, 'greet', '554 5.7.1 No service for 192.0.2.1', 'greeting_refused', 'SX', 'server'],
  [14, 'greet', '521 Server does not accept mail', 'greeting_refused', 'SX', 'server'],
  [15, 'tls', { kind: 'tls_untrusted', detail: { detail: 'self-signed' } }, 'tls_untrusted', 'SX', 'server'],
  [
    16,
    'tls',
    { kind: 'tls_expired', detail: { from: 'May', to: 'June', now: 'July' } },
    'tls_expired',
    'SX',
    'server',
  ],
  [
    17,
    'tls',
    { kind: 'tls_name_mismatch', detail: { names: 'a', wanted: 'b' } },
    'tls_name_mismatch',
    'SX',
    'server',
  ],
  [18, 'tls', 'tls_too_old', 'tls_too_old', 'SX', 'server'],
  [19, 'tls', { kind: 'tls_failed', detail: { detail: 'reset' } }, 'tls_failed', 'N~', 'network'],
  [19, 'tls', { kind: 'timeout', detail: { detail: 'timed out' } }, 'tls_failed', 'N~', 'network'],
  [20, 'ehlo', 'starttls_missing', 'starttls_missing', 'SX', 'server'],
  [20, 'starttls', '502 5.5.1 Not implemented', 'starttls_missing', 'SX', 'server'],
  [21, 'starttls', '454 4.7.0 TLS not available due to local problem', 'starttls_temporary', 'S~', 'server'],
  [22, 'ehlo', '421 4.3.2 Try later', 'server_busy', 'S~', 'server'],
  [22, 'ehlo', '450 4.7.1 Try later', 'server_busy', 'S~', 'server'],
  [23, 'ehlo', '550 5.7.1 Helo rejected', 'helo_refused', 'SX', 'server'],
];

const SIGNING_IN: Row[] = [
  [24, 'auth', 'auth_not_offered', 'auth_not_offered', 'SX', 'server'],
  [24, 'auth', '503 AUTH command used when not advertised', 'auth_not_offered', 'SX', 'server'],
  [
    25,
    'auth',
    { kind: 'auth_mechanism', detail: { list: 'XOAUTH2', oauth: '' } },
    'auth_mechanism',
    'SX',
    'server',
  ],
  [25, 'auth', '504 5.7.4 Unrecognized authentication type', 'auth_mechanism', 'SX', 'server'],
  [26, 'auth', '535 5.7.8 Error: authentication failed', 'auth_rejected', 'SX', 'server'],
  [26, 'auth', '535 Incorrect authentication data', 'auth_rejected', 'SX', 'server'],
  [27, 'auth', '535 5.7.8 Username and Password not accepted', 'auth_app_password', 'SX', 'server', gmail],
  [27, 'auth', '534 5.7.9 Application-specific password required', 'auth_app_password', 'SX', 'server'],
  [28, 'auth', '534 5.7.14 Please log in via your web browser', 'auth_web_login', 'SX', 'server'],
  [28, 'auth', '534 5.7.14 Learn more', 'auth_web_login', 'SX', 'server', gmail],
  [29, 'auth', '535 5.7.139 Authentication unsuccessful', 'auth_basic_disabled', 'SX', 'server'],
  [29, 'auth', '550 5.7.30 Basic authentication is not supported', 'auth_basic_disabled', 'SX', 'server'],
  [29, 'auth', '535 5.7.3 Authentication unsuccessful', 'auth_rejected', 'SX', 'server', microsoft],
  [30, 'auth', '535 Authentication Credentials Invalid', 'auth_ses', 'SX', 'server', ses],
  [31, 'auth', '535 5.7.8 Authentication failed', 'auth_postmark', 'SX', 'server', postmark],
  [32, 'auth', '535 5.7.8 Authentication failed', 'auth_mandrill', 'SX', 'server', mandrill],
  [33, 'auth', '535 Authentication Failed', 'auth_or_credits', 'SX', 'server', zeptomail],
  [34, 'auth', '530 5.7.0 Must issue a STARTTLS command first', 'auth_needs_tls', 'SX', 'server'],
  [34, 'mail', '530 5.7.0 Must issue a STARTTLS command first', 'auth_needs_tls', 'SX', 'server'],
  [35, 'auth', '538 5.7.11 Encryption required', 'auth_needs_tls', 'SX', 'server'],
  [36, 'auth', '454 4.7.0 Temporary authentication failure', 'auth_temporary', 'S~', 'server'],
  [36, 'auth', '421 4.7.0 Too many login attempts', 'auth_temporary', 'S~', 'server'],
  [37, 'auth', '432 4.7.12 A password transition is needed', 'auth_account', 'SX', 'server'],
  [37, 'auth', '525 5.7.13 User account disabled', 'auth_account', 'SX', 'server'],
  [37, 'auth', '534 5.7.9 Mechanism too weak', 'auth_account', 'SX', 'server'],
  [37, 'auth', '535 5.7.8 This account is locked', 'auth_account', 'SX', 'server'],
];

const SENDING_AS: Row[] = [
  [38, 'mail', '530 5.7.0 Authentication required', 'auth_required', 'SX', 'server'],
  [38, 'mail', '530 5.7.1 Client was not authenticated', 'auth_required', 'SX', 'server'],
  [39, 'mail', '553 5.7.1 Sender address rejected: not owned by user', 'sender_not_allowed', 'SX', 'server'],
  [39, 'mail', '550 Refused', 'sender_not_allowed', 'SX', 'server'],
  [39, 'mail', '554 Refused', 'sender_not_allowed', 'SX', 'server'],
  [39, 'dot', '550 5.7.60 SMTP; no permissions', 'sender_not_allowed', 'SX', 'server'],
  [39, 'dot', '554 5.2.252 SendAsDenied', 'sender_not_allowed', 'SX', 'server'],
  [39, 'mail', '553 Relaying disallowed as <x@y.example>', 'sender_not_allowed', 'SX', 'server'],
  [40, 'mail', '550 5.1.7 Bad address syntax', 'sender_invalid', 'M!', 'message'],
  [40, 'mail', '501 5.1.7 Bad sender address syntax', 'sender_invalid', 'M!', 'message'],
  [40, 'rcpt', '550 5.1.8 Bad system address', 'sender_invalid', 'M!', 'message'],
  [41, 'mail', '451 4.3.0 Temporary problem', 'server_temporary', 'S~', 'server'],
  [41, 'mail', '451 Temporary problem', 'server_temporary', 'S~', 'server'],
  [42, 'mail', '452 4.3.1 Insufficient system storage', 'server_full', 'S~', 'server'],
  [42, 'dot', '452 Insufficient system storage', 'server_full', 'S~', 'server'],
  [43, 'mail', '552 5.3.4 Message size exceeds fixed limit', 'too_large', 'M!▸', 'message'],
  [43, 'mail', { kind: 'too_large', detail: { size: 30, limit: 25 } }, 'too_large', 'M!▸', 'message'],
  [44, 'mail', '555 5.5.4 Unsupported option: SMTPUTF8', 'parameter', 'M!▸', 'server'],
  [44, 'mail', '504 Parameter not implemented', 'parameter', 'M!▸', 'server'],
  [45, 'mail', 'smtputf8_missing', 'smtputf8_missing', 'M!▸', 'message'],
  [46, 'mail', '421 Closing', 'server_closing', 'S~', 'server'],
  [46, 'rcpt', '421 4.3.2 Shutting down', 'server_closing', 'S~', 'server'],
  [46, 'dot', '421 4.4.2 Timeout', 'server_closing', 'S~', 'server'],
  [47, 'dot', '421 4.7.0 Try again later', 'rate_limited', 'S~', 'server'],
  [47, 'rcpt', '450 4.2.1 The user is receiving email too quickly', 'rate_limited', 'S~', 'server'],
  [47, 'rcpt', '452 4.5.3 Too many recipients', 'rate_limited', 'S~', 'server'],
  [47, 'mail', '450 4.7.1 Slow down', 'rate_limited', 'S~', 'server'],
];

const LIMITS: Row[] = [
  [48, 'dot', '454 Throttling failure: Maximum sending rate exceeded.', 'ses_rate', 'S~', 'server'],
  [48, 'mail', '454 Throttling failure: Maximum sending rate exceeded.', 'ses_rate', 'S~', 'server', ses],
  [49, 'dot', '454 Throttling failure: Daily message quota exceeded.', 'ses_daily', 'S~', 'server'],
  [50, 'mail', '550 5.4.5 Daily user sending limit exceeded', 'daily_limit', 'S~', 'server', gmail],
  [50, 'dot', '552 5.4.5 Limit', 'daily_limit', 'S~', 'server'],
  [51, 'dot', '421 4.7.28 Unusual rate of unsolicited mail', 'rate_limited', 'S~', 'server'],
  [51, 'greet', '421 4.7.0 Unusual rate', 'server_busy', 'S~', 'server'],
  [52, 'mail', '432 4.3.2 Concurrent connections limit exceeded', 'ms_limit', 'S~', 'server'],
  [52, 'dot', '451 4.5.127 Excessive message rate from sender', 'ms_limit', 'S~', 'server'],
  [52, 'dot', '554 5.2.0 STOREDRV; SubmissionQuotaExceededException', 'ms_limit', 'S~', 'server'],
  [53, 'dot', '550 5.1.8 Access denied, bad outbound sender', 'account_blocked', 'SX', 'server'],
  [53, 'dot', '550 5.7.705 Access denied, tenant has exceeded threshold', 'account_blocked', 'SX', 'server'],
  [53, 'mail', '550 5.7.708 Access denied', 'account_blocked', 'SX', 'server'],
  [54, 'dot', '550 5.4.6 Unusual sending activity detected', 'account_blocked', 'SX', 'server'],
  [54, 'dot', '554 Message rejected: Sending paused for this account', 'account_blocked', 'SX', 'server'],
  [54, 'mail', '554 5.7.0 Your account has been suspended', 'account_blocked', 'SX', 'server'],
  [55, 'auth', '525 No credits left', 'credits', 'SX', 'server'],
  [55, 'auth', '535 Out of credits', 'credits', 'SX', 'server'],
  [55, 'dot', '550 Insufficient credits', 'credits', 'SX', 'server'],
  [56, 'dot', '554 Message rejected: Email address is not verified.', 'ses_not_verified', 'SX', 'server'],
];

const RECIPIENT: Row[] = [
  [57, 'rcpt', '550 5.1.1 No', 'recipient_unknown', 'R!', 'recipient'],
  [57, 'rcpt', '550 5.1.0 User unknown', 'recipient_unknown', 'R!', 'recipient'],
  [57, 'rcpt', '501 5.1.3 Bad syntax', 'recipient_unknown', 'R!', 'recipient'],
  [57, 'rcpt', '551 5.1.6 Moved', 'recipient_unknown', 'R!', 'recipient'],
  [57, 'rcpt', '550 5.1.10 RecipientNotFound', 'recipient_unknown', 'R!', 'recipient'],
  [57, 'rcpt', '553 No such user', 'recipient_unknown', 'R!', 'recipient'],
  [58, 'rcpt', '550 5.1.2 Bad host', 'domain_unknown', 'R!', 'recipient'],
  [58, 'rcpt', '556 5.1.10 No', 'domain_unknown', 'R!', 'recipient'],
  [58, 'rcpt', '550 5.4.4 Unable to route', 'domain_unknown', 'R~', 'recipient'],
  [59, 'rcpt', '550 5.2.1 Mailbox disabled', 'mailbox_disabled', 'R!', 'recipient'],
  [59, 'dot', '550 5.2.1 Mailbox disabled', 'mailbox_disabled', 'R!', 'recipient'],
  [60, 'rcpt', '550 5.2.2 Full', 'mailbox_full', 'R~', 'recipient'],
  [60, 'dot', '552 5.2.2 Full', 'mailbox_full', 'R~', 'recipient'],
  [60, 'rcpt', '452 4.2.2 Full', 'mailbox_full', 'R~', 'recipient'],
  [60, 'rcpt', '552 Aborted', 'mailbox_full', 'R~', 'recipient'],
  [61, 'rcpt', '450 Greylisted', 'greylisted', 'R~', 'recipient'],
  [61, 'rcpt', '451 4.2.0 Later', 'greylisted', 'R~', 'recipient'],
  [61, 'rcpt', '451 4.7.1 Try later', 'greylisted', 'R~', 'recipient'],
  [62, 'rcpt', '554 5.7.1 Relay access denied', 'relay_denied', 'SX', 'server'],
  [62, 'rcpt', '550 5.7.1 Relaying denied', 'relay_denied', 'SX', 'server'],
];

const REFUSED: Row[] = [
  [63, 'rcpt', '550 5.7.1 No', 'policy_rejected', 'M!', 'policy'],
  [63, 'dot', '550 Refused by policy', 'policy_rejected', 'M!', 'policy'],
  [63, 'dot', '550 5.7.0 Content refused', 'policy_rejected', 'M!', 'policy'],
  [64, 'rcpt', '554 5.7.1 Blocked using zen.spamhaus.org', 'blocklisted', 'S~', 'server'],
  [64, 'dot', '550 5.7.606 Access denied', 'blocklisted', 'S~', 'server'],
  [64, 'dot', '550 5.7.649 Access denied', 'blocklisted', 'S~', 'server'],
  [65, 'dot', '550 5.7.26 No', 'auth_dns', 'SX', 'server'],
  [65, 'dot', '550 5.7.25 No', 'auth_dns', 'SX', 'server'],
  [65, 'dot', '550 5.7.515 Access denied', 'auth_dns', 'SX', 'server'],
  [65, 'dot', '554 5.7.9 No', 'auth_dns', 'SX', 'server'],
  [65, 'dot', '550 5.7.23 No', 'auth_dns', 'SX', 'server'],
  [65, 'dot', '550 5.7.20 No', 'auth_dns', 'SX', 'server'],
  [65, 'dot', '550 5.7.21 No', 'auth_dns', 'SX', 'server'],
  [65, 'dot', '550 5.7.1 Refused by the DMARC policy', 'auth_dns', 'SX', 'server'],
  [66, 'dot', '552 5.7.0 Blocked', 'content_blocked', 'M!', 'message'],
  [66, 'dot', '554 5.6.1 Media not supported', 'content_blocked', 'M!', 'message'],
  [66, 'dot', '554 5.7.1 Virus found', 'content_blocked', 'M!', 'message'],
  [67, 'dot', '552 5.3.4 Too big', 'too_large', 'M!▸', 'message'],
  [67, 'dot', '554 Message too long', 'too_large', 'M!▸', 'message'],
  [67, 'dot', '552 5.2.3 Too big', 'too_large', 'M!', 'message'],
  [68, 'dot', '554 5.6.0 Bad', 'malformed', 'M!', 'message'],
  [68, 'dot', "554 Transaction failed: Duplicate header 'Subject'.", 'malformed', 'M!', 'message'],
  [69, 'dot', '451 4.3.0 Try later', 'server_temporary', 'S~', 'server'],
  [69, 'dot', '452 4.4.5 Try later', 'server_temporary', 'S~', 'server'],
  [69, 'dot', '450 4.9.9 Try later', 'server_temporary', 'S~', 'server'],
  [70, 'dot', '554 No', 'rejected', 'M!', 'policy'],
  [70, 'dot', '550 No', 'rejected', 'M!', 'policy'],
  [71, 'data', '503 5.5.1 No valid recipients', 'protocol', 'S~', 'server'], // the RCPT's own reply had decided before
  [71, 'data', '554 5.5.1 No valid recipients', 'protocol', 'S~', 'server'],
  [72, 'data', '250 Ok', 'protocol', 'S~', 'server'],
  [72, 'data', '550 No', 'protocol', 'S~', 'server'],
  [73, 'mail', 'malformed', 'protocol', 'N~', 'server'],
  [73, 'rcpt', '354 What', 'protocol', 'N~', 'server'],
  [73, 'dot', 'malformed', 'uncertain', 'U', 'network'],
  [73, 'dot', '354 Go on', 'uncertain', 'U', 'network'],
  [74, 'rcpt', 'closed', 'connection_lost', 'N~', 'network'],
  [74, 'body', 'timeout', 'connection_lost', 'N~', 'network'],
  [75, 'dot', 'closed', 'uncertain', 'U', 'network'],
  [75, 'dot', 'timeout', 'uncertain', 'U', 'network'],
  [76, 'local', 'local_storage', 'local_storage', 'L', 'us'],
  [81, 'dot', '250 2.0.0 Ok: queued as 4bXyZ12345z', 'accepted', 'OK', 'none'],
];

/** Decided where no session is: the room that decides, and its codes. */
const ELSEWHERE: [row: number, room: string, code: string][] = [
  [1, 'servers', 'host_invalid'],
  [1, 'servers', 'host_has_port'],
  [77, 'engine', 'template_error'],
  [78, 'engine', 'expired'],
  [78, 'messages', 'cancelled'],
  [79, 'servers', 'no_server'],
  [80, 'engine', 'suppressed'],
];

const ROWS = [CONNECTING, SIGNING_IN, SENDING_AS, LIMITS, RECIPIENT, REFUSED].flat();

test('every row from 1 to 81 is here', () => {
  const rows = new Set([...ROWS, ...ELSEWHERE].map(([row]) => row));
  expect(Array.from({ length: 81 }, (_, at) => at + 1).filter((row) => !rows.has(row))).toEqual([]);
});

describe('row', () => {
  test.each(ROWS)('%i at %s: %s is %s', (_, stage, trigger, code, follows, blame, context) => {
    const outcome = outcomeOf(stage, trigger, context);
    const [outcomeClass, suppress, retry, failover] = FOLLOWS[follows]!;
    expect(outcome).toMatchObject({ code, class: outcomeClass, blame, suppress, retry, failover });
    expect(outcome.message).not.toMatch(/[{}]|undefined| {2}|\(\)/);
  });

  test.each(ELSEWHERE)('%i is decided in %s: %s', (_, room, code) => {
    const folder = join(import.meta.dirname, '..', room);
    const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => readFileSync(join(folder, file), 'utf8'));
    expect(texts.some((text) => text.includes(`'${code}'`))).toBe(true);
  });
});

function outcomeOf(stage: Stage, trigger: Trigger, changed: Partial<Context> = {}): Outcome {
  const context = { ...CONTEXT, ...changed };
  if (typeof trigger === 'object') return classify({ stage, failure: trigger, context });
  const reply = parseReply(trigger);
  return reply
    ? classify({ stage, reply, context })
    : classify({ stage, failure: { kind: trigger as FailureKind }, context });
}

describe('SES does not know an address', () => {
  const refusal = (identity: string): Outcome =>
    outcomeOf(
      'dot',
      `554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: ${identity}`,
      ses,
    );

  test('of the sender: it must be verified', () => {
    const outcome = refusal('news@shop.example');
    expect(outcome).toMatchObject({ code: 'ses_not_verified', scope: 'sender', suppress: false });
    expect(outcome.message).toMatch(/has not verified news@shop\.example/);
  });

  test('of the recipient: the account is in its sandbox, and the address is not to blame', () => {
    const outcome = refusal('Ann@Example.org');
    expect(outcome).toMatchObject({ code: 'ses_not_verified', blame: 'server', suppress: false });
    expect(outcome.message).toMatch(/sandbox.*Request production access/);
  });
});

test('a domain that looks mistyped is named as it was probably meant', () => {
  const outcome = outcomeOf('rcpt', '550 5.1.2 Bad destination', { rcpt: 'ann@gmial.com' });
  expect(outcome.message).toBe(
    'gmial.com does not receive mail. Check the spelling: did you mean gmail.com?',
  );
  expect(outcomeOf('rcpt', '550 5.1.2 Bad destination').message).toMatch(/spelling\.$/);
});
