-- The schema after all migrations, on SQLite. Written by migrate.test.ts.

CREATE TRIGGER api_keys_delete_grows_revision after delete on api_keys
          begin update revision set number = number + 1; end;

CREATE TRIGGER api_keys_insert_grows_revision after insert on api_keys
          begin update revision set number = number + 1; end;

CREATE TRIGGER api_keys_update_grows_revision after update of key_hash, scope, expires_at, revoked_at on api_keys
          begin update revision set number = number + 1; end;

CREATE TABLE api_keys (
      id text primary key, workspace_id text not null references workspaces (id) on delete cascade,
      name text not null, key_hash text not null unique, ending text not null, scope text not null,
      created_at bigint not null, expires_at bigint, revoked_at bigint);

CREATE INDEX api_keys_workspace on api_keys (workspace_id);

CREATE TABLE attachments (
      message_id text not null, position bigint not null, filename text not null, content_type text not null,
      size bigint not null, content blob not null, primary key (message_id, position));

CREATE TABLE attempts (
      message_id text not null, fence bigint not null, workspace_id text not null, at bigint not null,
      server_id text, server_name text, stage text not null, outcome text not null, code text not null,
      reply text, reason text not null, duration_ms bigint not null, primary key (message_id, fence));

CREATE TABLE audit_log (
      id text primary key, workspace_id text not null, actor text not null, action text not null,
      target text not null, detail text not null, created_at bigint not null);

CREATE TABLE contacts (
      id text primary key, workspace_id text not null references workspaces (id) on delete cascade,
      email text not null, email_key text not null, attributes text not null, bounced_at bigint, unsubscribed_at bigint,
      created_at bigint not null, updated_at bigint not null, unique (workspace_id, email_key));

CREATE TABLE daily_counts (
      workspace_id text not null, day bigint not null, server_id text not null, word text not null, count bigint not null,
      primary key (workspace_id, day, server_id, word));

CREATE TABLE events (
      id text primary key, workspace_id text not null, type text not null, message_id text, contact_id text,
      at bigint not null, detail text not null);

CREATE INDEX events_message on events (message_id) where message_id is not null;

CREATE TABLE idempotency_keys (
      workspace_id text not null, key text not null, body_hash text not null, response text not null,
      created_at bigint not null, primary key (workspace_id, key));

CREATE INDEX idempotency_keys_age on idempotency_keys (created_at);

CREATE TABLE members (
      workspace_id text not null references workspaces (id) on delete cascade,
      user_id text not null references users (id) on delete cascade,
      role text not null, created_at bigint not null, primary key (workspace_id, user_id));

CREATE TABLE messages (
      id text primary key, workspace_id text not null, type text not null, live bigint not null, state text not null,
      lane text not null, priority bigint not null, due_at bigint not null, expires_at bigint not null,
      lease_owner text, fence bigint not null default 0, dot_at bigint, attempts bigint not null default 0, deferred_since bigint,
      created_at bigint not null, send_at bigint, final_at bigint,
      rcpt text not null, rcpt_key text not null, from_mailbox text not null, subject text not null,
      template_id text, template_slug text, template_version_id text,
      pinned_server_id text, on_uncertain text not null, failover text not null, sensitive bigint not null,
      server_id text, server_name text, route text, code text, reason text,
      server_message_id text, message_id_header text not null, body_hash text, possible_duplicate bigint not null default 0,
      content_of text not null, content text, tags text not null, metadata text not null);

CREATE INDEX messages_expiry on messages (expires_at) where state = 'queued';

CREATE INDEX messages_list on messages (workspace_id, id);

CREATE INDEX messages_queue on messages (lane, priority, due_at, id) where state = 'queued';

CREATE INDEX messages_rcpt on messages (workspace_id, rcpt_key, id);

CREATE INDEX messages_trouble on messages (workspace_id, state, id) where state not in ('queued', 'sent', 'captured');

CREATE TABLE notice_mails (
      workspace_id text not null, kind text not null, mailed_at bigint not null, primary key (workspace_id, kind));

CREATE TABLE notices (
      id text primary key, workspace_id text not null,
      kind text not null, subject text not null, count bigint not null, name text, reason text,
      first_at bigint not null, last_at bigint not null, seen_at bigint, unique (workspace_id, kind, subject));

CREATE TABLE revision (number bigint not null);

CREATE TABLE schema_versions (version bigint primary key, name text not null, applied_at bigint not null);

CREATE TABLE server_usage (
      server_id text not null references servers (id) on delete cascade,
      span text not null, starts_at bigint not null, used bigint not null, primary key (server_id, span, starts_at));

CREATE TRIGGER servers_delete_grows_revision after delete on servers
          begin update revision set number = number + 1; end;

CREATE TRIGGER servers_insert_grows_revision after insert on servers
          begin update revision set number = number + 1; end;

CREATE TRIGGER servers_update_grows_revision after update of allowed_from, allow_private, updated_at on servers
          begin update revision set number = number + 1; end;

CREATE TABLE servers (
      id text primary key, workspace_id text not null references workspaces (id) on delete cascade,
      type text not null, name text not null, region text, host text not null, port bigint not null, security text not null,
      username text, password_sealed text, helo_name text, allowed_from text not null, limits text not null,
      max_connections bigint not null, weight double precision not null, cost_per_thousand double precision, reserve double precision,
      tls_ca text, tls_fingerprint text, tls_server_name text, allow_private bigint not null, capabilities text not null,
      validated_at bigint not null, created_at bigint not null, updated_at bigint not null,
      failures bigint not null, waiting_until bigint, waiting_code text, waiting_reason text, rate double precision, rate_changed_at bigint, tokens double precision, tokens_at bigint);

CREATE INDEX servers_workspace on servers (workspace_id, id);

CREATE TABLE sessions (
      token_hash text primary key, user_id text not null references users (id) on delete cascade,
      workspace_id text not null references workspaces (id) on delete cascade,
      created_at bigint not null, seen_at bigint not null, expires_at bigint not null);

CREATE TABLE settings (name text primary key, value text not null);

CREATE TABLE suppressions (
      id text primary key, workspace_id text not null references workspaces (id) on delete cascade,
      email text not null, email_key text not null, reason text not null, code text, reply text, message_id text,
      created_at bigint not null, source text not null default 'smtp', server_id text, server_name text, expires_at bigint, unique (workspace_id, email_key));

CREATE INDEX suppressions_list on suppressions (workspace_id, id);

CREATE TABLE template_versions (
      id text primary key, workspace_id text not null, template_id text not null, version bigint not null,
      subject text not null, html text not null, text text not null, text_generated bigint not null, preheader text,
      from_mailbox text, reply_to text, design text, created_at bigint not null, unique (template_id, version));

CREATE TRIGGER templates_delete_grows_revision after delete on templates
          begin update revision set number = number + 1; end;

CREATE TRIGGER templates_insert_grows_revision after insert on templates
          begin update revision set number = number + 1; end;

CREATE TRIGGER templates_update_grows_revision after update of slug, version_id, server_id, updated_at on templates
          begin update revision set number = number + 1; end;

CREATE TABLE templates (
      id text primary key, workspace_id text not null references workspaces (id) on delete cascade,
      slug text not null, name text not null, version bigint not null, version_id text not null,
      server_id text references servers (id) on delete set null,
      failover text not null, on_uncertain text not null, priority text not null, ttl bigint, sensitive bigint not null,
      track_opens bigint not null, track_clicks bigint not null, created_at bigint not null, updated_at bigint not null,
      unique (workspace_id, slug));

CREATE INDEX templates_server on templates (server_id);

CREATE TABLE users (
      id text primary key, email text not null, email_key text not null unique, password_hash text not null, created_at bigint not null);

CREATE TRIGGER workspaces_delete_grows_revision after delete on workspaces
          begin update revision set number = number + 1; end;

CREATE TRIGGER workspaces_insert_grows_revision after insert on workspaces
          begin update revision set number = number + 1; end;

CREATE TRIGGER workspaces_update_grows_revision after update of name, routing, default_from on workspaces
          begin update revision set number = number + 1; end;

CREATE TABLE workspaces (
      id text primary key, name text not null, routing text not null, default_from text, created_at bigint not null);
