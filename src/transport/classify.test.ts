import { describe, expect, test } from 'vitest';
import { type Context, classify } from './classify.ts';
import { CONSEQUENCES, type Outcome, type Stage } from './outcome.ts';
import { parseReply } from './reply.ts';
import { REPLY_RULES } from './reply-rules.ts';
import { VERDICTS } from './verdicts.ts';

const CONTEXT: Context = {
  server: 'Our relay',
  host: 'smtp.example.net',
  port: 587,
  user: 'shop',
  from: 'news@shop.example',
  rcpt: 'ann@example.org',
};

function explain(stage: Stage, line: string, context: Partial<Context> = {}): Outcome {
  const reply = parseReply(line.replaceAll(' | ', '\n'));
  if (!reply) throw new Error(`No reply: ${line}`);
  return classify({ stage, reply, context: { ...CONTEXT, ...context } });
}

const ses = { preset: 'aws_ses', host: 'email-smtp.eu-west-1.amazonaws.com' };
const gmail = { preset: 'gmail', host: 'smtp.gmail.com' };
const microsoft = { preset: 'microsoft365', host: 'smtp.office365.com' };

describe('at MAIL', () => {
  test.each([
    ['530 5.7.0 Authentication required', 'auth_required', 'server_attention'],
    ['530 5.7.57 Client not authenticated to send mail', 'auth_required', 'server_attention'],
    [
      '553 5.7.1 <news@shop.example>: Sender address rejected: not owned by user shop',
      'sender_not_allowed',
      'server_attention',
    ],
    [
      '550 5.7.60 SMTP; Client does not have permissions to send as this sender',
      'sender_not_allowed',
      'server_attention',
    ],
    [
      '554 5.2.252 SendAsDenied; shop@shop.example not allowed to send as news@shop.example',
      'sender_not_allowed',
      'server_attention',
    ],
    ['550 Verification failed for <news@shop.example>', 'sender_not_allowed', 'server_attention'],
    ['501 Invalid MAIL syntax', 'sender_invalid', 'message_permanent'],
    ['550 5.1.7 Bad sender address syntax', 'sender_invalid', 'message_permanent'],
    ['451 4.3.0 Mail server temporarily rejected message', 'server_temporary', 'server_deferral'],
    ['452 4.3.1 Insufficient system storage', 'server_full', 'server_deferral'],
    ['452 Insufficient system storage', 'server_full', 'server_deferral'],
    ['552 5.3.4 Message size exceeds fixed limit', 'too_large', 'message_permanent'],
    ['552 Message too big', 'too_large', 'message_permanent'],
    ['555 5.5.4 Unsupported option: SMTPUTF8', 'parameter', 'message_permanent'],
    ['421 4.4.2 Timeout - closing connection', 'server_closing', 'server_deferral'],
    ['421 Service not available', 'server_closing', 'server_deferral'],
    ['503 5.5.1 Bad sequence of commands', 'protocol', 'server_deferral'],
    ['354 What is this', 'protocol', 'network'],
    ['550 5.4.5 Daily user sending limit exceeded', 'daily_limit', 'server_deferral'],
    ['450 4.7.1 Error: too many messages from this client, slow down', 'rate_limited', 'server_deferral'],
    ['554 5.7.0 Your account has been suspended', 'account_blocked', 'server_attention'],
    ['550 5.1.1 Unknown', 'sender_not_allowed', 'server_attention'],
  ])('%s is %s', (line, code, outcomeClass) => {
    const outcome = explain('mail', line);
    expect(outcome).toMatchObject({ code, class: outcomeClass, suppress: false });
    expect(outcome.blame).not.toBe('recipient');
  });
});

describe('at RCPT', () => {
  test.each([
    [
      '550 5.1.1 <ann@example.org>: Recipient address rejected: User unknown in local recipient table',
      'recipient_unknown',
      'recipient_permanent',
    ],
    [
      '550-5.1.1 The email account that you tried to reach does not exist. | 550 5.1.1 Please try double-checking',
      'recipient_unknown',
      'recipient_permanent',
    ],
    [
      '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found',
      'recipient_unknown',
      'recipient_permanent',
    ],
    ['550 No such user here', 'recipient_unknown', 'recipient_permanent'],
    [
      "554 delivery error: dd This user doesn't have a yahoo.com account",
      'recipient_unknown',
      'recipient_permanent',
    ],
    ['551 User not local; please try <ann@example.net>', 'recipient_unknown', 'recipient_permanent'],
    ['550 5.1.2 Bad destination system', 'domain_unknown', 'recipient_permanent'],
    ['556 5.1.10 Domain does not accept mail', 'domain_unknown', 'recipient_permanent'],
    [
      '450 4.1.2 <ann@example.org>: Recipient address rejected: Domain not found',
      'domain_unknown',
      'recipient_temporary',
    ],
    [
      '550 5.2.1 The email account that you tried to reach is disabled',
      'mailbox_disabled',
      'recipient_permanent',
    ],
    ['552 5.2.2 Mailbox full', 'mailbox_full', 'recipient_temporary'],
    ["452 4.2.2 The recipient's inbox is out of storage space", 'mailbox_full', 'recipient_temporary'],
    ['552 Requested mail action aborted', 'mailbox_full', 'recipient_temporary'],
    ['550 Quota exceeded (mailbox for user is full)', 'mailbox_full', 'recipient_temporary'],
    [
      '450 4.2.0 <ann@example.org>: Recipient address rejected: Greylisted, see help',
      'greylisted',
      'recipient_temporary',
    ],
    ['451 4.7.1 Please try again later', 'greylisted', 'recipient_temporary'],
    ['451 4.3.2 Greylisting in action', 'greylisted', 'recipient_temporary'],
    ['450 Try again', 'greylisted', 'recipient_temporary'],
    ['554 5.7.1 <ann@example.org>: Relay access denied', 'relay_denied', 'server_attention'],
    ['550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain', 'relay_denied', 'server_attention'],
    [
      '550 5.1.0 <news@shop.example>: Sender address rejected: User unknown',
      'sender_invalid',
      'message_permanent',
    ],
    [
      '450 4.1.8 <news@shop.example>: Sender address rejected: Domain not found',
      'server_temporary',
      'server_deferral',
    ],
    [
      '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org',
      'blocklisted',
      'server_deferral',
    ],
    ['550 5.7.1 Message rejected due to local policy', 'policy_rejected', 'message_permanent'],
    ['550 Rejected', 'rejected', 'message_permanent'],
    ['452 4.5.3 Too many recipients', 'rate_limited', 'server_deferral'],
    [
      '450 4.2.1 The user you are trying to contact is receiving mail too quickly',
      'rate_limited',
      'server_deferral',
    ],
    ['451 4.3.0 Temporary lookup failure', 'server_temporary', 'server_deferral'],
    ['421 4.7.0 Try again later, closing connection', 'rate_limited', 'server_deferral'],
  ])('%s is %s', (line, code, outcomeClass) => {
    expect(explain('rcpt', line)).toMatchObject({ code, class: outcomeClass });
  });
});

describe('at DATA and after the dot', () => {
  test.each([
    ['data', '550 5.7.1 Spam message rejected', {}, 'policy_rejected', 'message_permanent'],
    ['data', '554 Transaction failed', {}, 'protocol', 'server_deferral'],
    ['data', '451 4.3.0 Try later', {}, 'server_temporary', 'server_deferral'],
    ['data', '250 Ok', {}, 'protocol', 'server_deferral'],
    ['dot', '454 Throttling failure: Maximum sending rate exceeded.', ses, 'ses_rate', 'server_deferral'],
    ['dot', '454 Throttling failure: Daily message quota exceeded.', ses, 'ses_daily', 'server_deferral'],
    [
      'dot',
      '554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: news@shop.example',
      ses,
      'ses_not_verified',
      'server_attention',
    ],
    [
      'dot',
      '554 Message rejected: Sending paused for this account.',
      ses,
      'account_blocked',
      'server_attention',
    ],
    ['dot', '554 Transaction failed: Duplicate header Subject', ses, 'rejected', 'message_permanent'],
    [
      'mail',
      '550-5.4.5 Daily user sending quota exceeded. | 550 5.4.5 https://support.google.com',
      gmail,
      'daily_limit',
      'server_deferral',
    ],
    [
      'dot',
      '421-4.7.28 Our system has detected an unusual rate of unsolicited mail | 421 4.7.28 gsmtp',
      gmail,
      'rate_limited',
      'server_deferral',
    ],
    [
      'dot',
      '550-5.7.26 Your email has been blocked because the sender is unauthenticated | 550 5.7.26 gsmtp',
      gmail,
      'auth_dns',
      'server_attention',
    ],
    [
      'dot',
      '552-5.7.0 This message was blocked because its content presents a potential security issue | 552 5.7.0 gsmtp',
      gmail,
      'content_blocked',
      'message_permanent',
    ],
    ['dot', '552 5.7.0 Our terms forbid this kind', gmail, 'content_blocked', 'message_permanent'],
    [
      'dot',
      '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded',
      microsoft,
      'ms_limit',
      'server_deferral',
    ],
    [
      'dot',
      '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; message submission quota',
      microsoft,
      'ms_limit',
      'server_deferral',
    ],
    [
      'dot',
      '550 5.1.8 Access denied, bad outbound sender AS(42004)',
      microsoft,
      'account_blocked',
      'server_attention',
    ],
    [
      'dot',
      '550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP',
      microsoft,
      'account_blocked',
      'server_attention',
    ],
    [
      'rcpt',
      '550 5.7.606 Access denied, banned sending IP [192.0.2.1]',
      {},
      'blocklisted',
      'server_deferral',
    ],
    [
      'dot',
      '550 5.7.515 Access denied, sending domain does not meet the required authentication level',
      {},
      'auth_dns',
      'server_attention',
    ],
    ['dot', '550 5.7.1 Email rejected per DMARC policy for shop.example', {}, 'auth_dns', 'server_attention'],
    [
      'rcpt',
      '550 5.7.23 The message was rejected because of Sender Policy Framework violation',
      {},
      'auth_dns',
      'server_attention',
    ],
    [
      'dot',
      '550 5.4.6 Unusual sending activity detected. Please try after sometime',
      {},
      'account_blocked',
      'server_attention',
    ],
    ['dot', '550 You have no credits left', {}, 'credits', 'server_attention'],
    ['dot', '550 5.7.0 Hourly sending limit exceeded', {}, 'daily_limit', 'server_deferral'],
    ['dot', '552 5.3.4 Error: message file too big', {}, 'too_large', 'message_permanent'],
    ['dot', '552 5.2.3 Message exceeds maximum fixed size', {}, 'too_large', 'message_permanent'],
    ['dot', '554 5.6.0 Malformed header', {}, 'malformed', 'message_permanent'],
    ['dot', '554 5.7.1 The message contains a virus: Eicar', {}, 'content_blocked', 'message_permanent'],
    ['dot', '550 5.1.1 User unknown', {}, 'recipient_unknown', 'recipient_permanent'],
    ['dot', '550 5.6.7 SMTPUTF8 is required but not supported', {}, 'parameter', 'message_permanent'],
    ['dot', '451 4.3.0 Queue file write error', {}, 'server_temporary', 'server_deferral'],
    ['dot', '421 4.3.2 Service shutting down', {}, 'server_closing', 'server_deferral'],
    ['dot', '554 Rejected', {}, 'rejected', 'message_permanent'],
    ['dot', '250 2.0.0 Ok', {}, 'accepted', 'accepted'],
    ['dot', '354 Go on', {}, 'uncertain', 'uncertain'],
  ] as const)('%s: %s is read with %j', (stage, line, context, code, outcomeClass) => {
    expect(explain(stage, line, context)).toMatchObject({ code, class: outcomeClass });
  });
});

describe('who pays', () => {
  test('only a bad recipient is suppressed', () => {
    const suppressing = Object.entries(VERDICTS).filter(
      ([, verdict]) => CONSEQUENCES[verdict.class].suppress,
    );
    expect(suppressing.map(([name]) => name).sort()).toEqual([
      'domain_unknown',
      'mailbox_disabled',
      'recipient_unknown',
    ]);
  });

  test('nothing before RCPT is ever blamed on a recipient, whatever the server writes', () => {
    const lines = [
      '550 5.1.1 User unknown',
      '550 no such user',
      '552 5.2.2 mailbox full',
      '450 greylisted',
      '556 5.1.10 no',
    ];
    for (const stage of ['greet', 'ehlo', 'starttls', 'auth', 'mail'] as const) {
      for (const line of lines) expect(explain(stage, line).blame, `${stage}: ${line}`).not.toBe('recipient');
    }
  });

  test('a limit of this server lets another one try, a limit of the recipient does not', () => {
    expect(explain('dot', '552 5.3.4 Too big').failover).toBe(true);
    expect(explain('dot', '552 5.2.3 Too big').failover).toBe(false);
  });

  test('a fault of one sender is marked as such, so that others go on', () => {
    expect(explain('mail', '553 5.7.1 Sender address rejected: not owned by user').scope).toBe('sender');
    expect(explain('mail', '535 5.7.8 Sign in first').scope).toBeUndefined();
  });
});

describe('the terminator was written', () => {
  test.each(['timeout', 'closed', 'malformed'] as const)(
    'and then %s: nobody knows, and nothing is resent',
    (kind) => {
      const outcome = classify({ stage: 'dot', failure: { kind }, context: CONTEXT });
      expect(outcome).toMatchObject({
        class: 'uncertain',
        code: 'uncertain',
        retry: false,
        failover: false,
        suppress: false,
      });
    },
  );

  test.each(['mail', 'rcpt', 'data', 'body'] as const)(
    'not yet, at %s: nothing was sent, and it is tried again',
    (stage) => {
      const outcome = classify({ stage, failure: { kind: 'closed' }, context: CONTEXT });
      expect(outcome).toMatchObject({ class: 'network', code: 'connection_lost', retry: true });
    },
  );
});

describe('what is shown', () => {
  test('is the reply with its digits, without control characters, at most 512 long', () => {
    const outcome = explain('dot', `550 5.7.1 \x1b[31mNo\x07 ${'x'.repeat(2_000)}`);
    expect(outcome.reply).toMatch(/^550 5\.7\.1 \[31mNo x+$/);
    expect(outcome.reply).toHaveLength(512);
    expect(outcome).toMatchObject({ replyCode: 550, enhanced: '5.7.1' });
  });

  test('names what the provider named', () => {
    const line =
      '554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: a@shop.example, b@shop.example';
    expect(explain('dot', line, ses).message).toContain(
      'SES (EU-WEST-1) has not verified a@shop.example, b@shop.example.',
    );
  });

  test('knows a provider by its host when no preset was chosen', () => {
    const outcome = explain('auth', '535 Authentication Credentials Invalid', { ...ses, preset: 'generic' });
    expect(outcome.code).toBe('auth_ses');
    expect(outcome.message).toContain('made for region eu-west-1');
  });

  test.each(REPLY_RULES.map(({ id, verdict }) => [id, verdict] as const))(
    'rule %s has a sentence without holes',
    (_, verdict) => {
      const known = new Set(
        'server host port user from rcpt helo domain fromDomain region identity reply asId'.split(' '),
      );
      const used = [...VERDICTS[verdict].says.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
      expect(used.filter((name) => !known.has(name))).toEqual([]);
    },
  );

  test('rules have ids of their own', () => {
    const ids = REPLY_RULES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("the server's own id", () => {
  test.each([
    [
      '250 Ok 0102018f0c1d2e3f-5a5b5c5d-0000-1111-2222-333344445555-000000',
      '0102018f0c1d2e3f-5a5b5c5d-0000-1111-2222-333344445555-000000',
    ],
    ['250 2.0.0 Ok: queued as 4bXyZ12345z', '4bXyZ12345z'],
    ['250 OK id=1tF3Ab-0000000Abc1-2DeF', '1tF3Ab-0000000Abc1-2DeF'],
    [
      '250 2.0.0 OK  1732350000 a640c23a62f3a-aa4f1e2d3sm123456b.12 - gsmtp',
      'a640c23a62f3a-aa4f1e2d3sm123456b.12',
    ],
    [
      '250 2.6.0 <abc@shop.example> [InternalId=12345, Hostname=X.example] 1234 bytes in 0.1 Queued mail for delivery',
      'abc@shop.example',
    ],
    ['250 Ok', undefined],
    ['250 2.0.0 Message accepted for delivery', undefined],
  ])('%s', (line, id) => {
    expect(explain('dot', line).serverMessageId).toBe(id);
  });
});

test('no pattern takes long, whatever is written', () => {
  const started = performance.now();
  for (const filler of ['a', ' ', 'sender ', 'account ', 'quota exceeded ', 'user ', 'spf ', 'limit ']) {
    explain('dot', `550 ${filler.repeat(8_000 / filler.length)}`);
    explain('rcpt', `450 ${filler.repeat(8_000 / filler.length)}`);
  }
  expect(performance.now() - started).toBeLessThan(500);
});
