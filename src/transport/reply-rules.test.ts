import { describe, expect, test } from 'vitest';
import { explain } from './testing.ts';

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
    ['550 Unrouteable address', 'recipient_unknown', 'recipient_permanent'],
    [
      '550-Verification failed for <news@shop.example> | 550-Unrouteable address | 550 Sender verify failed',
      'sender_not_allowed',
      'server_attention',
    ],
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
    ['dot', '554 Transaction failed: Duplicate header Subject', ses, 'malformed', 'message_permanent'],
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
