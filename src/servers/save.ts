import type { Clock } from '../clock.ts';
import { AppError, notFound } from '../errors.ts';
import { audit } from '../events/record.ts';
import type { Actor } from '../http/route.ts';
import { newId } from '../ids.ts';
import type { Db } from '../storage/db.ts';
import type { Step } from '../transport/smtp.ts';
import type { Vault } from '../vault.ts';
import type { AddressPolicy } from './address-policy.ts';
import type { CheckLimit } from './check-limit.ts';
import { type ConnectionInput, checkConnection } from './connection.ts';
import { passwordPlace } from './endpoint.ts';
import { WELL } from './health.ts';
import type { ServerLimits } from './limits.ts';
import { NEVER_SLOWED } from './rate.ts';
import { checkAllowedFrom, DEFAULT_MAX_CONNECTIONS, type Server } from './server.ts';
import { insertServer, serverById, updateServer } from './store.ts';
import { serverType } from './types.ts';
import { type Checked, type Verification, verify } from './verify.ts';

export interface ServerInput extends ConnectionInput {
  name?: string | null | undefined;
  heloName?: string | null | undefined;
  allowedFrom?: string[] | null | undefined;
  limits?: ServerLimits | null | undefined;
  maxConnections?: number | null | undefined;
  weight?: number | null | undefined;
  costPerThousand?: number | null | undefined;
  reserve?: number | null | undefined;
  tlsCa?: string | null | undefined;
  tlsFingerprint?: string | null | undefined;
  tlsServerName?: string | null | undefined;
  allowPrivate?: boolean | null | undefined;
}

/** What the verbs of this room work with. */
export interface ServerParts {
  db: Db;
  clock: Clock;
  vault: Vault;
  policy: AddressPolicy;
  publicUrl: string;
  checkLimit: CheckLimit;
}

/** Saving is validating: nothing is stored unless a real session signed in. */
export async function addServer(
  parts: ServerParts,
  actor: Actor,
  input: ServerInput,
  onStep?: (step: Step) => void,
): Promise<Server> {
  const checked = check(input, actor);
  const verification = await verify(checked, verifyParts(parts, actor, onStep));
  const now = parts.clock.now();
  const server = build(
    parts.vault,
    { id: newId('srv', now), workspaceId: actor.workspaceId, createdAt: now },
    input,
    checked,
    verification,
    now,
  );
  await parts.db.write(async (tx) => {
    await insertServer(tx, server);
    await audit(
      tx,
      actor,
      'server.added',
      server.id,
      { host: server.host, allowPrivate: server.allowPrivate },
      now,
    );
  });
  return server;
}

/** The same session, without storing anything. */
export async function tryServer(
  parts: ServerParts,
  actor: Actor,
  input: ServerInput,
  onStep?: (step: Step) => void,
): Promise<Verification> {
  return verify(check(input, actor), verifyParts(parts, actor, onStep));
}

/** Signs in to a stored server again; success ends its waiting. */
export async function recheckServer(
  parts: ServerParts,
  actor: Actor,
  id: string,
  onStep?: (step: Step) => void,
): Promise<Server> {
  const server = await findServer(parts.db, actor.workspaceId, id);
  await verify({ ...server, password: openPassword(parts.vault, server) }, verifyParts(parts, actor, onStep));
  const now = parts.clock.now();
  const checked: Server = { ...server, validatedAt: now, updatedAt: now, health: WELL };
  await parts.db.write((tx) => updateServer(tx, checked, WELL));
  return checked;
}

/** Changes a server. A change of how it is reached is validated like a new one. */
export async function changeServer(
  parts: ServerParts,
  actor: Actor,
  id: string,
  change: Partial<ServerInput>,
  onStep?: (step: Step) => void,
): Promise<Server> {
  const server = await findServer(parts.db, actor.workspaceId, id);
  const merged = merge(server, change, parts.vault);
  const checked = check(merged, actor, server.allowPrivate);
  const reconnect = CONNECTION_FIELDS.some((field) => change[field] !== undefined);
  const verification = reconnect ? await verify(checked, verifyParts(parts, actor, onStep)) : undefined;
  const now = parts.clock.now();
  const changed = build(parts.vault, server, merged, checked, verification, now);
  await parts.db.write(async (tx) => {
    if (!(await updateServer(tx, changed, verification && WELL))) throw unknownServer(id);
    await audit(tx, actor, 'server.changed', id, { fields: Object.keys(change) }, now);
  });
  return changed;
}

export async function findServer(db: Db, workspaceId: string, id: string): Promise<Server> {
  const server = await serverById(db, workspaceId, id);
  if (!server) throw unknownServer(id);
  return server;
}

export function unknownServer(id: string, field?: string): AppError {
  return notFound(
    'server',
    `There is no server ${id.slice(0, 40)} in this workspace. GET /v1/servers lists them.`,
    field,
  );
}

const CONNECTION_FIELDS = [
  'type',
  'region',
  'host',
  'port',
  'security',
  'username',
  'password',
  'token',
  'heloName',
  'tlsCa',
  'tlsFingerprint',
  'tlsServerName',
  'allowPrivate',
] as const;

function check(input: ServerInput, actor: Actor, wasAllowed = false): Checked {
  const connection = checkConnection(input);
  const allowPrivate = input.allowPrivate ?? false;
  if (allowPrivate && !wasAllowed && !actor.mayAllowPrivate) {
    throw new AppError('host_not_allowed', 'Only the owner of the workspace can allow a private address.', {
      field: 'allowPrivate',
    });
  }
  return {
    ...connection,
    name: serverName(input.name, connection.type, connection.host),
    heloName: plain(
      input.heloName,
      'heloName',
      /^([a-z0-9-]+\.)+[a-z0-9-]+$|^\[[0-9a-f.:]+\]$/i,
      'helo_invalid',
      'The HELO name is a full host name, such as mail.example.com.',
    ),
    tlsCa: plain(
      input.tlsCa,
      'tlsCa',
      /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/,
      'tls_ca_invalid',
      'Paste the CA certificate as PEM, from BEGIN CERTIFICATE to END CERTIFICATE.',
    ),
    tlsFingerprint: plain(
      input.tlsFingerprint,
      'tlsFingerprint',
      /^([0-9a-f]{2}:?){32}$/i,
      'tls_fingerprint_invalid',
      'The fingerprint is the SHA-256 of the certificate: 64 hex digits, with or without colons.',
    ),
    tlsServerName: plain(
      input.tlsServerName,
      'tlsServerName',
      /^[a-z0-9.-]+$/i,
      'tls_server_name_invalid',
      'The TLS name is a host name.',
    ),
    allowPrivate,
  };
}

function plain(
  value: string | null | undefined,
  field: string,
  form: RegExp,
  code: string,
  message: string,
): string | null {
  const text = value?.trim();
  if (!text) return null;
  if (text.length > 100_000 || !form.test(text)) throw new AppError(code, message, { field });
  return text;
}

function serverName(name: string | null | undefined, type: string, host: string): string {
  const text = name?.trim();
  if (!text) return type === 'generic' ? host : serverType(type)!.name;
  if (text.length > 100 || /[\x00-\x1f\x7f]/.test(text))
    throw new AppError('name_invalid', 'The name has at most 100 printable characters.', { field: 'name' });
  return text;
}

function build(
  vault: Vault,
  base: Pick<Server, 'id' | 'workspaceId' | 'createdAt'> & Partial<Server>,
  input: ServerInput,
  checked: Checked,
  verification: Verification | undefined,
  now: number,
): Server {
  const { password, ...connection } = checked;
  return {
    ...connection,
    id: base.id,
    workspaceId: base.workspaceId,
    passwordSealed: password === null ? null : vault.seal(password, passwordPlace(base)),
    allowedFrom: checkAllowedFrom(input.allowedFrom ?? []),
    limits: input.limits ?? {},
    maxConnections: input.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
    weight: input.weight ?? 1,
    costPerThousand: input.costPerThousand ?? null,
    reserve: input.reserve ?? null,
    capabilities: verification ? offered(verification) : (base.capabilities ?? {}),
    validatedAt: verification ? now : base.validatedAt!,
    createdAt: base.createdAt,
    updatedAt: now,
    health: verification ? WELL : (base.health ?? WELL),
    learned: base.learned ?? NEVER_SLOWED,
  };
}

function offered(verification: Verification): Server['capabilities'] {
  const { size, smtpUtf8 } = verification.capabilities;
  return { ...(size ? { size } : {}), smtpUtf8 };
}

/** The stored server with the change laid over it; the stored password only stays where it cannot be led astray. */
function merge(server: Server, change: Partial<ServerInput>, vault: Vault): ServerInput {
  const merged: ServerInput = { ...server, password: openPassword(vault, server), ...definedOnly(change) };
  if (change.token !== undefined || (server.type === 'postmark' && change.password === undefined))
    merged.token = change.token ?? merged.password;
  if (change.username === null || change.username === '') merged.password = change.password ?? null;
  const given = change.password ?? change.token;
  if (server.passwordSealed !== null && merged.password && !given && leadsAstray(server, merged)) {
    throw new AppError(
      'password_reentry',
      'For your safety, enter the password again when the host, the user or the encryption changes.',
      { field: 'password' },
    );
  }
  return merged;
}

/** A changed host, user or trust, or weaker encryption, would hand the stored password to somebody else. */
function leadsAstray(server: Server, merged: ServerInput): boolean {
  const strength = { none: 0, starttls: 1, ssl: 1 };
  const changed = (
    ['type', 'region', 'host', 'username', 'tlsCa', 'tlsFingerprint', 'tlsServerName'] as const
  ).some((field) => (merged[field] ?? null) !== (server[field] ?? null));
  return changed || strength[merged.security ?? server.security] < strength[server.security];
}

function definedOnly<T extends object>(change: T): T {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as T;
}

function openPassword(vault: Vault, server: Server): string | null {
  return server.passwordSealed === null ? null : vault.open(server.passwordSealed, passwordPlace(server));
}

function verifyParts(parts: ServerParts, actor: Actor, onStep: ((step: Step) => void) | undefined) {
  return {
    policy: parts.policy,
    publicUrl: parts.publicUrl,
    limit: parts.checkLimit,
    caller: actor.id,
    now: parts.clock.now(),
    mayAllowPrivate: actor.mayAllowPrivate,
    onStep,
  };
}
