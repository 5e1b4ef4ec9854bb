import type { Failure, FailureKind } from './failure.ts';
import type { Stage } from './outcome.ts';
import { VERDICTS, type Verdict } from './verdicts.ts';

type FailureRule = Verdict & { code: string };

/** The rule for a failure without a reply. After the terminator nothing but a reply tells what became of the mail. */
export function failureRule(stage: Stage, { kind }: Failure): FailureRule {
  if (stage === 'dot') return UNCERTAIN;
  switch (kind) {
    case 'timeout':
      return TIMEOUT[stage] ?? LOST;
    case 'closed':
      return CLOSED[stage] ?? LOST;
    case 'malformed':
      return stage === 'greet' ? NOT_SMTP : PROTOCOL;
    default:
      return FAILURES[kind];
  }
}

const UNCERTAIN: FailureRule = {
  code: 'uncertain',
  class: 'uncertain',
  blame: 'network',
  says: 'We sent all of the message, but {server} did not confirm it. It may have gone out. It is not sent again by itself, to avoid a second copy.',
};

const LOST: FailureRule = {
  code: 'connection_lost',
  class: 'network',
  blame: 'network',
  says: 'The line to {server} broke while {doing}. Nothing was sent.',
};

const PROTOCOL: FailureRule = {
  code: 'protocol',
  class: 'network',
  blame: 'server',
  says: '{server} answered with something that is no SMTP reply while {doing}. Nothing was sent.',
};

const NOT_SMTP: FailureRule = {
  code: 'not_smtp',
  class: 'server_attention',
  blame: 'server',
  says: '{host}:{port} is a {kind} server, not an outgoing mail server.',
};

const TLS_FAILED: FailureRule = {
  code: 'tls_failed',
  class: 'network',
  blame: 'network',
  says: 'Encryption could not be set up with {host}: {detail}.',
};

const TIMEOUT: Partial<Record<Stage, FailureRule>> = {
  connect: {
    code: 'connect_timeout',
    class: 'network',
    blame: 'network',
    says: 'No answer from {host}:{port} in {seconds} s. Many hosts block ports 25, 465 and 587 outward; ask yours, or try 2525 if your provider offers it.',
  },
  greet: {
    code: 'greeting_timeout',
    class: 'network',
    blame: 'server',
    says: '{host} accepted the connection but sent nothing in {seconds} s. It may be overloaded or not be a mail server.',
  },
  tls: TLS_FAILED,
};

const CLOSED_AT_ONCE: FailureRule = {
  code: 'closed_before_greeting',
  class: 'network',
  blame: 'server',
  says: '{host} closed the connection at once. It may only accept known IP addresses, or expects SSL/TLS on this port.',
};

const CLOSED: Partial<Record<Stage, FailureRule>> = {
  connect: CLOSED_AT_ONCE,
  greet: CLOSED_AT_ONCE,
  tls: TLS_FAILED,
};

const FAILURES: Record<Exclude<FailureKind, 'timeout' | 'closed' | 'malformed'>, FailureRule> = {
  dns_not_found: {
    code: 'dns_not_found',
    class: 'network', // a name that was right yesterday may be gone for an hour
    blame: 'server',
    says: 'No server is called {host}. Check the spelling. For SES, check the region part.',
  },
  dns_temporary: {
    code: 'dns_temporary',
    class: 'network',
    blame: 'network',
    says: 'The name {host} could not be looked up just now. This is a DNS problem on our side or theirs; trying again may help.',
  },
  host_not_allowed: {
    code: 'host_not_allowed',
    class: 'server_attention',
    blame: 'policy',
    says: '{host} points to {ip}, {what}.',
  },
  connect_refused: {
    code: 'connect_refused',
    class: 'network',
    blame: 'server',
    says: '{host} answered, but nothing listens on port {port}. Usual ports: 587 (STARTTLS), 465 (SSL/TLS), 2525.',
  },
  network_unreachable: {
    code: 'network_unreachable',
    class: 'network',
    blame: 'network',
    says: 'This machine has no network route to {host} ({ip}).',
  },
  tls_mode_should_be_starttls: {
    code: 'tls_mode_should_be_starttls',
    class: 'server_attention',
    blame: 'server',
    says: 'Port {port} on {host} does not start with SSL/TLS. Choose STARTTLS (usual for 587) or use port 465.',
  },
  tls_mode_should_be_ssl: {
    code: 'tls_mode_should_be_ssl',
    class: 'server_attention',
    blame: 'server',
    says: '{host}:{port} is waiting for SSL/TLS. Choose SSL/TLS (usual for 465).',
  },
  tls_untrusted: {
    code: 'tls_untrusted',
    class: 'server_attention',
    blame: 'server',
    says: '{host} shows a certificate we cannot trust ({detail}). Install a public certificate there, or enter its CA or its fingerprint for this server.',
  },
  tls_expired: {
    code: 'tls_expired',
    class: 'server_attention',
    blame: 'server',
    says: 'The certificate of {host} is valid from {from} to {to} only. Its operator must renew it (or the clock of this machine, {now}, is wrong).',
  },
  tls_name_mismatch: {
    code: 'tls_name_mismatch',
    class: 'server_attention',
    blame: 'server',
    says: 'The certificate is for {names}, not {wanted}. Use one of those names as host.',
  },
  tls_too_old: {
    code: 'tls_too_old',
    class: 'server_attention',
    blame: 'server',
    says: '{host} offers only outdated encryption (TLS 1.1 or older, or weak keys).',
  },
  tls_failed: TLS_FAILED,
  starttls_missing: { code: 'starttls_missing', ...VERDICTS.starttls_missing },
  auth_not_offered: {
    code: 'auth_not_offered',
    class: 'server_attention',
    blame: 'server',
    says: '{host} does not offer sign-in on port {port} in this encryption mode. Switch to STARTTLS or SSL/TLS, or remove the user name if it needs none.',
  },
  auth_mechanism: {
    code: 'auth_mechanism',
    class: 'server_attention',
    blame: 'server',
    says: '{host} accepts only {list} for sign-in; we can use PLAIN and LOGIN.{oauth}',
  },
  plaintext_password: {
    code: 'plaintext_password',
    class: 'server_attention',
    blame: 'policy',
    says: 'Without encryption the password would cross the network readable, and {host} ({ip}) is not on a private network. Choose STARTTLS or SSL/TLS.',
  },
  smtputf8_missing: {
    code: 'smtputf8_missing',
    class: 'message_permanent',
    blame: 'message',
    says: '{rcpt} or the sender uses non-Latin letters before the @; {server} cannot carry such addresses.',
    failover: true, // the limit is this server's
  },
  too_large: {
    code: 'too_large',
    class: 'message_permanent',
    blame: 'message',
    says: 'The message has {size} MB; {server} takes at most {limit} MB. Remove or shrink attachments (encoding adds about a third).',
    failover: true, // the limit is this server's
  },
  stopping: {
    code: 'stopping',
    class: 'local',
    blame: 'us',
    says: 'Sending stopped before this message had its turn. Nothing was sent.',
  },
  lease_lost: {
    code: 'lease_lost',
    class: 'local',
    blame: 'us',
    says: 'Another worker took this message over. Nothing was sent by this one.',
  },
  local_storage: {
    code: 'local_storage',
    class: 'local',
    blame: 'us',
    says: 'Sending is paused: this installation cannot save results. Nothing was sent and nothing is lost.',
  },
};
