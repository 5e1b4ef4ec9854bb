import type { Migration } from '../migrate.ts';

/** The first schema. `bigint` holds milliseconds on both engines; `blob` is spelled as the engine spells it. */
export const firstMail: Migration = {
  version: 1,
  name: 'first-mail',
  statements: (engine) => [
    `create table settings (name text primary key, value text not null)`,
    `create table workspaces (
      id text primary key, name text not null, routing text not null, default_from text, created_at bigint not null)`,
    `create table users (
      id text primary key, email text not null, email_key text not null unique, password_hash text not null, created_at bigint not null)`,
    `create table members (
      workspace_id text not null references workspaces (id) on delete cascade,
      user_id text not null references users (id) on delete cascade,
      role text not null, created_at bigint not null, primary key (workspace_id, user_id))`,
    `create table sessions (
      token_hash text primary key, user_id text not null references users (id) on delete cascade,
      workspace_id text not null references workspaces (id) on delete cascade,
      created_at bigint not null, seen_at bigint not null, expires_at bigint not null)`,
    `create table api_keys (
      id text primary key, workspace_id text not null references workspaces (id) on delete cascade,
      name text not null, key_hash text not null unique, ending text not null, scope text not null,
      created_at bigint not null, expires_at bigint, revoked_at bigint)`,
    `create index api_keys_workspace on api_keys (workspace_id)`,
    `create table audit_log (
      id text primary key, workspace_id text not null, actor text not null, action text not null,
      target text not null, detail text not null, created_at bigint not null)`,
    `create table servers (
      id text primary key, workspace_id text not null references workspaces (id) on delete cascade,
      type text not null, name text not null, region text, host text not null, port bigint not null, security text not null,
      username text, password_sealed text, helo_name text, allowed_from text not null, limits text not null,
      max_connections bigint not null, weight double precision not null, cost_per_thousand double precision, reserve double precision,
      tls_ca text, tls_fingerprint text, tls_server_name text, allow_private bigint not null, capabilities text not null,
      validated_at bigint not null, created_at bigint not null, updated_at bigint not null,
      failures bigint not null, waiting_until bigint, waiting_code text, waiting_reason text)`,
    `create index servers_workspace on servers (workspace_id, id)`,
    // A deleted server is cleared from its templates by the schema, in the same transaction.
    `create table templates (
      id text primary key, workspace_id text not null references workspaces (id) on delete cascade,
      slug text not null, name text not null, version bigint not null, version_id text not null,
      server_id text references servers (id) on delete set null,
      failover text not null, on_uncertain text not null, priority text not null, ttl bigint, sensitive bigint not null,
      track_opens bigint not null, track_clicks bigint not null, created_at bigint not null, updated_at bigint not null,
      unique (workspace_id, slug))`,
    `create index templates_server on templates (server_id)`,
    // No foreign key to templates: a message remembers the version it used after the template is gone.
    `create table template_versions (
      id text primary key, workspace_id text not null, template_id text not null, version bigint not null,
      subject text not null, html text not null, text text not null, text_generated bigint not null, preheader text,
      from_mailbox text, reply_to text, design text, created_at bigint not null, unique (template_id, version))`,
    `create table contacts (
      id text primary key, workspace_id text not null references workspaces (id) on delete cascade,
      email text not null, email_key text not null, attributes text not null, bounced_at bigint, unsubscribed_at bigint,
      created_at bigint not null, updated_at bigint not null, unique (workspace_id, email_key))`,
    `create table suppressions (
      id text primary key, workspace_id text not null references workspaces (id) on delete cascade,
      email text not null, email_key text not null, reason text not null, code text, reply text, message_id text,
      created_at bigint not null, unique (workspace_id, email_key))`,
    `create table messages (
      id text primary key, workspace_id text not null, type text not null, live bigint not null, state text not null,
      lane text not null, priority bigint not null, due_at bigint not null, expires_at bigint not null,
      lease_owner text, fence bigint not null default 0, dot_at bigint, attempts bigint not null default 0, deferred_since bigint,
      created_at bigint not null, send_at bigint, final_at bigint,
      rcpt text not null, rcpt_key text not null, from_mailbox text not null, subject text not null,
      template_id text, template_slug text, template_version_id text,
      pinned_server_id text, on_uncertain text not null, failover text not null, sensitive bigint not null,
      server_id text, server_name text, route text, code text, reason text,
      server_message_id text, message_id_header text not null, body_hash text, possible_duplicate bigint not null default 0,
      content_of text not null, content text, tags text not null, metadata text not null)`,
    // The queue: only waiting rows stand in it, so history of any size costs it nothing.
    `create index messages_queue on messages (lane, priority, due_at, id) where state = 'queued'`,
    `create index messages_expiry on messages (expires_at) where state = 'queued'`,
    `create index messages_list on messages (workspace_id, id)`,
    `create index messages_rcpt on messages (workspace_id, rcpt_key, id)`,
    `create index messages_trouble on messages (workspace_id, state, id) where state not in ('queued', 'sent', 'captured')`,
    `create table attempts (
      message_id text not null, fence bigint not null, workspace_id text not null, at bigint not null,
      server_id text, server_name text, stage text not null, outcome text not null, code text not null,
      reply text, reason text not null, duration_ms bigint not null, primary key (message_id, fence))`,
    `create table attachments (
      message_id text not null, position bigint not null, filename text not null, content_type text not null,
      size bigint not null, content ${engine === 'sqlite' ? 'blob' : 'bytea'} not null, primary key (message_id, position))`,
    `create table idempotency_keys (
      workspace_id text not null, key text not null, body_hash text not null, response text not null,
      created_at bigint not null, primary key (workspace_id, key))`,
    `create index idempotency_keys_age on idempotency_keys (created_at)`,
    `create table events (
      id text primary key, workspace_id text not null, type text not null, message_id text, contact_id text,
      at bigint not null, detail text not null)`,
    `create index events_message on events (message_id) where message_id is not null`,
  ],
};
