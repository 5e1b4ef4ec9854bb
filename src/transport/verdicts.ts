import type { Blame, Outcome, OutcomeClass } from './outcome.ts';

/** What a reply amounts to. One verdict per stable code; a second one with the same code only where the class differs. */
export interface Verdict {
  /** The stable code, when it is not the verdict's name. */
  code?: string;
  class: OutcomeClass;
  blame: Blame;
  says: string;
  /** Instead of what the class implies. */
  failover?: Outcome['failover'];
  scope?: Outcome['scope'];
}

export type VerdictName = keyof typeof VERDICTS;

const stopped = { class: 'server_attention', blame: 'server' } as const;
const waiting = { class: 'server_deferral', blame: 'server' } as const;
const badRecipient = { class: 'recipient_permanent', blame: 'recipient' } as const;
const busyRecipient = { class: 'recipient_temporary', blame: 'recipient' } as const;
const badMessage = { class: 'message_permanent', blame: 'message' } as const;

const MICROSOFT_LIMITS =
  'Microsoft allows 3 connections, 30 messages a minute and 10,000 recipients a day per mailbox.';
const NO_DOMAIN = '{domain} does not receive mail. Check the spelling{meant}';
const OUT_OF_ORDER = '{server} answered out of order: {reply}';
const TOO_LARGE =
  'The message is too large for {server}: {reply}. Remove or shrink attachments (encoding adds about a third).';

export const VERDICTS = {
  accepted: { class: 'accepted', blame: 'none', says: 'Accepted by {server}{asId}.' },
  uncertain: {
    class: 'uncertain',
    blame: 'network',
    says: '{server} answered the whole message with something that is neither yes nor no: {reply}. It may have gone out. It is not sent again by itself, to avoid a second copy.',
  },

  // Before MAIL
  server_busy: { ...waiting, says: '{server} is busy or limits connections right now: {reply}' },
  greeting_refused: {
    ...stopped,
    says: '{server} refuses connections from the IP address of this machine: {reply}. It may be on a block list or need allow-listing.',
  },
  helo_refused: {
    ...stopped,
    says: '{server} does not accept our name {helo}. Set a full host name under HELO name.',
  },
  starttls_temporary: { ...waiting, says: '{server} cannot start encryption right now: {reply}' },
  starttls_missing: {
    ...stopped,
    says: '{host} does not offer STARTTLS on port {port}, so the password would travel unprotected. We stopped before sending it. Use SSL/TLS on 465 if available.',
  },
  auth_temporary: {
    ...waiting,
    says: '{server} cannot check the password now or saw too many tries. The password was not rejected. {reply}',
  },
  auth_account: { ...stopped, says: '{server}: the account needs attention: {reply}' },
  auth_web_login: {
    ...stopped,
    says: 'Google wants you to sign in with a browser first and allow this access.',
  },
  auth_app_password: {
    ...stopped,
    says: 'Google needs an App Password here, not your normal one. Turn on 2-Step Verification, create an App Password and paste its 16 letters.',
  },
  auth_basic_disabled: {
    ...stopped,
    says: 'Microsoft 365 has password sign-in for SMTP switched off for this mailbox or organization. An admin can enable authenticated SMTP.',
  },
  auth_ses: {
    ...stopped,
    says: 'SES needs SMTP credentials made for {ofRegion}; AWS access keys do not work, and credentials from one region fail in another.',
  },
  auth_postmark: {
    ...stopped,
    says: 'Use the Server API token as both user name and password, and check that SMTP is enabled for this server or stream.',
  },
  auth_mandrill: { ...stopped, says: 'Use an API key as the password; the user name is not checked.' },
  auth_or_credits: { ...stopped, says: "Token wrong, or the account's credits are used up or blocked." },
  auth_needs_tls: { ...stopped, says: '{host} wants encryption before sign-in. Choose STARTTLS.' },
  auth_mechanism: { ...stopped, says: '{host} does not accept the ways of sign-in it offers: {reply}' },
  auth_refused_here: {
    ...stopped,
    code: 'auth_not_offered',
    says: '{host} does not take a sign-in on port {port} in this encryption mode: {reply}. Switch to STARTTLS or SSL/TLS, or remove the user name if it needs none.',
  },
  auth_rejected: { ...stopped, says: '{server} rejected the user name or password for {user}.' },
  auth_rejected_or_disabled: {
    ...stopped,
    code: 'auth_rejected',
    says: '{server} rejected the user name or password for {user}. Where both are right, password sign-in for SMTP is switched off for this mailbox; an admin can enable it.',
  },

  // The server's limits and troubles
  ses_rate: { ...waiting, says: 'SES allows fewer messages a second; we slow down.' },
  ses_daily: {
    ...waiting,
    says: 'The SES 24-hour quota is used up. Sending continues as it frees, or ask AWS for more.',
  },
  daily_limit: {
    ...waiting,
    says: 'The daily limit of this account at {server} is reached. Sending continues when it is free again.',
  },
  ms_limit: { ...waiting, says: MICROSOFT_LIMITS },
  rate_limited: { ...waiting, says: '{server} asks us to slow down: {reply}' },
  server_full: { ...waiting, says: '{server} has no space right now.' },
  server_temporary: { ...waiting, says: '{server} has a temporary problem: {reply}' },
  server_closing: { ...waiting, says: '{server} closed the session: {reply}' },
  blocklisted: {
    ...waiting,
    says: "{server}'s address is on a block list. Recipients are fine. {reply}",
  },
  out_of_order: { ...waiting, code: 'protocol', says: OUT_OF_ORDER },
  protocol: { class: 'network', blame: 'server', says: OUT_OF_ORDER },

  // What a person must mend at the server
  account_blocked: { ...stopped, says: '{server} has stopped this account: {reply}. Contact them.' },
  sender_blocked: {
    ...stopped,
    code: 'account_blocked',
    scope: 'sender',
    says: 'Microsoft has blocked this sender from sending. See the security portal.',
  },
  credits: { ...stopped, says: '{server}: no sending credit left.' },
  auth_required: { ...stopped, says: '{server} needs a user name and password.' },
  relay_denied: {
    ...stopped,
    scope: 'sender',
    says: '{server} does not relay for this sender. Sign-in may be missing, or the domain is not allowed.',
  },
  sender_not_allowed: {
    ...stopped,
    scope: 'sender',
    says: '{server} does not let {user} send as {from}. Verify this sender or domain there, or change From.',
  },
  ses_not_verified: {
    ...stopped,
    scope: 'sender',
    says: "SES ({region}) has not verified {identity}. Verify it, or request production access if it is the recipient's address (sandbox).",
  },
  ses_sandbox: {
    ...stopped,
    code: 'ses_not_verified',
    scope: 'sender',
    says: 'SES ({region}) is in its sandbox and sends only to verified addresses; {identity} is not one. Request production access, or verify the address.',
  },
  auth_dns: {
    ...stopped,
    scope: 'sender',
    says: '{domain} refused because SPF, DKIM or DMARC does not pass for {fromDomain}. Open the domain check.',
  },

  // The recipient
  recipient_unknown: { ...badRecipient, says: '{rcpt} does not exist.' },
  mailbox_disabled: { ...badRecipient, says: '{rcpt} is switched off.' },
  domain_unknown: { ...badRecipient, says: NO_DOMAIN },
  domain_unreachable: { ...busyRecipient, code: 'domain_unknown', says: NO_DOMAIN },
  mailbox_full: { ...busyRecipient, says: '{rcpt} has a full mailbox.' },
  greylisted: { ...busyRecipient, says: '{domain} asks new senders to try again later.' },

  // The message
  sender_invalid: { ...badMessage, says: '{server} does not take {from} as a sender address: {reply}' },
  too_large: { ...badMessage, failover: true, says: TOO_LARGE }, // the limit is this server's
  too_large_for_recipient: { ...badMessage, code: 'too_large', says: TOO_LARGE }, // the same limit behind every server
  parameter: {
    class: 'message_permanent',
    blame: 'server',
    failover: true,
    says: '{server} does not support what this message needs: {reply}',
  },
  malformed: {
    ...badMessage,
    says: '{server} says the message is malformed: {reply}. This is likely a fault of Mailwright: report it.',
  },
  content_blocked: { ...badMessage, says: '{domain} refused the content of the message: {reply}' },
  policy_rejected: {
    class: 'message_permanent',
    blame: 'policy',
    says: '{domain} refused the message by its rules: {reply}',
  },
  rejected: { class: 'message_permanent', blame: 'policy', says: '{server} refused the message: {reply}' },
} as const satisfies Record<string, Verdict>;
