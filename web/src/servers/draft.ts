import type { ServerTypeView, ServerView } from './queries.ts';

export type Security = ServerView['security'];

/** What stands in the form: texts as they were typed. */
export interface ServerDraft {
  name: string;
  region: string;
  host: string;
  port: string;
  security: Security;
  username: string;
  password: string;
  token: string;
  heloName: string;
  allowedFrom: string;
  maxConnections: string;
  tlsCa: string;
  tlsFingerprint: string;
  tlsServerName: string;
}

/** The port that people mean by an encryption, and the ports worth suggesting. */
export const USUAL_PORT: Record<Security, string> = { ssl: '465', starttls: '587', none: '25' };
export const SUGGESTED_PORTS = ['25', '465', '587', '2525'] as const;

const OTHER_REGION = '';

export function emptyDraft(type: ServerTypeView): ServerDraft {
  return {
    name: '',
    region: type.regions ? OTHER_REGION : '',
    host: '',
    port: type.port === undefined ? '' : String(type.port),
    security: type.security ?? 'starttls',
    username: '',
    password: '',
    token: '',
    heloName: '',
    allowedFrom: '',
    maxConnections: '',
    tlsCa: '',
    tlsFingerprint: '',
    tlsServerName: '',
  };
}

/** The stored server as a draft. The password is never among it: empty keeps the stored one. */
export function draftOf(server: ServerView): ServerDraft {
  return {
    name: server.name,
    region: server.region ?? '',
    host: server.host,
    port: String(server.port),
    security: server.security,
    username: server.username ?? '',
    password: '',
    token: '',
    heloName: server.heloName ?? '',
    allowedFrom: server.allowedFrom.join(', '),
    maxConnections: String(server.maxConnections),
    tlsCa: server.tlsCa ?? '',
    tlsFingerprint: server.tlsFingerprint ?? '',
    tlsServerName: server.tlsServerName ?? '',
  };
}

/** Switching the encryption brings its usual port along, unless the port was chosen on purpose. */
export function withSecurity(draft: ServerDraft, security: Security): ServerDraft {
  const usual = draft.port === '' || draft.port === USUAL_PORT[draft.security];
  return { ...draft, security, port: usual ? USUAL_PORT[security] : draft.port };
}

/** The body of the call that adds the server: only what the type asks for, and what was filled in under Advanced. */
export function newServerBody(type: ServerTypeView, draft: ServerDraft): Record<string, unknown> {
  const asked = new Set<string>(type.fields.map((field) => field.name));
  const everything = bodyOf(draft);
  const kept = Object.entries(everything).filter(([name, value]) =>
    CONNECTION.has(name) ? asked.has(name) : !isEmpty(value),
  );
  return { type: type.type, ...Object.fromEntries(kept) };
}

/** Only what differs goes into a change: a field that is sent counts as touched and is validated anew. */
export function changeBody(server: ServerView, draft: ServerDraft): Record<string, unknown> {
  const before = bodyOf(draftOf(server));
  const changed = Object.entries(bodyOf(draft)).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]),
  );
  return Object.fromEntries(changed.filter(([name, value]) => !(SECRET.has(name) && isEmpty(value))));
}

const CONNECTION = new Set(['region', 'host', 'port', 'security', 'username', 'password', 'token']);
const SECRET = new Set(['password', 'token']);

function bodyOf(draft: ServerDraft): Record<string, unknown> {
  return {
    name: orNull(draft.name),
    region: draft.region.trim(),
    host: draft.host,
    port: numberOf(draft.port),
    security: draft.security,
    username: orNull(draft.username),
    password: draft.password || null,
    token: orNull(draft.token),
    heloName: orNull(draft.heloName),
    allowedFrom: draft.allowedFrom.split(/[\s,;]+/).filter(Boolean),
    maxConnections: numberOf(draft.maxConnections),
    tlsCa: orNull(draft.tlsCa),
    tlsFingerprint: orNull(draft.tlsFingerprint),
    tlsServerName: orNull(draft.tlsServerName),
  };
}

function orNull(text: string): string | null {
  return text.trim() || null;
}

/** A text that is no number is sent as it is, so that the answer can name what is wrong with it. */
function numberOf(text: string): number | string | null {
  const trimmed = text.trim();
  return trimmed === '' ? null : Number.isNaN(Number(trimmed)) ? trimmed : Number(trimmed);
}

function isEmpty(value: unknown): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0);
}
