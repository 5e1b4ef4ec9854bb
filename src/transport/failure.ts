import type { Stage } from './outcome.ts';
import type { Reply } from './reply.ts';

/** What went wrong when there is no reply to blame. `timeout`, `closed` and `malformed` mean what the stage makes of them. */
export type FailureKind =
  | 'timeout'
  | 'closed'
  | 'malformed'
  | 'dns_not_found'
  | 'dns_temporary'
  | 'host_not_allowed'
  | 'connect_refused'
  | 'network_unreachable'
  | 'tls_mode_should_be_starttls'
  | 'tls_mode_should_be_ssl'
  | 'tls_untrusted'
  | 'tls_expired'
  | 'tls_name_mismatch'
  | 'tls_too_old'
  | 'tls_failed'
  | 'starttls_missing'
  | 'auth_not_offered'
  | 'auth_mechanism'
  | 'plaintext_password'
  | 'smtputf8_missing'
  | 'too_large'
  | 'stopping'
  | 'lease_lost'
  | 'local_storage';

export interface Failure {
  kind: FailureKind;
  /** Values for the placeholders of its sentence. */
  detail?: Record<string, string | number>;
}

/** Ends a session from deep inside. Never leaves this room: the public functions turn it into an outcome. */
export class Stop extends Error {
  readonly stage: Stage;
  override readonly cause: { reply: Reply } | { failure: Failure };

  constructor(stage: Stage, cause: { reply: Reply } | { failure: Failure }) {
    super(`stopped at ${stage}`);
    this.stage = stage;
    this.cause = cause;
  }
}

export function fail(stage: Stage, kind: FailureKind, detail: Failure['detail'] = {}): Stop {
  return new Stop(stage, { failure: { kind, detail } });
}
