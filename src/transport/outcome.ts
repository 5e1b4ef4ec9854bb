/** The stage an SMTP session had reached. `dot`: the terminator was written; `local`: nothing of this is on the wire. */
export type Stage =
  | 'dns'
  | 'connect'
  | 'greet'
  | 'tls'
  | 'ehlo'
  | 'starttls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'body'
  | 'dot'
  | 'local';

/** What the outcome asks of us. One class, one consequence: see `CONSEQUENCES`. */
export type OutcomeClass =
  | 'accepted'
  | 'recipient_permanent'
  | 'recipient_temporary'
  | 'message_permanent'
  | 'server_deferral'
  | 'server_attention'
  | 'network'
  | 'uncertain'
  | 'local';

/** Whose fault it was. Only a recipient's fault may ever suppress an address. */
export type Blame = 'none' | 'recipient' | 'message' | 'policy' | 'server' | 'network' | 'us';

/** How one attempt ended. An attempt ends in this value, never in an exception. */
export interface Outcome {
  class: OutcomeClass;
  blame: Blame;
  /** Stable word used in the API, the logs and the documentation. */
  code: string;
  stage: Stage;
  /** The sentence a person reads. */
  message: string;
  /** The reply's lines joined by \n, at most 512 characters, without control characters and credentials. */
  reply?: string;
  replyCode?: number;
  /** Enhanced status code (RFC 3463), such as `5.1.1`. */
  enhanced?: string;
  /** What the server calls the message it accepted, read from its 250 line. */
  serverMessageId?: string;
  /** The address is bad and must not be written to again. */
  suppress: boolean;
  /** The same message may be tried again. */
  retry: boolean;
  /** Another server may be tried. */
  failover: boolean;
  /** Given when the fault lies between this server and this sender only: others may go on sending there. */
  scope?: 'sender';
  /** Which rule decided. */
  rule: string;
}

/** What follows from a class unless a rule says otherwise. */
export const CONSEQUENCES: Record<OutcomeClass, Pick<Outcome, 'suppress' | 'retry' | 'failover'>> = {
  accepted: { suppress: false, retry: false, failover: false },
  recipient_permanent: { suppress: true, retry: false, failover: false },
  recipient_temporary: { suppress: false, retry: true, failover: false },
  message_permanent: { suppress: false, retry: false, failover: false },
  server_deferral: { suppress: false, retry: true, failover: true },
  server_attention: { suppress: false, retry: true, failover: true },
  network: { suppress: false, retry: true, failover: true },
  uncertain: { suppress: false, retry: false, failover: false }, // a resend could be a second copy
  local: { suppress: false, retry: true, failover: false },
};

/** From RCPT on a reply may be about the recipient or the message; nothing before it ever is. */
export const ABOUT_RECIPIENT: readonly Stage[] = ['rcpt', 'data', 'body', 'dot'];
