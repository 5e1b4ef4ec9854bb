import type { Generated } from 'kysely';

/**
 * The tables, as both engines return their rows. Times are milliseconds since 1970 in integers, switches are 0 or 1,
 * JSON is text decoded once by the store that owns the table: so one type is true of SQLite and of PostgreSQL.
 */
export interface Schema {
  settings: SettingsTable;
  workspaces: WorkspacesTable;
  users: UsersTable;
  members: MembersTable;
  sessions: SessionsTable;
  api_keys: ApiKeysTable;
  audit_log: AuditLogTable;
  servers: ServersTable;
  server_usage: ServerUsageTable;
  templates: TemplatesTable;
  template_versions: TemplateVersionsTable;
  contacts: ContactsTable;
  suppressions: SuppressionsTable;
  notices: NoticesTable;
  notice_mails: NoticeMailsTable;
  messages: MessagesTable;
  attempts: AttemptsTable;
  attachments: AttachmentsTable;
  idempotency_keys: IdempotencyKeysTable;
  events: EventsTable;
  daily_counts: DailyCountsTable;
  revision: { number: number };
}

interface SettingsTable {
  name: string;
  value: string;
}

interface WorkspacesTable {
  id: string;
  name: string;
  routing: 'random' | 'weighted' | 'cheapest';
  default_from: string | null;
  created_at: number;
}

interface UsersTable {
  id: string;
  email: string;
  email_key: string;
  password_hash: string;
  created_at: number;
}

interface MembersTable {
  workspace_id: string;
  user_id: string;
  role: 'owner' | 'admin' | 'editor' | 'viewer';
  created_at: number;
}

interface SessionsTable {
  token_hash: string;
  user_id: string;
  workspace_id: string;
  created_at: number;
  seen_at: number;
  expires_at: number;
}

interface ApiKeysTable {
  id: string;
  workspace_id: string;
  name: string;
  key_hash: string;
  /** The last four characters, to recognize a key by. */
  ending: string;
  scope: 'admin' | 'send';
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}

interface AuditLogTable {
  id: string;
  workspace_id: string;
  actor: string;
  action: string;
  target: string;
  detail: string;
  created_at: number;
}

export interface ServersTable {
  id: string;
  workspace_id: string;
  type: string;
  name: string;
  region: string | null;
  host: string;
  port: number;
  security: 'ssl' | 'starttls' | 'none';
  username: string | null;
  /** Sealed with the master key and bound to this row (servers/secrets.ts). */
  password_sealed: string | null;
  helo_name: string | null;
  allowed_from: string;
  limits: string;
  max_connections: number;
  weight: number;
  cost_per_thousand: number | null;
  reserve: number | null;
  tls_ca: string | null;
  tls_fingerprint: string | null;
  tls_server_name: string | null;
  allow_private: number;
  capabilities: string;
  validated_at: number;
  created_at: number;
  updated_at: number;
  /** Health (servers/health.ts): how often in a row it failed, and until when it waits. */
  failures: number;
  waiting_until: number | null;
  waiting_code: string | null;
  waiting_reason: string | null;
  /** Pace (servers/rate.ts): messages a second after the latest cut, and the tokens left for all workers. */
  rate: Generated<number | null>;
  rate_changed_at: Generated<number | null>;
  tokens: Generated<number | null>;
  tokens_at: Generated<number | null>;
}

/** Messages in one piece of a span (servers/quota.ts). */
interface ServerUsageTable {
  server_id: string;
  span: 'perMinute' | 'perHour' | 'perDay' | 'perMonth';
  starts_at: number;
  used: number;
}

interface TemplatesTable {
  id: string;
  workspace_id: string;
  slug: string;
  name: string;
  version: number;
  version_id: string;
  server_id: string | null;
  failover: 'strict' | 'any';
  on_uncertain: 'hold' | 'resend_once' | 'assume_sent';
  priority: 'high' | 'normal';
  /** Seconds. */
  ttl: number | null;
  sensitive: number;
  track_opens: number;
  track_clicks: number;
  created_at: number;
  updated_at: number;
}

interface TemplateVersionsTable {
  id: string;
  workspace_id: string;
  template_id: string;
  version: number;
  subject: string;
  html: string;
  text: string;
  text_generated: number;
  preheader: string | null;
  from_mailbox: string | null;
  reply_to: string | null;
  design: string | null;
  created_at: number;
}

interface ContactsTable {
  id: string;
  workspace_id: string;
  email: string;
  email_key: string;
  attributes: string;
  bounced_at: number | null;
  unsubscribed_at: number | null;
  created_at: number;
  updated_at: number;
}

interface SuppressionsTable {
  id: string;
  workspace_id: string;
  email: string;
  email_key: string;
  reason: 'bounce' | 'complaint' | 'manual';
  code: string | null;
  reply: string | null;
  message_id: string | null;
  created_at: number;
  /** How it came to be known: in an SMTP session, by hand, … */
  source: Generated<string>;
  server_id: string | null;
  server_name: string | null;
  /** Null: for good. */
  expires_at: number | null;
}

interface NoticesTable {
  id: string;
  workspace_id: string;
  kind: string;
  /** What the group is about: a server's id, or empty for messages of the workspace. */
  subject: string;
  count: number;
  name: string | null;
  reason: string | null;
  first_at: number;
  last_at: number;
  seen_at: number | null;
}

/** When the owners were last told of a kind by mail. */
interface NoticeMailsTable {
  workspace_id: string;
  kind: string;
  mailed_at: number;
}

export interface MessagesTable {
  id: string;
  workspace_id: string;
  type: 'transactional' | 'announcement' | 'automation' | 'test';
  /** 1: meant for a real server. 0: accepted in sandbox and captured. Fixed at acceptance. */
  live: number;
  state: string;
  /** Whose turn the message waits for: queue/delivery.ts names the lanes. */
  lane: string;
  /** 0 high, 1 normal. */
  priority: number;
  due_at: number;
  expires_at: number;
  /** The lease: who holds it; it ends at due_at. */
  lease_owner: string | null;
  /** Grows with each claim; every later write of the holder names it, so that a stale holder loses. */
  fence: Generated<number>;
  /** Set before the final dot leaves: from here on the message may have gone out. */
  dot_at: number | null;
  attempts: Generated<number>;
  /** When the recipient's server first asked to wait: retries follow this age. */
  deferred_since: number | null;
  created_at: number;
  send_at: number | null;
  final_at: number | null;
  rcpt: string;
  rcpt_key: string;
  from_mailbox: string;
  subject: string;
  template_id: string | null;
  template_slug: string | null;
  template_version_id: string | null;
  /** The server the caller demanded. */
  pinned_server_id: string | null;
  on_uncertain: 'hold' | 'resend_once' | 'assume_sent';
  failover: 'strict' | 'any';
  /** 1: variables and body are forgotten once the message is final. */
  sensitive: number;
  server_id: string | null;
  server_name: string | null;
  route: string | null;
  code: string | null;
  reason: string | null;
  server_message_id: string | null;
  message_id_header: string;
  body_hash: string | null;
  possible_duplicate: Generated<number>;
  /** The message whose content and attachments this one shares (cc and bcc siblings), or itself. */
  content_of: string;
  content: string | null;
  tags: string;
  metadata: string;
}

interface AttemptsTable {
  message_id: string;
  fence: number;
  workspace_id: string;
  at: number;
  server_id: string | null;
  server_name: string | null;
  stage: string;
  outcome: string;
  code: string;
  reply: string | null;
  reason: string;
  duration_ms: number;
}

interface AttachmentsTable {
  message_id: string;
  position: number;
  filename: string;
  content_type: string;
  size: number;
  content: Uint8Array;
}

interface IdempotencyKeysTable {
  workspace_id: string;
  key: string;
  body_hash: string;
  response: string;
  created_at: number;
}

interface EventsTable {
  id: string;
  workspace_id: string;
  type: string;
  message_id: string | null;
  contact_id: string | null;
  at: number;
  detail: string;
}

interface DailyCountsTable {
  workspace_id: string;
  /** Days since 1970-01-01, UTC. */
  day: number;
  /** Empty where no server took part. */
  server_id: string;
  word: string;
  count: number;
}
